"""A reply cut into clauses that can be spoken one by one, short ones, so that the first is ready early.

A cut stands only where a speaker breathes: behind a punctuation mark. A number keeps its commas and
colons (12,000 and 18:30), a quotation its closing mark.
"""

import unicodedata

_STRONG = "。！？!?；;\n…"
_WEAK = "，,：:"
_CLOSING = "”’」』》）)】"

CLAUSE_CHARACTERS = 8
"""A clause takes a second breath group only while it stays within this many spoken characters: it is ready early, and
what is cut already is not cut again, so a clause has one place in the cache however it comes."""
LONGEST_CHARACTERS = 40
"""A breath group longer than this (an enumeration, usually) is cut at 、 too, or else anywhere but in a number."""


def spoken_characters(text: str) -> int:
    """Number of characters that make a sound: letters, figures and Chinese characters."""
    return sum(unicodedata.category(character)[0] in "LN" for character in text)


def _cut_behind(text: str, marks: str) -> list[str]:
    """The text cut behind marks; the pieces joined are the text."""
    pieces: list[str] = []
    start = 0
    for at, character in enumerate(text):
        behind = text[at + 1 : at + 2]
        if character not in marks and not (character in _CLOSING and text[max(at - 1, 0)] in marks):
            continue
        if behind and behind in marks + _CLOSING:
            continue  # the cut comes behind the last of several marks
        if character in ",:：" and text[max(at - 1, 0)].isdigit() and behind.isdigit():
            continue
        pieces.append(text[start : at + 1])
        start = at + 1
    return [*pieces, text[start:]] if start < len(text) else pieces


def _inside_a_word(pair: str) -> bool:
    """Do two neighbouring characters belong to one number or one English word?"""
    return pair.isascii() and pair.isalnum()


def _cut_long(group: str) -> list[str]:
    """A breath group that nobody has the breath for, in pieces of at most `LONGEST_CHARACTERS`."""
    if spoken_characters(group) <= LONGEST_CHARACTERS:
        return [group]
    pieces: list[str] = []
    for part in _cut_behind(group, "、 "):
        while spoken_characters(part) > LONGEST_CHARACTERS:
            at = LONGEST_CHARACTERS
            while at > 1 and _inside_a_word(part[at - 1 : at + 1]):
                at -= 1
            pieces.append(part[:at])
            part = part[at:]
        if pieces and spoken_characters(pieces[-1] + part) <= CLAUSE_CHARACTERS:
            pieces[-1] += part
        else:
            pieces.append(part)
    return pieces


def split_clauses(text: str) -> tuple[str, ...]:
    """Clauses in order, without blanks at their ends; empty for a text that makes no sound.

    A sentence always ends a clause, so that a sentence said in another reply is the same clauses again.
    """
    clauses: list[str] = []
    for sentence in _cut_behind(text, _STRONG):
        current = ""
        for breath in _cut_behind(sentence, _WEAK):
            for piece in _cut_long(breath):
                if current and spoken_characters(current + piece) > CLAUSE_CHARACTERS:
                    clauses.append(current.strip())
                    current = ""
                current += piece
        if spoken_characters(current):
            clauses.append(current.strip())
        elif clauses:
            clauses[-1] += current.strip()
    return tuple(clause for clause in clauses if spoken_characters(clause))
