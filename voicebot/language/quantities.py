"""Amounts, percentages, dates, times and counts in a sentence: patterns, each with the reading it stands for."""

import re
from collections.abc import Callable, Iterator

from voicebot.language.numerals import CARDINAL, RUN_CLASS, digit_run, parse_cardinal, plain
from voicebot.language.spans import NumberKind, NumberSpan

Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], NumberSpan | None]]

_ONE_TO_NINE = "一二两三四五六七八九"
_VAGUE = "(多|来|几|余)?"
_PART_OF_DAY = "(凌晨|半夜|后半夜|夜里|清晨|早晨|早上|早|上午|中午|下午|傍晚|傍黑|晚上|夜间|晚)"
_AFTERNOON = frozenset({"中午", "下午", "傍晚", "傍黑", "晚上", "夜间", "晚", "夜里"})
_DAY = "([0-9]{1,2}|[一二三四五六七八九]|[二三]?十[一二三四五六七八九]?)"
_HOUR = r"([0-9]{1,2}|[一二两三四五六七八九]|二?十[一二三四五六七八九]?)"
_ABOUT = "(?:的|大概|大约|差不多|快|将近|就|都|又)?"
_MINUTE = r"([0-5]?[0-9]|零[一二三四五六七八九]|[二三四五]?十[一二三四五六七八九]?)"
_CLASSIFIERS = (
    "个半月|个月|个小时|个钟头|个星期|个礼拜|个|平方公里|平方米|平米|平方|公里|公斤|公分|厘米|小时|分钟|秒钟|周岁|级台阶"
    "|人|户|家|次|天|年|岁|层|栋|米|斤|吨|度|辆|台|部|间|套|棵|条|盏|名|位|口|头|只|张|份|件|起|遍|趟|周|星期|礼拜|里地|里路|亩|袋|箱|桶|处|排|根|块|方"
)
_NAME_BEHIND = "(?![村镇乡屯寨庄沟河湾岭沙]|路(?:公交|车|口|段)|级)"


def rules(*, time_expected: bool) -> Iterator[Rule]:
    """The rules, most specific first; a rule's span wins over later ones that overlap it.

    When a time was asked for, a bare 十五号 is a day.
    """
    yield re.compile(rf"百分之({CARDINAL})|([0-9]+(?:\.[0-9]+)?)\s*[%％]"), _percent
    yield re.compile(rf"({CARDINAL}){_VAGUE}(块钱|块|元|万元|圆)(?:({CARDINAL})(毛|角)?)?(钱)?"), _amount
    yield re.compile(rf"({CARDINAL})(毛钱|毛|角钱|角|分钱)"), _coins
    yield (
        re.compile(
            rf"(?:([0-9]{{4}}|[一二][{RUN_CLASS}]{{3}}|[0-9]{{2}}|[一二零][{RUN_CLASS}])年)?([0-9]{{1,2}}|[一二两三四五六七八九]|十[一二]?)月(?:份)?"
            rf"(?:([0-9]{{1,2}}|[一二三四五六七八九]|[二三]?十[一二三四五六七八九]?)(?:号|日)(?!院|楼|线|门))?"
        ),
        _month,
    )
    yield re.compile(rf"([12][0-9]{{3}}|[一二][{RUN_CLASS}]{{3}})年"), _year
    yield re.compile(rf"(?<=月){_DAY}[号日]"), _day
    yield re.compile(rf"{_DAY}[号日]" + ("(?![院楼线])" if time_expected else f"(?={_PART_OF_DAY})")), _day
    yield re.compile(rf"{_PART_OF_DAY}?\s*([01]?[0-9]|2[0-4])[:：]([0-5][0-9])(?![0-9])"), _clock
    yield re.compile(rf"{_PART_OF_DAY}?{_ABOUT}{_HOUR}点(?:(半|一刻|三刻|钟|整|多)|{_MINUTE}分?(?!个))?"), _time
    yield re.compile(rf"(?<!第)({CARDINAL}){_VAGUE}({_CLASSIFIERS}){_NAME_BEHIND}"), _count
    tens = rf"[{_ONE_TO_NINE}]?十[{_ONE_TO_NINE}]?(?=万)"  # 十六万八
    yield (
        re.compile(rf"(?<![第0-9])((?:{tens}|[{_ONE_TO_NINE}]|[0-9]+)[百千万][{RUN_CLASS}十百千万]+)(?![货路])"),
        _bare,
    )


def _span(match: re.Match[str], kind: NumberKind, value: str, written: str, unit: str = "") -> NumberSpan:
    return NumberSpan(kind, match.start(), match.end(), value, written, unit)


def _percent(match: re.Match[str]) -> NumberSpan | None:
    value = parse_cardinal(match[1] or match[2])
    return None if value is None else _span(match, NumberKind.PERCENT, plain(value), f"{plain(value)}%", "%")


def _amount(match: re.Match[str]) -> NumberSpan | None:
    figure, vague, unit, small, _, money = match.groups()
    value, part = parse_cardinal(figure), parse_cardinal(small) if small else None
    if value is None or (figure == "一" and unit == "块" and not small and not money):  # 一块 is also "together"
        return None
    if part is not None and part < 10 and unit != "万元":
        value += part / 10
        return _span(match, NumberKind.AMOUNT, plain(value), f"{plain(value)}元", "元")
    end = match.start(4) if small else match.end()  # what follows is a number of its own
    if unit == "万元":
        value *= 10_000
    word = {"圆": "元", "万元": "元"}.get(unit, unit) + ("" if small else money or "")
    return NumberSpan(NumberKind.AMOUNT, match.start(), end, plain(value), f"{plain(value)}{vague or ''}{word}", "元")


def _coins(match: re.Match[str]) -> NumberSpan | None:
    value = parse_cardinal(match[1])
    if value is None:
        return None
    yuan = value / (100 if match[2].startswith("分") else 10)
    return _span(match, NumberKind.AMOUNT, plain(yuan), f"{plain(value)}{match[2]}", "元")


def _full_year(text: str) -> str:
    digits = digit_run(text) or ""
    return digits if len(digits) == 4 else f"20{digits}"


def _month(match: re.Match[str]) -> NumberSpan | None:
    year, month, day = match[1], parse_cardinal(match[2]), match[3] and parse_cardinal(match[3])
    if month is None or not 1 <= month <= 12 or (day and not 1 <= day <= 31):
        return None
    head = _full_year(year) if year else "-"
    value = f"{head}-{int(month):02d}" + (f"-{int(day):02d}" if day else "")
    figures = f"{int(month)}月" + (f"{int(day)}{match[0][-1]}" if day else "份" if match[0].endswith("份") else "")
    return _span(match, NumberKind.DATE, value, (f"{_full_year(year)}年" if year else "") + figures)


def _year(match: re.Match[str]) -> NumberSpan | None:
    digits = digit_run(match[1]) or ""
    return _span(match, NumberKind.DATE, digits, f"{digits}年") if "1900" <= digits <= "2100" else None


def _figures(match: re.Match[str]) -> NumberSpan | None:
    year, month, day = (int(part) for part in match.groups())
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    return _span(match, NumberKind.DATE, f"{year}-{month:02d}-{day:02d}", f"{year}年{month}月{day}日")


def _day(match: re.Match[str]) -> NumberSpan | None:
    day = parse_cardinal(match[1])
    if day is None or not 1 <= day <= 31:
        return None
    return _span(match, NumberKind.DATE, f"---{int(day):02d}", f"{int(day)}{match[0][-1]}")


def _hour_of_day(part: str | None, hour: int) -> int:
    if part in _AFTERNOON and hour < 12 and not (part in {"晚上", "夜间", "夜里", "晚"} and hour < 5):
        return hour if part == "中午" and hour > 9 else hour + 12
    night = part in {"凌晨", "半夜", "后半夜", "夜里", "晚上", "夜间", "晚"}
    return 0 if hour == 24 or (night and hour == 12) else hour


def _clock(match: re.Match[str]) -> NumberSpan:
    part, hour, minute = match.groups()
    return _span(match, NumberKind.TIME, f"{_hour_of_day(part, int(hour)):02d}:{minute}", match[0])


_MINUTES = {"半": 30, "一刻": 15, "三刻": 45}
_AT_A_TIME = re.compile(r"(以|之)(前|后)|开始|左右|到|至|多|就|才|还|的时候|[，,。、？！]|$")
_NOT_A_TIME = re.compile(r"意见|要求|建议|问题|诉求|原因|疑问|希望|都|也|声|[没不]")
_BEFORE_A_TIME = re.compile(r"(从|到|至|在|每天|今天|昨天|明天|前天|早|晚|大概|大约|差不多|快|将近)$")


def _time(match: re.Match[str]) -> NumberSpan | None:
    part, spoken_hour, word, minute = match.groups()
    hour = parse_cardinal(spoken_hour)
    if hour is None or hour > 24:
        return None
    behind, before = match.string[match.end() :], match.string[: match.start()]
    sure = bool(word or minute)
    likely = bool(_AT_A_TIME.match(behind)) and (bool(part) or hour >= 3 or bool(_BEFORE_A_TIME.search(before)))
    certain_part = bool(part) and not _NOT_A_TIME.match(behind)
    if not (sure or likely or certain_part or (hour >= 3 and _BEFORE_A_TIME.search(before))):
        return None
    if spoken_hour == "一" and not (sure and word != "多") and part in {None, "早", "晚"}:  # 早一点, 一点多余
        return None
    if match[0].startswith(spoken_hour) and word is None and minute and not part and hour < 3 and "分" not in match[0]:
        return None  # 两点五, 一点二: a decimal
    past = parse_cardinal(minute.lstrip("零0") or "零") if minute else None
    minutes = _MINUTES.get(word or "", int(past or 0))
    clock = f"{_hour_of_day(part, int(hour)):02d}:{minutes:02d}"
    hour_at = match.start(2) - match.start()
    tail = f"{minutes:02d}分" if minute else word or ""
    return _span(match, NumberKind.TIME, clock, f"{match[0][:hour_at]}{int(hour)}点{tail}")


def _count(match: re.Match[str]) -> NumberSpan | None:
    value = parse_cardinal(match[1])
    if value is None or match[1] in {"一", "零"}:  # 一个 is an article, not a count
        return None
    return _span(match, NumberKind.COUNT, plain(value), f"{plain(value)}{match[2] or ''}{match[3]}", match[3])


def _bare(match: re.Match[str]) -> NumberSpan | None:
    value = parse_cardinal(match[1])
    if value is None or match[1] == "二百五":
        return None
    elliptical = match[1][-1] not in "十百千万亿" and match[1][-2] in "百千万"
    kind = NumberKind.AMOUNT if elliptical else NumberKind.COUNT
    return _span(match, kind, plain(value), plain(value), "元" if elliptical else "")


WRITTEN_DATE: Rule = (re.compile(r"((?:19|20)[0-9]{2})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})(?![0-9])"), _figures)
"""2026-03-15, which looks like a run of digits too and so has to be read before those."""
