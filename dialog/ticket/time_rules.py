"""What spoken times look like: patterns, each with the reading it stands for.

The group ``s`` is what was said of the time; words that only lead to it (打从, 有, 都, 一到) stay outside.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from dialog.ticket import moments
from dialog.ticket.time_words import (
    DAYS_BACK,
    FEASTS,
    PARTS,
    QUANTITIES,
    SEASONS,
    UNITS,
    VAGUE,
    YEARS_BACK,
    table,
)
from dialog.ticket.words import alternation
from voicebot.core.ticket import EventTime

SURE, LIKELY, WEAK = 3, 2, 1
Reader = Callable[[re.Match[str], datetime], EventTime | None]


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern and its reading; ``exact`` orders how closely rules tell a time, ``habit``: of no certain day."""

    pattern: re.Pattern[str]
    read: Reader
    sure: int = SURE
    exact: int = 1
    habit: bool = False


_HAN = "[\u4e00-\u9fff]"
_DIGITS = "0-9零〇一二两三四五六七八九十"
_ABOUT = "(?:大概|大约|差不多|快到|快|将近|不到|刚过)"
_HOUR = "(?:[0-9]{1,2}|十一二|[一二两三四五六七八九十]{1,3})"
_MINUTE = "(?:[0-5]?[0-9](?![0-9号])|[零〇]?[一二三四五六七八九十]{1,3}(?![路号个]))"
_CLOCK = (
    rf"(?:{_ABOUT}?(?P<hour>{_HOUR})(?:点钟?|[:：])(?:(?P<half>半)|[一三]刻|(?P<minute>{_MINUTE})分?)?"
    r"(?:整|多钟?|来钟|过)?)"
)
_BARE_PART = rf"(?!早(?![上晨起间])|晚(?![上间夕黑])|[夜晨](?![里间晚头])|老早|赶早|黑了|大早|一早){PARTS.pattern}"
_NOW = "(?:现在|如今|目前|这会儿|眼下|今(?:天|儿个?|个|日))"
_OTHER_CLOCK = rf"{_ABOUT}?{_HOUR}(?:点钟?|[:：])(?:半|[一三]刻|{_MINUTE}分?)?(?:整|多钟?)?"
_OTHER_DAY = rf"(?:第二天|次日|转天|{DAYS_BACK.pattern})"
_UNTIL = rf"(?:{_OTHER_DAY}?(?:{PARTS.pattern})?{_OTHER_CLOCK}|{_NOW}|{_OTHER_DAY}?{_BARE_PART})"
_TO = rf"(?P<to>(?:一直)?{_HAN}?[到至]{_UNTIL}(?:之间)?)?"
_SINCE, _NEAR = table("after")["since"], table("after")["near"]
_AFTER = rf"(?P<after>{alternation(table('after')['of_days'])}|起(?![来床火码])|多)?"
_AFTER_ANY = rf"(?P<after>[前后头][一两三几]天|{alternation([*_SINCE, *_NEAR])}(?![来床火面头边果门台]))?"
_WHOLE = "一(?:整天|天|整宿|宿|整夜|夜(?!之间)|晚上|上午|下午|早上)|整天|全天"
_IN_DAY = (
    rf"(?:那天)?[的从]?(?:{_WHOLE}|(?:{_ABOUT})?(?P<part>{PARTS.pattern})?的?{_CLOCK}?{_TO})"
    rf"(?:{_HAN}{{1,4}}?(?:以后|之后))?{_AFTER}"
)
_WEEK = "(?:周|星期|礼拜)"
_MONTH = "(?:1[0-2]|0?[1-9]|十[一二]?|[一二三四五六七八九])月份?"
_LUNAR_DAY = (
    "(?:初[一二三四五六七八九十]|廿[一二三四五六七八九]?"
    f"|(?:[二三]?十[一二三四五六七八九]?)(?![{_DIGITS}百千万年天个号日块元多几人户斤分点岁层]))"
)
_LUNAR = (
    rf"(?P<lunar>{alternation(table('lunar')['words'])}|{alternation(table('lunar')['months'])}(?:{_LUNAR_DAY}|底)?"
    rf"|(?<![{_DIGITS}])(?:十[一二]?|[一二三四五六七八九])月{_LUNAR_DAY})"
)
_YEAR = (
    rf"(?:{YEARS_BACK.pattern}|(?:19|20)[0-9]{{2}}年|[一二][零〇九][{_DIGITS}]{{2}}年"
    rf"|(?<![{_DIGITS}百个])[零〇一二][{_DIGITS}]年(?![多了前半来级以没不都]))"
)
_NOT_PLACE = "(?!日?[东西南北中]?(?:[路街巷桥村院店楼]|大道|大街|小区|社区|花园|广场|公园|门|小学|中学))"
_HAPPENING = alternation(table("happenings")["words"])
_THEN = "(?:的?(?:时候|那会儿?|那天起?|那阵子|期间)|以后|之后|以来|那天起?|开始|起|之前|以前)"
_EVENT = rf"(?P<event>{_HAPPENING}{_THEN}?|{_HAN}{{1,5}}?(?:的时候|那会儿|以后|之后|那天))"
_QUANTITY = rf"(?:{alternation(QUANTITIES)}|[0-9]+|[一二两三四五六七八九十百]+几?)"
_SHORT_UNITS = ("小时", "钟头", "分钟")
_SHORT = alternation(_SHORT_UNITS)
_LONG = (
    r"(?:(?<=[个多来半俩仨把拉几两好])月(?![底初中末份季票租饼薪])|(?<!半)天(?![津河然气山桥沟台花冷热黑亮])"
    r"|年(?![级龄轻纪底初终检费货味卡薪票代])|周(?![岁边围一二三四五六日末])"
    rf"|{alternation(u for u in UNITS if u not in {'月', '天', '年', '周', *_SHORT_UNITS})})"
)
_AGO = "(?:以前|之前|前(?![后天日边面]))"
_FOR = (  # what is paid, promised or sold for a while did not last that long
    "(?!的?(?:物业|房租|房费|租金|押金|学费|会员|合同|保险|工资|社保|医保|课|停车|宽带|套餐|质保|保修|使用|有效|期))"
)
_ACTED = (
    rf"(?:[拖欠停断][水电气网暖]?|{_HAN}(?<![保签交办充买订租存差罚])了|连续|连着|一连|接连|已经|都|有)"
    r"(?:我们?|俺们?|咱们?|人家|他们?|她)?(?:都|有|得有|足足|整整|已经)*"
)


def _duration(units: str) -> str:
    return (
        rf"{_ABOUT}?(?<![第{_DIGITS}])(?P<n>{_QUANTITY})(?:多|来)?个?(?P<half>多|来|半)?(?P<unit>{units})"
        r"(?P<more>多|半(?![天夜路]))?"
    )


def _rule(pattern: str, read: Reader, sure: int = SURE, exact: int = 1, *, habit: bool = False) -> Rule:
    return Rule(re.compile(pattern), read, sure, exact, habit)


_OTHER_WEEKDAY = rf"(?P<more>[、和跟到至]?{_WEEK}[一二三四五六日天末]|[到至][一二三四五六日天](?!点)|日(?=[^常用]))"
_A_MONTH = (
    rf"(?P<month>上上个?月|上个?月|(?:这个?|本)月(?=的?[{_DIGITS}底末中上下]|初[^一二三四五六七八九十])"
    rf"|(?<![{_DIGITS}个]){_MONTH}(?!{_LUNAR_DAY}|[{_DIGITS}]+[块元百千])(?![饼租薪票嫂季卡]))"
)
_PHASE = r"的?(?P<phase>月?[初底末](?!中|级)|月?中(?![间午旬学])|上旬|中旬|下旬)"
_DAY_OF_MONTH = "(?P<dom>[12]?[0-9]|3[01]|[二三]?十[一二三四五六七八九]?|[一二三四五六七八九])"
_ON_A_DAY = "(?=那天|早|上午|中午|下午|晚|夜|凌晨|开始|以后|之后|左右|前后|就|起(?!来))"
_PART = rf"(?P<part>{PARTS.pattern})?"
_VAGUELY = rf"(?P<vague>{VAGUE.pattern})(?![一二三四五六日天末])"
_OFTEN = alternation(table("recurring")["words"])
_SINCE_THEN = "(?:那天起|那时候起|那会儿|以后|之后|过后|开始|以来|起|到现在)"

RULES: tuple[Rule, ...] = (
    _rule(rf"(?<![以目提之])(?P<s>(?P<day>{DAYS_BACK.pattern}){_IN_DAY})", moments.day, exact=3),
    _rule(rf"(?P<s>{alternation(table('just_now')['words'])})", moments.just_now, exact=3),
    _rule(
        r"(?<![一两三四五六七八九十几半每叫姓0-9])(?<![半每]个)(?P<s>(?P<week>上上个?|上个?|这个?|本|头个?|每个?)?"
        rf"{_WEEK}(?P<weekday>[一二三四五六日天末](?![直般样共定起])){_OTHER_WEEKDAY}?{_IN_DAY})",
        moments.weekday,
        exact=3,
    ),
    _rule(
        rf"(?P<s>(?:(?P<year>{_YEAR})的?)?{_A_MONTH}(?:(?P<dom>[{_DIGITS}]{{1,3}})[号日](?![楼院线])|{_PHASE})?{_IN_DAY})",
        moments.date,
        exact=3,
    ),
    _rule(
        rf"(?<![{_DIGITS}第路街道巷院栋元区])(?P<s>{_DAY_OF_MONTH}[号日]{_ON_A_DAY}{_IN_DAY})",
        moments.day_of_month,
        exact=3,
    ),
    _rule(
        rf"(?P<s>(?P<year>{_YEAR})(?:的|一)?(?:(?P<season>{SEASONS.pattern}|[底初末])|(?P<feast>{FEASTS.pattern})|{_LUNAR}|{_EVENT})"
        rf"(?:里|的时候)?{_PART}{_TO}{_AFTER_ANY})",
        moments.of_year,
        exact=2,
    ),
    _rule(
        rf"(?P<s>(?:(?P<feast>{FEASTS.pattern})|{_LUNAR}){_NOT_PLACE}(?:那天|当天)?{_PART}{_TO}{_AFTER_ANY})",
        moments.of_year,
        exact=2,
    ),
    _rule(rf"(?P<s>(?P<season>{SEASONS.pattern}){_NOT_PLACE}{_TO}{_AFTER_ANY})", moments.of_year, LIKELY),
    _rule(rf"(?:打从|自从|自打|打自)(?P<s>[^，。]{{1,12}}?{_SINCE_THEN})", moments.recurring),
    _rule("(?:打从|自从|自打)(?P<s>[^，。]{2,8}?)(?=就|一直|便|，)", moments.recurring),
    _rule(rf"(?P<s>{_HAPPENING}{_THEN}|{alternation(table('happenings')['rush'])})", moments.recurring, LIKELY),
    _rule(
        rf"(?P<s>{_OFTEN}的?(?:{PARTS.pattern})?{_OTHER_CLOCK}{_TO}{_AFTER})",
        moments.recurring,
        exact=2,
        habit=True,
    ),
    _rule(rf"(?P<s>{_OFTEN}的?{PARTS.pattern}{_TO}{_AFTER})", moments.recurring, LIKELY, 2),
    _rule(rf"(?P<s>{_OFTEN})", moments.recurring, WEAK),
    _rule(
        rf"(?P<s>{PARTS.pattern}的?{_CLOCK}{_TO}(?:以后|之后|左右|前后|开始|那会儿?(?=专|就|老|总))?)",
        moments.unknown,
        exact=2,
        habit=True,
    ),
    _rule(rf"(?P<s>{_BARE_PART}[到至](?:{_OTHER_CLOCK}|{_OTHER_DAY}?{_BARE_PART}))", moments.recurring),
    _rule(rf"(?P<s>{_BARE_PART})", moments.unknown, WEAK),
    _rule(rf"(?P<s>{_HOUR}点(?:半|钟|多|{_MINUTE}分?)?[到至]{_UNTIL})", moments.unknown, LIKELY),
    _rule(rf"(?P<s>{_duration(_LONG)}{_AGO})", moments.ago),
    _rule(rf"(?P<s>{_duration(_SHORT)}{_AGO})", moments.ago),
    _rule(rf"(?P<s>{_duration(_LONG)}了(?![{_DIGITS}]))", moments.lasting),
    _rule(rf"(?P<s>{_duration(_SHORT)}了)", moments.lasting, LIKELY),
    _rule(rf"(?P<s>(?P<n>{_QUANTITY})(?P<unit>天){_QUANTITY}[夜宿]了?)", moments.lasting),
    _rule(rf"{_ACTED}(?P<s>{_duration(_LONG)}){_FOR}", moments.lasting),
    _rule(rf"{_ACTED}(?P<s>{_duration(_SHORT)})", moments.lasting, WEAK),
    _rule(rf"(?P<s>{_duration(_LONG)})(?=(?:都|也)?(?:没|不(?![行到]))|都(?!有))", moments.lasting, LIKELY),
    _rule(rf"(?P<s>{_VAGUELY}的?{PARTS.pattern}(?:{_OTHER_CLOCK})?)", moments.vague, exact=2),
    _rule(rf"(?P<s>{_VAGUELY})", moments.vague, LIKELY),
)
