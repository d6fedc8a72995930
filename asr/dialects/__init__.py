"""Dialects as data: how each of them is heard, and which one a call is in."""
