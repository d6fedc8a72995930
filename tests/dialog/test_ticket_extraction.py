"""What a sentence says of a ticket."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from dialog.ticket.addresses import AddressFinder, as_said, precise
from dialog.ticket.amounts import find_amount
from dialog.ticket.companies import find_companies
from dialog.ticket.demands import demand
from dialog.ticket.event_time import find_time
from dialog.ticket.extractor import TicketExtractor
from dialog.ticket.matter import matter, risks, topics
from dialog.ticket.people import find_name, find_persons
from dialog.understanding.intents import IntentFinder
from tests.support.talking import example_city
from voicebot.core.errors import ConfigurationError
from voicebot.core.speech import Expect
from voicebot.core.ticket import Confidentiality, TicketDraft
from voicebot.evaluation.tickets import evaluate_tickets, read_rows

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 25, 10, tzinfo=ZONE)
ROWS = Path(__file__).resolve().parent.parent.parent / "benchmarks" / "data" / "tickets.jsonl"


@pytest.fixture(scope="module")
def extractor() -> TicketExtractor:
    return TicketExtractor(example_city(), IntentFinder())


@pytest.fixture(scope="module")
def places() -> AddressFinder:
    return AddressFinder(example_city())


def test_the_whole_list_reaches_its_fields(extractor: TicketExtractor) -> None:
    rows = read_rows(ROWS)
    assert len(rows) >= 60
    scores = evaluate_tickets(extractor, rows, NOW.astimezone(UTC), [row.said for row in rows])
    assert scores.f1 >= 0.98
    assert scores.address_exact >= 0.97


def at(*clock: int) -> datetime:
    return datetime(*clock, tzinfo=ZONE)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("昨天晚上十点以后", at(2026, 11, 24, 22), at(2026, 11, 25, 6)),
        ("上个月二十号", at(2026, 10, 20), at(2026, 10, 21)),
        ("今天早上八点半", at(2026, 11, 25, 8, 30), at(2026, 11, 25, 9, 30)),
        ("昨晚十二点半", at(2026, 11, 25, 0, 30), at(2026, 11, 25, 1, 30)),
        ("昨天夜里两点二十分", at(2026, 11, 25, 2, 20), at(2026, 11, 25, 3, 20)),
        ("前天中午一点", at(2026, 11, 23, 13), at(2026, 11, 23, 14)),
        ("前晚", at(2026, 11, 23, 18), at(2026, 11, 24)),
        ("大前天", at(2026, 11, 22), at(2026, 11, 23)),
        ("上周五", at(2026, 11, 20), at(2026, 11, 21)),
        ("上周末", at(2026, 11, 21), at(2026, 11, 23)),
        ("十二月三号", at(2025, 12, 3), at(2025, 12, 4)),
        ("去年五月", at(2025, 5, 1), at(2025, 6, 1)),
        ("2024年3月5号", at(2024, 3, 5), at(2024, 3, 6)),
        ("这个月三号", at(2026, 11, 3), at(2026, 11, 4)),
        ("三天前", at(2026, 11, 22), at(2026, 11, 23)),
        ("两个小时之前", at(2026, 11, 25, 8), at(2026, 11, 25, 10)),
        ("二月三十号", None, None),
        ("路灯坏了", None, None),
    ],
)
def test_times_are_ranges_relative_to_the_call(text: str, start: datetime | None, end: datetime | None) -> None:
    found = find_time(text, NOW)
    if start is None:
        assert found is None
        return
    assert found is not None
    assert found.start is not None
    assert found.end is not None
    assert abs((found.start - start).total_seconds()) < 60
    assert abs((found.end - end).total_seconds()) < 60  # type: ignore[operator]


@pytest.mark.parametrize(
    "text", ["坏了三天了", "从昨天开始停电", "每天晚上十一点以后", "欠了半年", "好几个月了", "十几天了", "好久没人管"]
)
def test_what_goes_on_is_marked(text: str) -> None:
    found = find_time(text, NOW)
    assert found is not None
    assert found.since


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("涧西区丽春东路八号楼", "涧西区丽春东路8号楼"),
        ("建西区南昌路", "涧西区南昌路"),
        ("幸福里小区三号楼", "幸福里小区3号楼"),
        ("孟津区平乐镇张盘村", "孟津区张盘村"),
        ("牡丹广场附近", "牡丹广场"),
        ("五号楼", "5号楼"),
    ],
)
def test_places_are_parsed(places: AddressFinder, text: str, parts: str) -> None:
    address = places.find(text)
    assert address is not None
    assert parts.startswith(as_said(address)[:2]) or as_said(address).endswith(parts)
    assert set(parts) <= set(as_said(address))


@pytest.mark.parametrize(
    "text", ["我们小区没水", "农村医保怎么交", "走路不方便", "十月二十号买的", "二十三路公交车不停", ""]
)
def test_what_is_no_place_stays_none(places: AddressFinder, text: str) -> None:
    assert places.find(text) is None


def test_a_new_road_drops_the_old_number(places: AddressFinder) -> None:
    old, new = places.find("涧西区南昌路三号院"), places.find("洛龙区开元大道")
    assert old is not None
    assert new is not None
    merged = places.merged(old, new)
    assert (merged.road, merged.number, merged.district) == ("开元大道", "", "洛龙区")
    assert merged.node.startswith("410311")
    assert precise(merged)


@pytest.mark.parametrize(
    ("text", "expects", "name"),
    [
        ("我姓王，住涧西", Expect.ANYTHING, "王"),
        ("我叫李建国", Expect.ANYTHING, "李建国"),
        ("我是张女士", Expect.ANYTHING, "张女士"),
        ("欧阳娜娜", Expect.NAME, "欧阳娜娜"),
        ("刘大伟", Expect.ANYTHING, None),
        ("老板姓张", Expect.ANYTHING, None),
        ("我教李建国，手机号是一三八", Expect.ANYTHING, "李建国"),
    ],
)
def test_names_are_the_callers_own(text: str, expects: Expect, name: str | None) -> None:
    assert find_name(text, expects) == name


def test_companies_persons_and_sums() -> None:
    assert find_companies("我投诉丹尼斯超市和洛阳宏泰物业公司") == ("丹尼斯超市", "洛阳宏泰物业公司")
    assert find_companies("物业公司乱收费") == ()
    assert find_persons("包工头叫刘大伟，还有个姓陈的老板") == ("刘大伟", "陈")
    assert find_amount("一共两万三千块") == "23000"
    assert find_amount("路灯坏了") == ""


def test_the_matter_is_what_is_left() -> None:
    assert matter("喂你好，我想反映一下，路灯坏了，你们管不管") == "路灯坏了"
    assert matter("希望你们尽快处理") == "希望你们尽快处理"
    assert demand("路灯坏了，麻烦你们派人修一下吧") == "派人修一下"
    assert demand("请问怎么办身份证") == ""
    assert topics("路灯坏了没人修，另外我们楼下垃圾没人清运") == ("路灯坏了没人修", "我们楼下垃圾没人清运")
    assert topics("路灯坏了，另外谢谢") == ("路灯坏了，另外谢谢",)
    assert set(risks("电线漏电，旁边是小学的学生")) == {"life", "minor"}


def test_a_draft_keeps_what_it_had(extractor: TicketExtractor) -> None:
    draft = extractor.filled(TicketDraft(), extractor.find("南昌路三号院路灯坏了，要给我保密", NOW))
    assert draft.confidentiality is Confidentiality.CONFIDENTIAL
    draft = extractor.filled(draft, extractor.find("不用保密，我姓王", NOW))
    assert (draft.confidentiality, draft.caller_name) == (Confidentiality.OPEN, "王")
    assert draft.address.road == "南昌路"
    assert extractor.filled(draft, extractor.find("嗯", NOW)) == draft


def test_rows_of_tickets_are_checked(tmp_path: Path, extractor: TicketExtractor) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"audio": "a.wav", "fields": {"address": {"road": "南昌路", "floor": 3}, "anonymous": true}}\n\n')
    (row,) = read_rows(file)
    assert row.audio == tmp_path / "a.wav"
    scores = evaluate_tickets(extractor, [row], NOW, ["南昌路的路灯，我要匿名"])
    assert scores.by_field == {"anonymous": 1.0, "road": 1.0}
    assert evaluate_tickets(extractor, [row], NOW, ["喂"]).wrong[0]["field"] == "road"
    file.write_text('{"text": "喂"}\n')
    with pytest.raises(ConfigurationError, match=":1"):
        read_rows(file)


@pytest.mark.parametrize(
    ("said", "road"),
    [
        ("牡丹大道有人飙摩托，炸街，吵得孩子哭", "牡丹大道"),
        ("香山路水管爆了，水流得满街都是", "香山路"),
    ],
)
def test_what_happens_in_the_street_is_no_street(places: AddressFinder, said: str, road: str) -> None:
    found = places.find(said)
    assert found is not None
    assert found.road == road


def test_who_asks_not_to_be_named_stays_anonymous(extractor: TicketExtractor) -> None:
    draft = extractor.filled(TicketDraft(), extractor.find("别留我名字，我举报西工区有家足疗店", NOW.astimezone(UTC)))
    assert draft.anonymous
