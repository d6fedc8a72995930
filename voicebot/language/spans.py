"""What a number in a sentence is, where it stands and what it is worth."""

from dataclasses import dataclass
from enum import StrEnum


class NumberKind(StrEnum):
    """The kinds a hotline has to tell apart."""

    PHONE = "phone"
    ID = "id"
    DIGITS = "digits"
    AMOUNT = "amount"
    PERCENT = "percent"
    DATE = "date"
    TIME = "time"
    HOUSE = "house"
    BUILDING = "building"
    UNIT = "unit"
    FLOOR = "floor"
    ROOM = "room"
    COUNT = "count"


ADDRESS_KINDS = frozenset({NumberKind.HOUSE, NumberKind.BUILDING, NumberKind.UNIT, NumberKind.FLOOR, NumberKind.ROOM})
"""Kinds that are part of an address."""


@dataclass(frozen=True, slots=True)
class NumberSpan:
    """A number at ``text[start:end]``.

    ``value`` by kind: PHONE, ID, DIGITS: the digits. AMOUNT: yuan as a decimal string. PERCENT: the
    figure before the sign. DATE: 2026-03-15, or without what was not said in the notation of XML
    Schema: 2026, 2026-03, --03, --03-15, ---15. TIME: HH:MM on the 24-hour clock when a part of the
    day was said, else as said; "晚上十二点" is 00:00 and "晚上一点" 01:00, of the day that follows.
    Parts of an address and COUNT: the figure. ``unit`` is the word behind the figure (块, 号院, 个
    月). ``written`` is what stands in normalised text.
    """

    kind: NumberKind
    start: int
    end: int
    value: str
    written: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Normalised:
    """A sentence with its numbers written as figures, the sentence as it was, and what was found.

    The spans' positions are those of ``raw``.
    """

    text: str
    raw: str
    spans: tuple[NumberSpan, ...]
