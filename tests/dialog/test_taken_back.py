"""What a caller takes back in the same breath."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from dialog.ticket.extractor import Found, TicketExtractor
from dialog.understanding.intents import IntentFinder
from tests.support.talking import example_city

NOW = datetime(2026, 11, 25, 10, tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.fixture(scope="module")
def extractor() -> TicketExtractor:
    return TicketExtractor(example_city(), IntentFinder())


def found(extractor: TicketExtractor, said: str) -> Found:
    return extractor.find(said, NOW)


@pytest.mark.parametrize(
    ("said", "building", "unit", "room"),
    [
        ("我住凯旋小区，三号楼，不对不对，是五号楼一单元三零二", "5号楼", "1单元", "302"),
        ("白马小区四十栋，呃，四十一号楼，三门栋，一零幺", "41号楼", "3单元", "101"),
        ("城邦北区，九号楼，哦不是，十九号楼楼顶", "19号楼", "", ""),
        ("三号楼二单元，说错了，五号楼", "5号楼", "", ""),
        ("不是三单元是两单元", "", "2单元", ""),
        ("三号楼和五号楼都没水，呃，没暖气", "3号楼", "", ""),
    ],
)
def test_a_number_said_anew_replaces_the_one_before(
    extractor: TicketExtractor, said: str, building: str, unit: str, room: str
) -> None:
    address = found(extractor, said).address
    assert address is not None
    assert (address.building, address.unit, address.room) == (building, unit, room)


@pytest.mark.parametrize(
    ("said", "phone"),
    [
        ("手机号一三七，二一三八，零零九七，不对，是零零七九，姓侯", "13721380079"),
        ("电话一八六，三七九二，五五幺八，哦不对，五五八幺，在诸葛镇", "18637925581"),
        ("幺三八零零幺三八，错了，幺三九零零幺三八零零零", "13900138000"),
    ],
)
def test_the_end_or_the_whole_of_a_telephone_number_is_replaced(
    extractor: TicketExtractor, said: str, phone: str
) -> None:
    assert found(extractor, said).phone == phone


def test_roads_sums_names_and_times_are_replaced_too(extractor: TicketExtractor) -> None:
    road = found(extractor, "我住南昌路，啊不，是西苑路三号院").address
    assert road is not None
    assert (road.road, road.number) == ("西苑路", "3号院")
    assert found(extractor, "花了三百块，不对，是四百块").amount == "400"
    assert found(extractor, "我姓张，不对，姓章").name == "章"
    time = found(extractor, "昨天，不对，前天晚上停的电").time
    assert time is not None
    assert time.spoken == "前天晚上"


def test_what_is_only_denied_stays(extractor: TicketExtractor) -> None:
    assert found(extractor, "不是漏水，是没水").matter == "不是漏水，是没水"
    assert found(extractor, "不是漏水，是没水").text == "不是漏水，是没水"
