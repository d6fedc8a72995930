"""Correction by sound: the words that fit what was heard, the language and the city best."""
