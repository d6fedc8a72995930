"""From the pieces of a spoken time to a moment or a range, relative to the call."""

import re
from datetime import datetime, timedelta

from dialog.ticket.time_words import DAYS_BACK, FEASTS, PARTS, SEASONS, UNITS, VAGUE, YEARS_BACK, value
from voicebot.core.ticket import EventTime

_WEEKDAYS = {c: i for i, c in enumerate("一二三四五六日")} | {"天": 6, "末": 5}
_NIGHT_BEGINS = 17  # o'clock; a part of the day from then on may reach into the next day
_AFTERNOON_BEGINS = 12
_SMALL_HOURS = 5  # o'clock: "晚上一点" is in the night that follows
_NIGHT_ENDS = 30  # o'clock, counted on: six the next morning
_SINCE = ("以后", "之后", "过后", "以来", "开始", "起", "后")
_NOW = re.compile(r"(?:现在|如今|目前|这会儿|眼下|今[天儿个日]{1,2})$")
_CLOCK = re.compile(r"(?P<hour>[0-9一二两三四五六七八九十]{1,3})[点:：]")
_MONTH_PARTS = {"初": (1, 5), "上旬": (1, 10), "中旬": (11, 20), "中": (11, 20), "下旬": (21, 31), "底": (25, 31)}

Match = re.Match[str]


def _get(match: Match, group: str) -> str:
    """What a group holds; "" when it did not take part or the rule has none of that name."""
    return match.groupdict().get(group) or ""


def midnight(now: datetime) -> datetime:
    """The beginning of the day."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def unknown(match: Match, now: datetime) -> EventTime | None:
    """A time that is no date of the solar calendar, or of no certain day: only the words."""
    return EventTime(match["s"])


def recurring(match: Match, now: datetime) -> EventTime | None:
    """Something that happens again and again."""
    return EventTime(match["s"], since=True)


def just_now(match: Match, now: datetime) -> EventTime | None:
    """Half an hour ago at most."""
    return EventTime(match["s"], now - timedelta(minutes=30), now)


def day(match: Match, now: datetime) -> EventTime | None:
    """昨天, 前儿后半晌四点多, 昨晚八点到今早六点之间."""
    return _within(match, midnight(now) - timedelta(days=DAYS_BACK.of(match["day"])))


def weekday(match: Match, now: datetime) -> EventTime | None:
    """上周五下午, 礼拜二, 这礼拜一; without a prefix the last one that has begun."""
    week = _get(match, "week")
    if _get(match, "more") or week.startswith("每"):
        return EventTime(match["s"], since=True)
    monday = midnight(now) - timedelta(days=now.weekday())
    found = monday + timedelta(days=_WEEKDAYS[match["weekday"]] - 7 * week.count("上") - 7 * week.startswith("头"))
    if not week and found > now:
        found -= timedelta(days=7)
    if match["weekday"] == "末":
        return EventTime(match["s"], found, found + timedelta(days=2))
    return _within(match, found)


def date(match: Match, now: datetime) -> EventTime | None:
    """十月三号晚上, 上个月月底, 去年五月, 十一月中旬."""
    if _get(match, "lunar"):
        return EventTime(match["s"])
    month_text, year = match["month"], now.year
    if month_text.startswith("上"):
        back = month_text.count("上")
        year, month = (year, now.month - back) if now.month > back else (year - 1, now.month - back + 12)
    elif month_text[0] in "这本当":
        month = now.month
    else:
        month = int(value(re.sub("月份?", "", month_text)) or 0)
    if _get(match, "year"):
        year = _year(_get(match, "year"), now)
    elif month > now.month:
        year -= 1  # 十二月 said in March is last year's
    dom = value(_get(match, "dom")) if _get(match, "dom") else None
    try:
        start = midnight(now).replace(year=year, month=month, day=int(dom) if dom is not None else 1)
    except ValueError:
        return None
    if dom is not None:
        return _within(match, start)
    end = (start.replace(day=28) + timedelta(days=4)).replace(day=1)
    if _get(match, "phase"):
        first, last = _MONTH_PARTS[_get(match, "phase").replace("末", "底").removeprefix("月")]
        start, end = start.replace(day=first), min(end, start + timedelta(days=last))
    return _ranged(match, start, end)


def day_of_month(match: Match, now: datetime) -> EventTime | None:
    """十五号晚上, of this month or, when that is yet to come, of the last."""
    found = value(_get(match, "dom"))
    first = midnight(now).replace(day=1)
    try:
        start = first.replace(day=int(found or 0))
        if start > now:
            start = (first - timedelta(days=1)).replace(day=int(found or 0))
    except ValueError:
        return None
    return _within(match, start)


def of_year(match: Match, now: datetime) -> EventTime | None:
    """去年夏天, 今年汛期, 国庆前后, 立秋以后, 去年入住的时候; lunar days have only words."""
    year = _year(_get(match, "year"), now) if _get(match, "year") else now.year
    if season := _get(match, "season"):
        first_month, first, last_month, last = SEASONS.of(season if len(season) > 1 else f"年{season}")
        start = midnight(now).replace(year=year, month=first_month, day=first)
        end = midnight(now).replace(year=year + (last_month < first_month), month=last_month, day=last)
    elif _get(match, "feast"):
        month, dom = FEASTS.of(_get(match, "feast"))
        start = midnight(now).replace(year=year, month=month, day=dom)
        end = start + timedelta(days=1)
    elif _get(match, "year") and not _get(match, "lunar"):
        start = midnight(now).replace(year=year, month=1, day=1)
        end = start.replace(year=year + 1)
    else:
        return EventTime(match["s"], since=_from_then_on(match["s"]))
    if not _get(match, "year") and start > now:
        start, end = start.replace(year=year - 1), end.replace(year=end.year - 1)
    after = _get(match, "after")
    if after == "前后":
        start, end = start - timedelta(days=3), end + timedelta(days=3)
    elif after in {"前", "以前", "之前"}:
        start, end = start - timedelta(days=14), start
    return _ranged(match, start, end)


def lasting(match: Match, now: datetime) -> EventTime | None:
    """三天了, 小半年, 快一个月了: from then until now."""
    days = _days(match)
    return None if days is None else EventTime(match["s"], now - timedelta(days=days), now, since=True)


def ago(match: Match, now: datetime) -> EventTime | None:
    """三天前: that day; 两个小时之前: from then on."""
    days = _days(match)
    if days is None:
        return None
    start = now - timedelta(days=days)
    if days < 1:
        return EventTime(match["s"], start, now)
    return EventTime(match["s"], midnight(start), midnight(start) + timedelta(days=1))


def vague(match: Match, now: datetime) -> EventTime | None:
    """最近, 前两天早起, 上周."""
    still = not match["vague"].startswith(("上", "前", "去", "头", "那", "当"))
    return EventTime(match["s"], now - timedelta(days=VAGUE.of(match["vague"])), now, since=still)


def _days(match: Match) -> float | None:
    count = value(match["n"])
    if count is None:
        return None
    half = 0.5 if "半" in _get(match, "half") + _get(match, "more") and "半" not in match["n"] else 0.0
    return (float(count) + half) * UNITS[match["unit"]]


def _year(spoken: str, now: datetime) -> int:
    try:
        return now.year - int(YEARS_BACK.of(spoken))
    except LookupError:
        digits = "".join(str(value(c) or 0) for c in spoken.rstrip("年"))
        return (2000 if len(digits) == 2 else 0) + int(digits) if digits else now.year


def _from_then_on(spoken: str) -> bool:
    return spoken.endswith(_SINCE) and not spoken.endswith("前后")


def _ranged(match: Match, start: datetime, end: datetime) -> EventTime:
    if _get(match, "to") and _NOW.search(_get(match, "to")):
        return EventTime(match["s"], start, None, since=True)
    since = _from_then_on(_get(match, "after"))
    return EventTime(match["s"], start, None if since else end, since=since)


def _within(match: Match, start_of_day: datetime) -> EventTime:
    """The part of the day that was said: from one clock time to another, about one, a part, or all of it."""
    spoken, part, hour, to = match["s"], _get(match, "part"), match["hour"], _get(match, "to")
    first, last = PARTS.of(part) if part else (0, 24)
    since = _get(match, "after") in _SINCE or _get(match, "after").endswith("起")
    if hour is None:
        start = start_of_day + timedelta(hours=first)
        if since or (to and _NOW.search(to)):
            return EventTime(spoken, start, None, since=True)
        return EventTime(spoken, start, _until(to, start, start_of_day + timedelta(hours=last)))
    at = on_24_hours(first, float(value(hour) or 0))
    minute = value(match["minute"].lstrip("零〇0") or "零") if match["minute"] else None
    at += 0.5 if _get(match, "half") else float(minute) / 60 if minute is not None else 0
    start = start_of_day + timedelta(hours=at)
    if to and _NOW.search(to):
        return EventTime(spoken, start, None, since=True)
    if since:
        return EventTime(spoken, start, start_of_day + timedelta(hours=_NIGHT_ENDS if at >= 18 else 24))
    return EventTime(spoken, start, _until(to, start, start + timedelta(hours=1)))


def _until(to: str, start: datetime, otherwise: datetime) -> datetime:
    """The first moment after ``start`` that has the clock time at the end of a range."""
    clock = _CLOCK.search(to)
    if clock is None:
        return otherwise
    part = next(iter(re.findall(PARTS.pattern, to[: clock.start()])), "")
    end = midnight(start) + timedelta(hours=on_24_hours(PARTS.of(part)[0] if part else 0, float(value(clock[1]) or 0)))
    while end <= start:
        end += timedelta(hours=24 if part else 12)
    return end


def on_24_hours(part_begins: float, hour: float) -> float:
    """The hour of a part of the day, counted on from midnight: 晚上十点 is 22, 晚上一点 is 25."""
    if part_begins >= _NIGHT_BEGINS:
        return hour + 24 if hour <= _SMALL_HOURS else 24 if hour == 12 else hour + 12 if hour < 12 else hour
    if part_begins >= _AFTERNOON_BEGINS:
        return hour + 12 if hour < 12 else hour
    return hour + 12 if part_begins == _AFTERNOON_BEGINS - 1 and hour < 3 else hour
