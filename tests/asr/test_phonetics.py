from collections.abc import Sequence

import pytest

from asr.correction import Corrected, Hypothesis
from asr.dialects.loader import load_packs
from asr.lexicon import Entry, Lexicon, hotline_words
from asr.phonetics.corrector import PhoneticCorrector
from asr.phonetics.lattice import LatticeCosts
from tests.support.models import MODELS_DIR
from voicebot.core.speech import HearingContext

CITY = [Entry(name, kind="place") for name in ("西工区", "涧西区", "瀍河区", "王城路", "南昌路")]


def heard(text: str, confidence: float | None = 0.7, score: float = 0.0) -> Hypothesis:
    return Hypothesis(text, score, () if confidence is None else (confidence,) * len(text))


def correct(
    corrector: PhoneticCorrector, *hypotheses: Hypothesis, dialect: str = "mandarin", language: str = "zh"
) -> Corrected:
    return corrector.correct(hypotheses, HearingContext(language=language, dialect=dialect))


def reasons(corrected: Corrected) -> Sequence[tuple[str, str, str]]:
    return [(one.heard, one.written, one.reason) for one in corrected.corrections]


@pytest.fixture(scope="module")
def plain() -> PhoneticCorrector:
    """Without the trigram model."""
    return PhoneticCorrector(Lexicon([*hotline_words(), *CITY]), load_packs())


@pytest.fixture(scope="module")
def full() -> PhoneticCorrector:
    return PhoneticCorrector(Lexicon([*hotline_words(), *CITY]), load_packs(), MODELS_DIR / "trigram-zh")


def test_without_the_model_the_city_s_words_are_still_corrected(plain: PhoneticCorrector) -> None:
    corrected = correct(plain, heard("建西区南昌路的路灯坏了"))
    assert corrected.text == "涧西区南昌路的路灯坏了"
    assert reasons(corrected) == [("建", "涧", "lexicon: place")]


def test_every_correction_names_its_place_in_the_raw_text(plain: PhoneticCorrector) -> None:
    raw = "我在西宫区,他在建西区"
    corrections = correct(plain, heard(raw)).corrections
    assert len(corrections) == 2
    for one in corrections:
        assert raw[one.start : one.end] == one.heard


def test_without_the_model_nothing_else_is_touched(plain: PhoneticCorrector) -> None:
    assert correct(plain, heard("我今天去建设路看书")).text == "我今天去建设路看书"


def test_status_says_what_is_missing_and_what_to_do(plain: PhoneticCorrector) -> None:
    status = plain.status()
    assert not status.trigram
    assert "voicebot models pull" in status.problem
    assert status.lexicon_words > 150
    assert "henan" in status.dialects


@pytest.mark.parametrize("said", ["", "OK", "12345", "hello, 我是 Tom。", "我的电话是一三八零零一三八零零零"])
def test_digits_english_and_numbers_read_out_stay(plain: PhoneticCorrector, said: str) -> None:
    assert correct(plain, heard(said)).text == said


def test_english_is_not_corrected(plain: PhoneticCorrector) -> None:
    assert correct(plain, heard("建西区"), language="en").text == "建西区"


def test_traditional_characters_are_written_simplified(plain: PhoneticCorrector) -> None:
    corrected = correct(plain, heard("樓道裡堆了雜物", None))
    assert corrected.text == "楼道里堆了杂物"
    assert {reason for _, _, reason in reasons(corrected)} == {"simplified"}


def test_words_of_the_dialect_become_mandarin_in_that_dialect_only(plain: PhoneticCorrector) -> None:
    said = "恁那儿办医保中不中"
    assert correct(plain, heard(said, None)).text == said
    corrected = correct(plain, heard(said, None), dialect="henan")
    assert corrected.text == "你们那儿办医保行不行"
    assert ("恁", "你们", "dialect word") in reasons(corrected)


def test_an_unknown_dialect_is_heard_as_mandarin(plain: PhoneticCorrector) -> None:
    assert correct(plain, heard("建西区"), dialect="martian").text == "涧西区"


def test_a_sure_character_costs_more_to_replace_than_a_doubtful_one() -> None:
    costs = LatticeCosts()
    doubtful, likely, sure = (costs.of_changing(confidence) for confidence in (0.1, 0.7, 0.98))
    assert doubtful < likely < sure < costs.of_changing(1.0)


@pytest.mark.engine
@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("我家住在西宫区王城路街道,小区楼道里堆了很多砸物", "我家住在西工区王城路街道,小区楼道里堆了很多杂物"),
        ("楼下的烧烤汤还在大声放音乐", "楼下的烧烤摊还在大声放音乐"),
        ("行审而班利忽扣", "新生儿办理户口"),
    ],
)
def test_homophones_become_the_words_that_were_said(full: PhoneticCorrector, raw: str, text: str) -> None:
    assert correct(full, heard(raw)).text == text


@pytest.mark.engine
@pytest.mark.parametrize("confidence", [None, 1.0])
def test_what_the_engine_is_sure_of_stays(full: PhoneticCorrector, confidence: float | None) -> None:
    said = "浦上河的河道什么时候治理,周姜村的厂区还在排污水"
    assert correct(full, heard(said, confidence)).text == said


@pytest.mark.engine
def test_another_hypothesis_can_give_the_right_character(full: PhoneticCorrector) -> None:
    corrected = correct(
        full,
        heard("他住在上海市的东边", 0.4, -3.0),
        heard("她住在上海市的东边", 0.4, -3.1),
        heard("他住在上海市的西边", 0.4, -9.0),
    )
    assert corrected.text in {"他住在上海市的东边", "她住在上海市的东边"}
    worse_first = correct(full, heard("我要头诉物业公司", 0.3, -3.0), heard("我要投诉物业公司", 0.3, -3.2))
    assert worse_first.text == "我要投诉物业公司"


@pytest.mark.engine
def test_a_hypothesis_with_more_characters_is_laid_beside_the_first(full: PhoneticCorrector) -> None:
    corrected = correct(full, heard("请问怎么办居住", 0.4, -4.0), heard("请问怎么办居住证", 0.4, -4.0))
    assert corrected.text in {"请问怎么办居住", "请问怎么办居住证"}


@pytest.mark.engine
def test_a_hypothesis_that_lost_half_a_sentence_is_not_believed(full: PhoneticCorrector) -> None:
    first = heard("我不想说名字能匿名吗", 0.8, -6.0)
    assert correct(full, first, heard("我不知道", 0.8, -5.0)).text == "我不想说名字能匿名吗"
