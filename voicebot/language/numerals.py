"""Chinese and Arabic numerals, alone and mixed, as values.

Two readings exist side by side: a *cardinal* has scale units (三千五百, 两万三, 3万5) and a *digit
run* is read out one by one (幺三八, 五零一, 二零二六). The caller of these functions knows which one
the context asks for; nothing here guesses from context.
"""

import re
from decimal import Decimal

DIGITS = {
    "零": 0, "〇": 0, "洞": 0, "一": 1, "幺": 1, "二": 2, "两": 2, "三": 3, "四": 4,
    "五": 5, "六": 6, "七": 7, "八": 8, "九": 9,
}  # fmt: skip
SCALES = {"十": 10, "百": 100, "千": 1000, "万": 10_000, "亿": 100_000_000}
_DESCENDING = tuple(reversed(SCALES.items()))

RUN_CLASS = "0-9零〇洞一幺二两三四五六七八九"
"""Inside of a character class: characters that may stand in a run of digits."""

CARDINAL = r"[0-9零〇一二两三四五六七八九十百千万亿]+(?:[.点][0-9零〇一二三四五六七八九]+)?[万亿]?"
"""Pattern of anything that may be a cardinal; `parse_cardinal` decides."""


def digit_run(text: str) -> str | None:
    """Arabic digits of a run that is read one by one (幺三八 -> 138); None when a character is not a digit."""
    digits = []
    for character in text:
        if character.isascii() and character.isdigit():
            digits.append(character)
        elif character in DIGITS:
            digits.append(str(DIGITS[character]))
        else:
            return None
    return "".join(digits) or None


def parse_cardinal(text: str) -> Decimal | None:
    """Value of a cardinal, or None when the characters do not form one.

    A last digit behind a scale unit takes the next lower place (两万三 is 23,000, 三千五 3,500). Two
    digits side by side are an approximation (三五百, 两三) or a digit run, so they have no value here.
    """
    if fraction := _FRACTION.fullmatch(text):
        whole, digits = _whole(fraction[1]), digit_run(fraction[2])
        scale = SCALES.get(fraction[3], 1)
        return None if whole is None else Decimal(f"{whole}.{digits}") * scale
    value = _whole(text)
    return None if value is None else Decimal(value)


def plain(value: Decimal) -> str:
    """A value as people write it: no exponent, no trailing zeros behind the point."""
    return str(int(value)) if value == value.to_integral_value() else f"{value.normalize():f}"


_FRACTION = re.compile(rf"([^点.]+)[点.]([{RUN_CLASS}]+)([万亿]?)")


def _whole(text: str) -> int | None:
    for unit, size in _DESCENDING:
        if unit in text:
            head, _, rest = text.partition(unit)
            high, low = _head(head, size), _rest(rest, size)
            return None if high is None or low is None else high * size + low
    if text.isascii() and text.isdigit():
        return int(text)
    return DIGITS.get(text)


def _head(text: str, size: int) -> int | None:
    """What counts the unit: anything before 万 and 亿, one digit before 千 and 百, nothing or one digit before 十."""
    if size >= SCALES["万"]:
        return _whole(text)
    return 1 if not text and size == SCALES["十"] else _whole(text) if len(text) == 1 or text.isascii() else None


def _rest(text: str, size: int) -> int | None:
    """What follows the unit; one bare digit takes the next lower place."""
    if not text:
        return 0
    if len(text) == 1:
        digit = _whole(text)
        return digit * size // 10 if digit else None
    value = _whole(text.lstrip("零〇")) if text[0] in "零〇" else _whole(text)
    return value if value is not None and value < size else None
