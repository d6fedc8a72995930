"""Times as callers of many parts of the country say them: the words and, where they name a day, the day."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from dialog.ticket.event_time import find_time, time_spans

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 25, 10, tzinfo=ZONE)  # a Wednesday


def at(*clock: int) -> datetime:
    return datetime(*clock, tzinfo=ZONE)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("said", "spoken", "start", "end"),
    [
        ("昨个后半晌在店里买的", "昨个后半晌", at(2026, 11, 24, 12), at(2026, 11, 24, 18)),
        ("前儿一场雨", "前儿", at(2026, 11, 23), at(2026, 11, 24)),
        ("大前天夜里快一点那会儿", "大前天夜里快一点", at(2026, 11, 23, 1), at(2026, 11, 23, 2)),
        ("前天后晌四点多上的车", "前天后晌四点多", at(2026, 11, 23, 16), at(2026, 11, 23, 17)),
        ("昨晚八点到今早六点之间", "昨晚八点到今早六点之间", at(2026, 11, 24, 20), at(2026, 11, 25, 6)),
        ("今儿早上七点半到八点多不亮", "今儿早上七点半到八点多", at(2026, 11, 25, 7, 30), at(2026, 11, 25, 8)),
        ("礼拜二绊了一跤", "礼拜二", at(2026, 11, 24), at(2026, 11, 25)),
        ("礼拜天上午晕倒了", "礼拜天上午", at(2026, 11, 22, 8), at(2026, 11, 22, 12)),
        ("上上周五", "上上周五", at(2026, 11, 13), at(2026, 11, 14)),
        ("上个月月底住院", "上个月月底", at(2026, 10, 25), at(2026, 11, 1)),
        ("十一月中旬还围着", "十一月中旬", at(2026, 11, 11), at(2026, 11, 21)),
        ("十七号晚上七点那节课", "十七号晚上七点", at(2026, 11, 17, 19), at(2026, 11, 17, 20)),
        ("去年夏天就漏", "去年夏天", at(2025, 6, 1), at(2025, 8, 31)),
        ("去年底停的", "去年底", at(2025, 12, 1), at(2025, 12, 31)),
        ("国庆前后吧", "国庆前后", at(2026, 9, 28), at(2026, 10, 5)),
    ],
)
def test_a_day_is_found(said: str, spoken: str, start: datetime, end: datetime) -> None:
    found = find_time(said, NOW)
    assert found is not None
    assert (found.spoken, found.start, found.end) == (spoken, start, end)


@pytest.mark.parametrize(
    ("said", "spoken"),
    [
        ("打从立秋以后就没好过", "立秋以后"),
        ("从昨儿夜里到现在", "昨儿夜里到现在"),
        ("今年开春到现在没人剪", "今年开春到现在"),
        ("漏了有俩月了", "俩月了"),
        ("黑灯瞎火的小半年了", "小半年了"),
        ("都快一个月了", "快一个月了"),
        ("挖了仨月了", "仨月了"),
        ("压了我二十一天", "二十一天"),
        ("那个车位泡了一个夏天", "一个夏天"),
        ("干了八年没给交社保", "八年"),
        ("流了一天一夜了", "一天一夜了"),
    ],
)
def test_what_lasts_goes_on(said: str, spoken: str) -> None:
    found = find_time(said, NOW)
    assert found is not None
    assert found.spoken == spoken
    assert found.start is not None
    assert found.since


@pytest.mark.parametrize(
    ("said", "spoken"),
    [
        ("干到腊月二十三就散了", "腊月二十三"),
        ("打从去年八月十五以后没发", "去年八月十五以后"),
        ("今年正月以后没到卡上", "今年正月以后"),
        ("过年前就该给了", "过年前"),
        ("夜里十一点到一点最凶", "夜里十一点到一点"),
        ("专门凌晨两三点排", "凌晨两三点"),
        ("一到下午五点就开始", "下午五点"),
        ("天一黑更是这样", "天一黑"),
        ("打从供暖那天起就不热", "供暖那天起"),
        ("周六周日拿喇叭喊", "周六周日"),
    ],
)
def test_a_time_of_no_certain_day_keeps_its_words(said: str, spoken: str) -> None:
    found = find_time(said, NOW)
    assert found is not None
    assert found.spoken == spoken
    assert found.start is None


@pytest.mark.parametrize(
    ("said", "spoken"),
    [
        ("国庆前后吧，应该是十月三号晚上", "十月三号晚上"),
        ("小半年了，上礼拜邻居栽沟里了", "小半年了"),
        ("打到凌晨一两点，有小半年了", "小半年了"),
        ("结果压了我二十一天，要求他们今天就结清", "二十一天"),
        ("这个月停了四回了，昨天又停了", "昨天"),
        ("等了四十来分钟，天天早上七点多都这样", "天天早上七点多"),
    ],
)
def test_the_first_of_the_surest_holds(said: str, spoken: str) -> None:
    found = find_time(said, NOW)
    assert found is not None
    assert found.spoken == spoken


@pytest.mark.parametrize(
    "said",
    [
        "孩子上三年级", "电瓶保一年", "一个月五十", "目前天气不好", "以前儿童能免票", "五一路十二号", "我提三点意见",
        "交了一年物业费", "一百天津路", "国庆路口",
    ],
)  # fmt: skip
def test_what_is_no_time_stays_none(said: str) -> None:
    assert find_time(said, NOW) is None


def test_the_places_of_times_never_overlap() -> None:
    spans = time_spans("前天晚上十点，不对，昨天晚上十点以后", NOW)
    assert spans == [(0, 6), (10, 18)]
