"""The word lists of this package, read once."""

import re
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads((files(__package__) / "words.toml").read_text(encoding="utf-8"))


def words(name: str) -> tuple[str, ...]:
    """A list of words, longest first, so that the longest wins in an alternation."""
    value = _table()[name]
    return tuple(sorted(value, key=len, reverse=True)) if isinstance(value, list) else tuple(value)


def alternation(pieces: Iterable[str]) -> str:
    """A pattern that matches any of ``pieces`` of patterns, the longest first."""
    return "(?:" + "|".join(sorted(pieces, key=len, reverse=True)) + ")"


def any_of(name: str) -> str:
    """A pattern that matches any word of a list, as it is written."""
    return alternation(map(re.escape, words(name)))


def risk_words() -> dict[str, tuple[str, ...]]:
    """Words that point at a risk, by the name of the risk."""
    return {risk: tuple(found) for risk, found in _table()["risks"].items()}
