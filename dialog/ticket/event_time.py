"""When something happened, relative to the day of the call.

Spoken times are vague; the range is as wide as what was said: 上个月二十号 is that day, 昨天晚上十点以后
from ten to six in the morning, 三天了 from three days ago on, still going on.
"""

import re
import tomllib
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from importlib.resources import files

from voicebot.core.ticket import EventTime
from voicebot.language.numerals import parse_cardinal

_N = r"(?P<n>[0-9一二两三四五六七八九十百半几]+)"
_PART = r"(?P<part>凌晨|清晨|早上|早晨|一早|上午|中午|下午|傍晚|晚上|夜里|半夜|深夜|夜间|晚|早)?"
_CLOCK = (
    r"(?:(?P<hour>[0-9一二两三四五六七八九十]{1,3})(?:点钟?|:|：)"
    r"(?:(?P<half>半)|(?P<minute>[0-9一二三四五六七八九十]{1,3})分?)?)?"
)
_AFTER = r"(?P<after>左右|以后|之后|开始|起|前后|多)?"
_DAY = r"(?P<day>大前天|前天|昨天|昨日|昨|今天|今日|今|刚才|刚刚|前晚)"
_WEEKDAY = r"(?P<week>上个?|这个?|本)(?:周|星期|礼拜)(?P<weekday>[一二三四五六日天末])"
_DATE = (
    r"(?:(?P<year>去年|今年|前年|[0-9二零〇一三四五六七八九]{4}年))?"
    r"(?P<month>上个?月|这个?月|本月|[0-9一二三四五六七八九十]{1,2}月份?)"
    r"(?:(?P<dom>[0-9一二两三四五六七八九十]{1,3})[号日])?"
)
_TABLE = tomllib.loads((files(__package__) / "times.toml").read_text(encoding="utf-8"))
_UNITS: dict[str, float] = _TABLE["units"]
_UNIT = "(?P<unit>" + "|".join(sorted(_UNITS, key=len, reverse=True)) + ")"
_PARTS: dict[str, tuple[float, float]] = _TABLE["parts"]
_DAYS_BACK: dict[str, int] = _TABLE["days_back"]
_VAGUE: dict[str, int] = _TABLE["vague"]
_WEEKDAYS = {c: i for i, c in enumerate("一二三四五六日")} | {"天": 6, "末": 5}
_NIGHT = frozenset({"晚上", "晚", "夜间", "夜里", "半夜", "深夜"})
_SMALL_HOURS = 5  # o'clock: "晚上一点" is in the night that follows
_NIGHT_ENDS = 30  # o'clock, counted on: six the next morning


def find_time(text: str, now: datetime) -> EventTime | None:
    """The time that ``text`` speaks of; ``now`` is local time with its zone. None when it names none."""
    for pattern, read in _RULES:
        if match := pattern.search(text):
            found = read(match, now)
            if found is not None:
                return found
    return None


def _value(text: str) -> Decimal | None:
    if text == "半":
        return Decimal("0.5")
    if "几" in text:
        return Decimal(10) if text.startswith("十") else Decimal(20) if text.startswith("二十") else Decimal(3)
    return Decimal(2) if text == "两三" else Decimal(3) if text == "三四" else parse_cardinal(text)


def _midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def _within(match: re.Match[str], day: datetime, spoken: str) -> EventTime:
    """The part of ``day`` that was said: a clock time, a part of the day, or all of it."""
    part, hour = match["part"], match["hour"]
    first, last = _PARTS.get(part or "", (0, 24))
    since = match["after"] in {"以后", "之后", "开始", "起"}
    if hour is None:
        if since:
            return EventTime(spoken, day + timedelta(hours=first), None, since=True)
        return EventTime(spoken, day + timedelta(hours=first), day + timedelta(hours=last), since=False)
    value = _value(hour)
    at = float(value) if value is not None else 0.0
    at = _on_24_hours(part or "", at)
    minute = _value(match["minute"]) if match["minute"] else None
    at += 0.5 if match["half"] else float(minute) / 60 if minute is not None else 0
    start = day + timedelta(hours=at)
    if since:
        return EventTime(spoken, start, day + timedelta(hours=_NIGHT_ENDS if at >= 18 else 24), since=False)
    return EventTime(spoken, start, start + timedelta(hours=1), since=False)


def _on_24_hours(part: str, hour: float) -> float:
    """The hour of a part of the day, counted on from midnight: 晚上十点 is 22, 晚上一点 is 25."""
    if part in _NIGHT and hour <= _SMALL_HOURS:
        return hour + 24
    if part in _NIGHT and hour == 12:
        return 24
    afternoon = part in {"下午", "傍晚"} or part in _NIGHT
    return hour + 12 if (afternoon and hour < 12) or (part == "中午" and hour < 3) else hour


def _relative_day(match: re.Match[str], now: datetime) -> EventTime | None:
    if match["day"] in {"刚才", "刚刚"}:
        return EventTime(match[0], now - timedelta(minutes=30), now)
    day = _midnight(now) - timedelta(days=_DAYS_BACK[match["day"]])
    if match["day"] in {"昨", "今"} and not match["part"]:
        return None
    if match["day"] == "前晚":
        return EventTime(match[0], day + timedelta(hours=18), day + timedelta(hours=24))
    return _within(match, day, match[0])


def _weekday(match: re.Match[str], now: datetime) -> EventTime | None:
    monday = _midnight(now) - timedelta(days=now.weekday())
    day = monday + timedelta(days=_WEEKDAYS[match["weekday"]] - (7 if match["week"].startswith("上") else 0))
    if match["weekday"] == "末":
        return EventTime(match[0], day, day + timedelta(days=2))
    return _within(match, day, match[0])


def _date(match: re.Match[str], now: datetime) -> EventTime | None:
    month_text, year = match["month"], now.year
    if month_text.startswith("上"):
        year, month = (now.year, now.month - 1) if now.month > 1 else (now.year - 1, 12)
    elif month_text[0] in "这本":
        month = now.month
    else:
        value = _value(month_text.rstrip("份").rstrip("月"))
        month = int(value) if value is not None else 0
    if match["year"]:
        named = {"去年": now.year - 1, "前年": now.year - 2, "今年": now.year}
        digits = match["year"].rstrip("年")
        year = named.get(match["year"], int(digits) if digits.isascii() and digits.isdigit() else now.year)
    elif month > now.month:
        year -= 1  # 十二月 said in March is last year's
    dom = _value(match["dom"]) if match["dom"] else None
    try:
        start = _midnight(now).replace(year=year, month=month, day=int(dom) if dom is not None else 1)
    except ValueError:
        return None
    if dom is not None:
        return _within(match, start, match[0])
    following = (start.replace(day=28) + timedelta(days=4)).replace(day=1)
    return EventTime(match[0], start, following, since=bool(match["after"] in {"以后", "之后", "开始", "起"}))


def _lasting(match: re.Match[str], now: datetime) -> EventTime | None:
    value = _value(match["n"])
    if value is None:
        return None
    return EventTime(match[0], now - timedelta(days=float(value) * _UNITS[match["unit"]]), now, since=True)


def _ago(match: re.Match[str], now: datetime) -> EventTime | None:
    value = _value(match["n"])
    if value is None:
        return None
    days = float(value) * _UNITS[match["unit"]]
    start = now - timedelta(days=days)
    if days < 1:
        return EventTime(match[0], start, now)
    day = _midnight(start)
    return EventTime(match[0], day, day + timedelta(days=1))


def _vague(match: re.Match[str], now: datetime) -> EventTime | None:
    spoken = match[0]
    days = _VAGUE[spoken]
    still = not spoken.startswith(("上", "前", "去"))
    return EventTime(spoken, now - timedelta(days=days), now, since=still)


def _recurring(match: re.Match[str], now: datetime) -> EventTime | None:
    return EventTime(match[0], since=True)


_EVERY = (
    rf"(?:每天|每晚|天天|每到|每个?周末)(?:的)?(?:{_PART}{_CLOCK})"
    rf"(?:到[一二三四五六七八九十0-9凌晨早上]+点?半?)?{_AFTER}"
)
_ABOUT = r"(?:快|将近|大概|差不多)"
_RULES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], datetime], EventTime | None]], ...] = (
    (re.compile(_EVERY), _recurring),
    (re.compile(rf"{_DAY}(?:的)?{_PART}{_CLOCK}{_AFTER}"), _relative_day),
    (re.compile(rf"{_WEEKDAY}(?:的)?{_PART}{_CLOCK}{_AFTER}"), _weekday),
    (re.compile(rf"{_DATE}(?:的)?{_PART}{_CLOCK}{_AFTER}"), _date),
    (re.compile(rf"{_N}(?:多)?{_UNIT}(?:之前|以前|前)"), _ago),
    (re.compile(rf"(?:都|已经|有|{_ABOUT})*{_N}(?:多)?{_UNIT}(?:多)?(?:了|没(?=[\u4e00-\u9fff])|都没)"), _lasting),
    (re.compile(rf"(?:连续|[停坏拖欠等修漏吵堵断挖]了|连着|已经|都|有){_ABOUT}?{_N}(?:多)?{_UNIT}"), _lasting),
    (re.compile("|".join(sorted(_VAGUE, key=len, reverse=True))), _vague),
)
