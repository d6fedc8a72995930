"""Hearing: telephone speech to text, corrected by sound."""
