"""Numbers read out digit by digit: telephone, identity card, ticket; in speech and as a recogniser writes them."""

import re

from voicebot.language.numerals import RUN_CLASS, digit_run, parse_cardinal

_HESITATION = r"(?:[嗯呃啊哦额]|然后是?|后面是?|那个|就是)"
_BREAK = rf"(?:[\s,，、.。·;；:：\-－—–杠]|{_HESITATION})*"
_ROUND = rf"[{RUN_CLASS}](?:[千百](?![\u4e00-\u9fff]))?"  # 138 0013 八千
SPOKEN_RUN = re.compile(rf"\+?{_ROUND}(?:{_BREAK}{_ROUND})*(?:{_BREAK}[xXＸ](?![a-zA-Z]))?")
"""A chain of digits with pauses, separators and hesitation between them."""

_SOUNDS_LIKE = {  # what recognisers write for a digit that was read out, by the same sound in whatever tone
    character: digit
    for digit, characters in enumerate(
        (
            "灵玲铃林",
            "要药妖腰摇咬以已依医移",
            "而儿耳尔",
            "山散伞",
            "是事市死似",
            "无吾武舞",
            "流留刘",
            "起期其气",
            "吧把爸巴",
            "就酒久旧",
        )
    )
    for character in characters
}
_HEARD = f"[{RUN_CLASS}{''.join(_SOUNDS_LIKE)}]"
HEARD_MOBILE = re.compile(rf"(?<![{RUN_CLASS}]){_HEARD}(?:[\s,，]*{_HEARD}){{10}}(?![\s,，]*[{RUN_CLASS}])")
"""Eleven digits in a row, of which some may be written as another word of the same sound."""
_MISHEARD = 2  # digits of eleven at most: the rest says that a number is being read out

_REPEATED = re.compile(rf"([两二三四五六七八2-8])个([{RUN_CLASS}])(?![{RUN_CLASS}]?[十百千万亿])")
_MOBILE = re.compile(r"(?:0?086|0?86)?(1[3-9]\d{9})")
_LANDLINE = re.compile(r"(0[1-9]\d{1,2})?([2-8]\d{6,7})")
_SERVICE = re.compile(r"(?:400|800)\d{7}|123\d\d|9[56]\d{3}|1(?:10|19|20|22)")
_ID_CARD = re.compile(r"[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dX]")
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643-1999
_ID_CHECKS = "10X98765432"


def spoken_digits(text: str) -> str:
    """Every digit of an answer that was asked to be a number: "嗯幺三八 零零幺三 八千" is 13800138000.

    Understands 幺, 两 and 洞, repeated digits (三个八) and the cardinals that people slip in (八千,
    三百, 二十五). A final X of an identity card is kept. Empty when there is no digit.
    """
    text = _REPEATED.sub(lambda match: match[2] * int(digit_run(match[1]) or 0), text)
    pieces = re.findall(rf"[{RUN_CLASS}]*[{RUN_CLASS}十][十百千][{RUN_CLASS}十百千]*|[{RUN_CLASS}十]+|[xXＸ]", text)
    digits = "".join(_as_digits(piece) for piece in pieces)
    return digits if "X" not in digits[:-1] else digits.replace("X", "")


def heard_mobile(text: str) -> str | None:
    """A mobile number of which one or two digits were written as other words (要三八 for 幺三八), or None."""
    misheard = sum(character in _SOUNDS_LIKE for character in text)
    if not 1 <= misheard <= _MISHEARD:
        return None
    digits = digit_run("".join(str(_SOUNDS_LIKE.get(c, c)) for c in text if c not in " ,，"))
    return phone_number(digits) if digits and _MOBILE.fullmatch(digits) else None


def phone_number(digits: str) -> str | None:
    """The number as it is dialled in China, or None when the digits are not one.

    Mobile numbers have 11 digits from 13 to 19, landlines 7 or 8 with or without an area code;
    service numbers are 400 and 800 numbers, 12345 and its kind, 95 and 96 numbers and the emergency
    numbers. The country code is dropped.
    """
    if match := _MOBILE.fullmatch(digits):
        return match[1]
    return digits if _LANDLINE.fullmatch(digits) or _SERVICE.fullmatch(digits) else None


def identity_number(digits: str) -> str | None:
    """The 18 characters of an identity card when date and check digit are right (GB 11643-1999), else None."""
    digits = digits.upper()
    if not _ID_CARD.fullmatch(digits):
        return None
    checksum = sum(weight * int(digit) for weight, digit in zip(_ID_WEIGHTS, digits, strict=False))
    return digits if _ID_CHECKS[checksum % 11] == digits[-1] else None


def speak_digits(digits: str) -> str:
    """Digits as the voice reads them back, in groups: 13800138000 is 一三八，零零一三，八零零零.

    Telephone and identity numbers have their usual groups; others go by fours. Anything but a digit
    and X is dropped.
    """
    kept = [character for character in digits.upper() if character in "0123456789X"]
    groups, begin = [], 0
    for size in _group_sizes("".join(kept)):
        groups.append("".join(_SPOKEN[character] for character in kept[begin : begin + size]))
        begin += size
    return "，".join(groups)


_SPOKEN = dict(zip("0123456789X", "零一二三四五六七八九X", strict=True))


def _group_sizes(digits: str) -> list[int]:
    if _MOBILE.fullmatch(digits):
        return [3, 4, 4] if len(digits) == 11 else [len(digits) - 11, 3, 4, 4]
    if (landline := _LANDLINE.fullmatch(digits)) and len(digits) >= 7:
        area = [len(landline[1])] if landline[1] else []
        return [*area, len(landline[2]) - 4, 4]
    if _ID_CARD.fullmatch(digits):
        return [6, 4, 4, 4]
    if len(digits) <= 5:
        return [len(digits)]
    whole, rest = divmod(len(digits), 4)
    if rest == 1:  # a lonely last digit is easily missed
        return [4] * (whole - 1) + [3, 2]
    return [4] * whole + ([rest] if rest else [])


def _as_digits(piece: str) -> str:
    """Digits of one piece of an answer; a cardinal inside a number is written out (八千 is 8000, 二十五 is 25)."""
    if piece in "xXＸ":
        return "X"
    digits = ""
    while piece:
        cardinal = _TAIL_CARDINAL.search(piece)
        if cardinal is None:
            return digits + (digit_run(piece) or "")
        digits += digit_run(piece[: cardinal.start()]) or ""
        value = parse_cardinal(cardinal[0])
        digits += str(int(value)) if value is not None else ""
        piece = piece[cardinal.end() :]
    return digits


_TAIL_CARDINAL = re.compile(
    r"[一二两三四五六七八九1-9]千(?:[一二两三四五六七八九]百)?(?:零?[一二三四五六七八九]?十?[一二三四五六七八九]?)"
    r"|[一二两三四五六七八九1-9]百(?:零[一二三四五六七八九]|[一二三四五六七八九]?十[一二三四五六七八九]?)?"
    r"|[二三四五六七八九]?十[一二三四五六七八九]?"
)
