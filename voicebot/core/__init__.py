"""Nouns, ports, errors and the clock. Imports nothing but the standard library."""
