"""Pinyin syllables without tone: their parts, and the reading of Chinese text."""

import re
from collections.abc import Mapping
from functools import lru_cache

from pypinyin import Style, lazy_pinyin, load_phrases_dict, pinyin

HAN = re.compile(r"[一-鿿]")

_INITIAL = re.compile(r"zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw]")


def teach(words: Mapping[str, str]) -> None:
    """Readings (word -> syllables with spaces) that the tables lack or have wrong; they hold for the process."""
    load_phrases_dict({word: [[syllable] for syllable in reading.split()] for word, reading in words.items()})


@lru_cache(maxsize=4096)
def split(syllable: str) -> tuple[str, str]:
    """Initial and final as they are written: zhang is (zh, ang), an is ("", an), yu is (y, u)."""
    match = _INITIAL.match(syllable)
    initial = match[0] if match else ""
    return initial, syllable[len(initial) :]


def _each(unknown: str) -> list[str]:
    return list(unknown)


def read(text: str) -> tuple[str, ...]:
    """One syllable for each character of a text of Chinese characters only, chosen by context; ü is v."""
    return tuple(lazy_pinyin(text, v_to_u=False, errors=_each))  # type: ignore[arg-type]


@lru_cache(maxsize=20_000)
def readings(character: str) -> tuple[str, ...]:
    """Every syllable that a character can stand for, the most frequent first."""
    found = pinyin(character, style=Style.NORMAL, heteronym=True, v_to_u=False, errors="ignore")
    return tuple(dict.fromkeys(found[0])) if found else ()


@lru_cache(maxsize=20_000)
def tones(character: str) -> frozenset[str]:
    """The tones that a character can have, 1 to 5 (5 is none)."""
    found = pinyin(character, style=Style.TONE3, heteronym=True, neutral_tone_with_five=True, errors="ignore")
    return frozenset(reading[-1] for reading in found[0]) if found else frozenset()
