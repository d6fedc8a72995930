import pytest

from voicebot.core.speech import Expect
from voicebot.language.spoken_numbers import (
    NumberKind,
    find_numbers,
    find_phone,
    normalise,
    speak_digits,
    spoken_digits,
)


def kinds(text: str, expects: Expect = Expect.ANYTHING) -> list[tuple[str, str]]:
    return [(span.kind.value, span.value) for span in find_numbers(text, expects)]


@pytest.mark.parametrize(
    "said",
    [
        "我电话是幺三八零零幺三八零零零",
        "138 0013 8000，您记一下",
        "就打13800138000",
        "138-0013-8000",
        "一三八，呃，零零一三，然后八千",
        "住501，13800138000",
        "+86 138 0013 8000",
    ],
)
def test_a_mobile_number_is_found_however_it_was_written(said: str) -> None:
    assert find_phone(said) == "13800138000"


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("0379-63912345", "037963912345"),
        ("零三七九 六三九幺二三四五", "037963912345"),
        ("六三九一二三四五", "63912345"),
        ("四零零 八二三 零零零零", "4008230000"),
    ],
)
def test_landlines_and_service_numbers_are_telephone_numbers(said: str, number: str) -> None:
    assert find_phone(said) == number


@pytest.mark.parametrize(
    ("heard", "number"),
    [
        ("电话要三六零三七九八八六六", "13603798866"),
        ("我手机号以五五三七九零二三四六，今天早上", "15537902346"),
        ("幺八六，三七九零，零无六七", "18637900567"),
    ],
)
def test_a_digit_that_was_misheard_as_a_word_is_still_a_digit_among_ten_others(heard: str, number: str) -> None:
    assert find_phone(heard) == number


@pytest.mark.parametrize(
    "said", ["我要八六三七九", "我住三楼要一八零零零零零零", "要以而山是五六七八九零", "二零要三八零零一三八零零"]
)
def test_words_that_only_sound_like_digits_make_no_number(said: str) -> None:
    assert find_phone(said) is None


@pytest.mark.parametrize("said", ["二零二六零三一五零零一", "一三八零零一三八零零", "12800138000", "没有电话"])
def test_what_is_too_short_too_long_or_starts_wrong_is_no_telephone_number(said: str) -> None:
    assert find_phone(said) is None


def test_the_check_digit_tells_an_identity_number_from_any_long_number() -> None:
    assert kinds("身份证是幺幺零幺零五一九四九幺二三幺零零二X") == [("id", "11010519491231002X")]
    assert kinds("身份证是幺幺零幺零五一九四九幺二三幺零零二八") == [("digits", "110105194912310028")]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("三千五百块", [("amount", "3500")]),
        ("花了两万三", [("amount", "23000")]),
        ("一共欠十六万八", [("amount", "168000")]),
        ("总共三十二万五", [("amount", "325000")]),
        ("工资八千五没有发", [("amount", "8500")]),
        ("两块五毛钱", [("amount", "2.5")]),
        ("一共两百多块钱", [("amount", "200")]),
        ("涨到1.5万元", [("amount", "15000")]),
        ("3万5千元", [("amount", "35000")]),
        ("五毛钱一度", [("amount", "0.5")]),
        ("百分之三十五点五", [("percent", "35.5")]),
        ("涨了20%", [("percent", "20")]),
        ("一千二百户没有水", [("count", "1200")]),
        ("这里有两点五公里", [("count", "2.5")]),
        ("拖欠我三个月工资", [("count", "3")]),
        ("一百零五天", [("count", "105")]),
    ],
)
def test_amounts_shares_and_counts_have_their_value(said: str, expected: list[tuple[str, str]]) -> None:
    assert kinds(said) == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("昨天晚上十点半", [("time", "22:30")]),
        ("凌晨两点多还在施工", [("time", "02:00")]),
        ("中午十二点", [("time", "12:00")]),
        ("晚上十二点", [("time", "00:00")]),
        ("下午三点二十", [("time", "15:20")]),
        ("八点到十点", [("time", "08:00"), ("time", "10:00")]),
        ("三点零五分", [("time", "03:05")]),
        ("晚上10:30", [("time", "22:30")]),
        ("三月十五号", [("date", "--03-15")]),
        ("二零二六年三月十五号", [("date", "2026-03-15")]),
        ("2026年3月", [("date", "2026-03")]),
        ("二零二五年", [("date", "2025")]),
        ("这个月三号", [("date", "---03")]),
        ("十五号下午", [("date", "---15")]),
        ("2026-03-15", [("date", "2026-03-15")]),
    ],
)
def test_dates_and_times_have_their_value(said: str, expected: list[tuple[str, str]]) -> None:
    assert kinds(said) == expected


def test_an_address_is_read_part_by_part() -> None:
    spans = find_numbers("中州中路十八号院三号楼2单元五零一")
    assert [(span.kind, span.value, span.unit) for span in spans] == [
        (NumberKind.HOUSE, "18", "号院"),
        (NumberKind.BUILDING, "3", "号楼"),
        (NumberKind.UNIT, "2", "单元"),
        (NumberKind.ROOM, "501", ""),
    ]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("中州中路十五号", [("house", "15")]),
        ("A栋1202", [("building", "A"), ("room", "1202")]),
        ("住在五楼", [("floor", "5")]),
        ("三零二室", [("room", "302")]),
    ],
)
def test_parts_of_an_address_stand_alone_too(said: str, expected: list[tuple[str, str]]) -> None:
    assert kinds(said) == expected


def test_the_question_decides_what_a_bare_number_is() -> None:
    assert kinds("十五号") == []
    assert kinds("十五号", Expect.ADDRESS) == [("house", "15")]
    assert kinds("十五号", Expect.TIME) == [("date", "---15")]


@pytest.mark.parametrize(
    "said",
    [
        "五一路", "三里屯", "一中门口", "七里河", "九都路", "三山村", "千里眼", "等一下", "有一些", "十分感谢",
        "一点都不好", "早一点来修", "晚上一点声音都没有", "我提三点意见", "停了两三天", "三五百块", "第三次打了",
        "地铁一号线", "一起去", "一块去", "万一出事", "千万别", "二十三路公交", "一百货大楼", "二百五", "四季青",
        "八一路", "百货楼", "三户村",
    ],
)  # fmt: skip
def test_names_and_words_made_of_numerals_stay(said: str) -> None:
    assert normalise(said).text == said


def test_a_name_that_is_handed_in_is_left_alone() -> None:
    assert normalise("住在八间房", names=("八间房",)).text == "住在八间房"
    assert normalise("住在八间房").text == "住在8间房"


def test_figures_are_written_and_the_raw_sentence_stays_beside_them() -> None:
    said = "昨天晚上十点半，九都路十八号院三号楼有二十个人，我电话幺三八零零幺三八零零零"
    written = normalise(said)
    assert written.text == "昨天晚上10点半，九都路18号院3号楼有20个人，我电话13800138000"
    assert written.raw == said
    assert [said[span.start : span.end] for span in written.spans] == [
        "晚上十点半", "十八号院", "三号楼", "二十个", "幺三八零零幺三八零零零",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("said", "digits"),
    [
        ("幺三八 零零幺三 八千", "13800138000"),
        ("一三八四个零一二三四", "13800001234"),
        ("嗯就是二十五", "25"),
        ("没有", ""),
    ],
)
def test_an_answer_in_digits_is_read_however_it_was_spoken(said: str, digits: str) -> None:
    assert spoken_digits(said) == digits


@pytest.mark.parametrize(
    ("digits", "spoken"),
    [
        ("13800138000", "一三八，零零一三，八零零零"),
        ("037963912345", "零三七九，六三九一，二三四五"),
        ("12345", "一二三四五"),
        ("202603150", "二零二六，零三一，五零"),
        ("11010519491231002X", "一一零一零五，一九四九，一二三一，零零二X"),
    ],
)
def test_numbers_are_read_back_in_groups(digits: str, spoken: str) -> None:
    assert speak_digits(digits) == spoken
