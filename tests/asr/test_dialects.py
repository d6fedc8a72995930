from pathlib import Path

import pytest

from asr.dialects.chooser import DialectChooser
from asr.dialects.loader import PACKS_DIR, load_packs
from asr.dialects.pack import DialectWord
from voicebot.core.errors import ConfigurationError
from voicebot.core.speech import Correction, Transcript

PRIOR = {"mandarin": 0.7, "henan": 0.3}


def transcript(text: str, confidence: float = 0.9, language: str = "zh", *corrections: Correction) -> Transcript:
    return Transcript(
        text, text, 0, 0, language=language, confidence=(confidence,) * len(text), corrections=tuple(corrections)
    )


def chooser(prior: dict[str, float] | None = None) -> DialectChooser:
    return DialectChooser(load_packs(), prior or PRIOR)


def test_every_pack_of_the_product_is_valid_and_has_what_callers_hear() -> None:
    packs = load_packs()
    assert {"mandarin", "henan", "hunan", "tianjin", "hainan", "sichuan", "northeast", "cantonese"} == set(packs)
    for pack in packs.values():
        assert set(pack.prompts) == {"switched", "hand_over"}
        assert pack.seat_skill
        assert pack.called


def test_a_dialect_starts_from_the_sounds_of_mandarin_and_makes_its_own_cheaper() -> None:
    packs = load_packs()
    assert packs["hunan"].initials["l", "n"] < packs["mandarin"].initials["l", "n"]
    assert set(packs["mandarin"].finals) <= set(packs["hunan"].finals)


@pytest.mark.parametrize(
    ("said", "mandarin"),
    [("有嘛手续", "有什么手续"), ("这是嘛呀", "这是嘛呀"), ("干嘛去", "干嘛去"), ("为嘛不修", "为什么不修")],
)
def test_a_word_is_translated_only_where_it_is_meant(said: str, mandarin: str) -> None:
    text = said
    for start, end, word in reversed(load_packs()["tianjin"].translations(said)):
        text = text[:start] + word + text[end:]
    assert text == mandarin


def test_the_beginning_and_end_of_a_sentence_look_like_a_comma() -> None:
    word = DialectWord("中", "行", before="[，]", after="[，]")
    assert word.places("中") == [(0, 1)]
    assert word.places("中间") == []


def bad_pack(tmp_path: Path, body: str) -> str:
    (tmp_path / "mandarin.toml").write_text((PACKS_DIR / "mandarin.toml").read_text("utf-8"), "utf-8")
    head = 'title = "甲"\ncalled = ["甲话"]\nlanguage = "zh"\nengine_prompt = "甲。"\nseat_skill = "a"\n'
    (tmp_path / "jia.toml").write_text(head + body, "utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_packs(tmp_path)
    return str(caught.value)


@pytest.mark.parametrize(
    ("body", "line", "what"),
    [
        ("tempo = 3\n", 6, '"tempo" is not a key'),
        ('[sounds]\ninitials = [\n["l", "n", -1],\n]\n', 8, "cost above 0"),
        ('[[words]]\nword = "恁"\n[[words]]\nword = "俺"\nbefore = "["\n', 9, "pattern"),
        ('[prompts]\nbye = "再见"\n', 7, '"bye" is not a prompt'),
        ("title = = 3\n", 6, ""),
        ('[prompts]\nswitched = "您请说{name}"\n', 7, "braces"),
    ],
)
def test_a_wrong_pack_is_named_with_file_and_line(tmp_path: Path, body: str, line: int, what: str) -> None:
    message = bad_pack(tmp_path, body)
    assert f"jia.toml:{line}: " in message
    assert what in message


def test_a_folder_without_mandarin_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"mandarin\.toml"):
        load_packs(tmp_path)


def test_a_call_starts_in_the_dialect_that_is_likeliest_in_the_city() -> None:
    assert chooser().choice.dialect == "mandarin"
    assert chooser({"mandarin": 0.2, "henan": 0.8}).choice.dialect == "henan"


def test_words_of_a_dialect_turn_the_call_to_it_and_mandarin_words_do_not() -> None:
    call = chooser()
    assert call.hear(transcript("我要反映路灯坏了")).dialect == "mandarin"
    heard = call.hear(transcript("俺家停水了，恁管不管，中不中"))
    assert (heard.dialect, heard.changed, heard.seat_skill) == ("henan", True, "dialect_henan")
    assert not call.hear(transcript("好")).changed


def test_one_weak_word_is_not_enough() -> None:
    assert chooser().hear(transcript("晌午停的水")).dialect == "mandarin"


def test_the_engine_s_guess_of_the_language_counts() -> None:
    call = chooser()
    call.hear(transcript("我想问一下", 0.9, "yue"))
    assert call.hear(transcript("几时有水", 0.9, "yue")).dialect == "cantonese"


def test_confusions_that_paid_off_speak_for_the_dialect_that_has_them() -> None:
    call = chooser({"mandarin": 0.5, "hunan": 0.5})
    for _ in range(6):
        call.hear(transcript("楠天停水", 0.9, "zh", Correction(0, 1, "楠", "蓝", "similar sound")))
    assert call.choice.dialect == "hunan"


@pytest.mark.parametrize("said", ["我能说四川话吗", "我讲四川话行不行", "有没有听得懂四川话的"])
def test_the_caller_s_wish_decides_and_holds(said: str) -> None:
    call = chooser()
    asked = call.hear(transcript(said))
    assert (asked.dialect, asked.asked) == ("sichuan", True)
    assert call.hear(transcript("俺家停水了，恁管不管，中不中")).dialect == "sichuan"


@pytest.mark.parametrize("said", ["我不会说四川话", "四川话我听不懂"])
def test_naming_a_dialect_is_not_asking_for_it(said: str) -> None:
    assert not chooser().hear(transcript(said)).asked


def test_recognition_that_stays_poor_is_said_and_one_poor_turn_is_not() -> None:
    call = chooser()
    assert not call.hear(transcript("呜呜噜噜噜", 0.3)).poor
    assert not call.hear(transcript("呜呜噜噜噜", 0.4)).poor
    assert call.hear(transcript("呜呜噜噜噜", 0.3)).poor
    for _ in range(3):
        call.hear(transcript("我要反映路灯坏了", 0.95))
    assert not call.choice.poor
