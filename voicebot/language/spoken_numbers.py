"""Finds the numbers of a sentence and says what each of them is.

A number is read only where its surroundings say what it is (a unit, a place in an address, the
shape of a telephone number), so names that are made of numerals (五一路, 三里屯, 七里河) stay.
"""

import re
from collections.abc import Collection

from voicebot.core.speech import Expect
from voicebot.language import addresses, quantities
from voicebot.language.digit_runs import (
    HEARD_MOBILE,
    SPOKEN_RUN,
    heard_mobile,
    identity_number,
    phone_number,
    speak_digits,
    spoken_digits,
)
from voicebot.language.numerals import RUN_CLASS
from voicebot.language.quantities import Rule
from voicebot.language.spans import ADDRESS_KINDS, Normalised, NumberKind, NumberSpan

__all__ = [
    "ADDRESS_KINDS", "Normalised", "NumberKind", "NumberSpan", "find_numbers", "find_phone",
    "normalise", "speak_digits", "spoken_digits",
]  # fmt: skip

_LONG_RUN = 5  # digits; shorter runs of Chinese digits are words and names more often than numbers
_EMERGENCY = frozenset({"110", "119", "120", "122"})


def find_numbers(text: str, expects: Expect = Expect.ANYTHING, names: Collection[str] = ()) -> tuple[NumberSpan, ...]:
    """The numbers of ``text`` in order, never overlapping. ``names`` (of places, say) are left alone."""
    taken: list[NumberSpan] = []
    shielded = [match.span() for name in names for match in re.finditer(re.escape(name), text)]
    address = addresses.rules(address_expected=expects is Expect.ADDRESS)
    for pattern, read in (
        quantities.WRITTEN_DATE,
        addresses.DOOR,
        *_RUNS,
        *address,
        *quantities.rules(time_expected=expects is Expect.TIME),
    ):
        for match in pattern.finditer(text):
            span = read(match)
            if span is None or any(span.start < end and start < span.end for start, end in shielded):
                continue
            taken.append(span)
            shielded.append((span.start, span.end))
    return tuple(sorted(taken, key=lambda span: span.start))


def find_phone(text: str, expects: Expect = Expect.ANYTHING) -> str | None:
    """The first telephone number said in ``text``, as digits.

    When digits were asked for, the whole answer may be the number, however it was said.
    """
    for span in find_numbers(text):
        if span.kind is NumberKind.PHONE:
            return span.value
    return phone_number(spoken_digits(text)) if expects is Expect.DIGITS else None


def normalise(text: str, expects: Expect = Expect.ANYTHING, names: Collection[str] = ()) -> Normalised:
    """Write the numbers of ``text`` as figures; the sentence as it was stays beside it."""
    spans = find_numbers(text, expects, names)
    pieces, at = [], 0
    for span in spans:
        pieces += [text[at : span.start], span.written]
        at = span.end
    return Normalised("".join([*pieces, text[at:]]), text, spans)


def _certain(match: re.Match[str]) -> NumberSpan | None:
    """Telephone and identity numbers: the digits themselves say what they are."""
    digits = spoken_digits(match[0])
    phone, identity = phone_number(digits), identity_number(digits)
    if phone and len(phone) >= 7:
        return NumberSpan(NumberKind.PHONE, match.start(), match.end(), phone, phone)
    if identity:
        return NumberSpan(NumberKind.ID, match.start(), match.end(), identity, identity)
    return None


def _heard(match: re.Match[str]) -> NumberSpan | None:
    """A mobile number in which a digit was misheard as a word; only as long as no other reading makes it one."""
    phone = heard_mobile(match[0])
    return NumberSpan(NumberKind.PHONE, match.start(), match.end(), phone, phone) if phone else None


def _spoken(match: re.Match[str]) -> NumberSpan | None:
    """Other numbers that were read out digit by digit; figures already look as they should."""
    digits = spoken_digits(match[0])
    if match[0].isascii() or not (len(digits) >= _LONG_RUN or "幺" in match[0] or digits in _EMERGENCY):
        return None
    return NumberSpan(NumberKind.DIGITS, match.start(), match.end(), digits, digits)


_RUNS: tuple[Rule, ...] = (
    (SPOKEN_RUN, _certain),
    (re.compile(rf"[{RUN_CLASS}]{{7,}}[xXＸ]?"), _certain),  # a number right behind another one
    (HEARD_MOBILE, _heard),
    (re.compile(rf"[{RUN_CLASS}](?:[\s-]?[{RUN_CLASS}])+"), _spoken),
)
