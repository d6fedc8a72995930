"""The words of ``times.toml`` as parts of patterns, and what they are worth."""

import re
import tomllib
from decimal import Decimal
from importlib.resources import files
from typing import Any

from dialog.ticket.words import alternation
from voicebot.language.numerals import parse_cardinal

_LOOK = re.compile(r"\(\?[=!][^)]*\)")  # what must or must not follow is not part of the word
_TABLE: dict[str, Any] = tomllib.loads((files(__package__) / "times.toml").read_text(encoding="utf-8"))


def table(name: str) -> dict[str, Any]:
    """One table of the file."""
    found: dict[str, Any] = _TABLE[name]
    return found


class Worth:
    """A table of patterns with a value each: looks a spoken word up."""

    def __init__(self, name: str) -> None:
        rows = sorted(table(name).items(), key=lambda row: -len(row[0]))
        self.pattern = alternation(table(name))
        self._rows = [(re.compile(_LOOK.sub("", word)), value) for word, value in rows]

    def of(self, spoken: str) -> Any:
        """The value of a word; raises `LookupError` when the table has none."""
        for word, value in self._rows:
            if word.fullmatch(spoken):
                return value
        raise LookupError(spoken)


PARTS, DAYS_BACK, VAGUE = Worth("parts"), Worth("days_back"), Worth("vague")
SEASONS, FEASTS, YEARS_BACK = Worth("seasons"), Worth("feasts"), Worth("years_back")
UNITS: dict[str, float] = table("units")
QUANTITIES: dict[str, float] = table("quantities")


def value(text: str) -> Decimal | None:
    """A small number as it is said of time; of 六七点 or 二十几天 the first."""
    if text in QUANTITIES:
        return Decimal(str(QUANTITIES[text]))
    found = parse_cardinal(text.replace("几", ""))
    return found if found is not None else parse_cardinal(text[:-1]) if len(text) > 1 else None
