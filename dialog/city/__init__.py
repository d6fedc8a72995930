"""A city's data: what clerks write in files, checked and frozen for the rooms that talk about it."""

from dialog.city.loader import load_city

__all__ = ["load_city"]
