"""Figures written the way a clerk at a hotline says them.

Most texts arrive with their numbers in Chinese; this is for what is left: articles and templates of a
city. A telephone number, a ticket number and an identity number are read one by one with 幺 for 1, a
year and a room digit by digit, a time and a date by their parts, everything else as a quantity.
"""

import re

_ONE_BY_ONE = str.maketrans("0123456789", "零幺二三四五六七八九")
_PLAIN = str.maketrans("0123456789", "零一二三四五六七八九")
_PLACES = ("", "十", "百", "千")
_GROUPS = ("", "万", "亿", "万亿")
_COUNTED = (*"个位天年周次块条家户种件名辆栋倍", "小时")
_SIGNS = {"℃": "摄氏度", "㎡": "平方米", "&": "和", "@": "艾特", "+": "加", "=": "等于"}

_DATE = re.compile(r"(?<!\d)((?:19|20)\d\d)[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?=年)")
_CLOCK = re.compile(r"(?<!\d)([01]?\d|2[0-4])[:：]([0-5]\d)(?!\d)")
_ROOM = re.compile(r"(?<!\d)\d{3,4}(?=室|房间)")
_TELEPHONE = re.compile(r"(?<![\dA-Za-z.])(?:\+?\d{2,4}[-－])?\d{3,8}[-－]\d{3,8}(?!\d)")
_CODE = re.compile(r"(?<![\d.])\d{7,}(?![\d.,元块万亿])")
_SERVICE = re.compile(r"(?<![\d.])(?:110|119|120|122|12345|123[0-9]{2}|95\d{3}|100\d\d)(?![\d.,%％元块万亿个人米平公])")
_RANGE = re.compile(r"(\d[\d.:：]*[%％]?)\s*[-~～—–]+\s*(?=\d)")
_NUMBER = re.compile(r"(?<![\d.])(-?)(\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?([%％]?)")


def quantity(value: int) -> str:
    """A whole number from 0 to 10**16 - 1 as a quantity: 10 is 十, 200 二百, 10050 一万零五十."""
    if value == 0:
        return "零"
    spoken = ""
    for index in range((len(str(value)) - 1) // 4, -1, -1):
        section = value // 10_000**index % 10_000
        if section == 0:
            continue
        skipped = spoken and (section < 1000 or value // 10_000 ** (index + 1) % 10_000 == 0)
        spoken += ("零" if skipped else "") + _section(section) + _GROUPS[index]
    return spoken[1:] if spoken.startswith("一十") else spoken


def _section(value: int) -> str:
    """1 to 9999 with its places."""
    spoken = ""
    gap = False
    for place in range(3, -1, -1):
        digit = value // 10**place % 10
        if digit == 0:
            gap = bool(spoken)
            continue
        spoken += ("零" if gap else "") + str(digit).translate(_PLAIN) + _PLACES[place]
        gap = False
    return spoken


def one_by_one(digits: str) -> str:
    """Each figure alone, 幺 for 1; a hyphen becomes a small pause."""
    return re.sub(r"[-－]", "，", digits.lstrip("+")).translate(_ONE_BY_ONE)


def _spoken_number(match: re.Match[str]) -> str:
    sign, whole, fraction, percent = match.groups()
    figures = whole.replace(",", "")
    if (figures[0] == "0" and len(figures) > 1 and not fraction) or len(figures) > 16:
        return one_by_one(figures)
    ahead = match.string[match.end() : match.end() + 2]
    couple = figures == "2" and not fraction and not percent and ahead.startswith(_COUNTED)
    spoken = "两" if couple else quantity(int(figures))
    if fraction:
        spoken += "点" + fraction[1:].translate(_PLAIN)
    return ("负" if sign else "") + ("百分之" if percent else "") + spoken


def _spoken_clock(match: re.Match[str]) -> str:
    hour, minute = int(match[1]), int(match[2])
    spoken = ("两" if hour == 2 else quantity(hour)) + "点"
    return spoken + (("零" if minute < 10 else "") + quantity(minute) + "分" if minute else "")


def spell_figures(text: str) -> str:
    """The text with every Arabic figure in Chinese, as it is to be said."""
    text = _DATE.sub(lambda date: f"{date[1]}年{int(date[2])}月{int(date[3])}日", text)
    text = _YEAR.sub(lambda year: year[0].translate(_PLAIN), text)
    text = _ROOM.sub(lambda room: room[0].translate(_ONE_BY_ONE), text)
    for pattern in (_TELEPHONE, _CODE, _SERVICE):
        text = pattern.sub(lambda number: one_by_one(number[0]), text)
    text = _RANGE.sub(r"\1到", text)
    text = _CLOCK.sub(_spoken_clock, text)
    text = _NUMBER.sub(_spoken_number, text)
    for sign, word in _SIGNS.items():
        text = text.replace(sign, word)
    return text
