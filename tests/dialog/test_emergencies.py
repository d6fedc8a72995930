"""Danger is heard in half a sentence and through homophones, and not where it is over, feared or a name."""

from pathlib import Path

import numpy as np
import pytest

from dialog.embedding import Embedder
from dialog.understanding.danger_model import DangerModel
from dialog.understanding.emergencies import EmergencyFinder
from voicebot.core.errors import ConfigurationError
from voicebot.evaluation.emergencies import evaluate_emergencies, read_rows

ROWS = read_rows(Path(__file__).resolve().parent.parent.parent / "benchmarks" / "data" / "emergencies.jsonl")
PLAIN = ROWS[:3532]  # the rest was written to sound like the other kind


@pytest.fixture(scope="module")
def finder() -> EmergencyFinder:
    return EmergencyFinder()


def test_the_list_is_long_enough() -> None:
    assert sum(row.emergency for row in ROWS) >= 200
    assert sum(not row.emergency for row in ROWS) >= 2000


def test_phrases_alone_hear_most_of_what_they_were_written_for_and_half_of_the_rest(finder: EmergencyFinder) -> None:
    assert evaluate_emergencies(finder, ROWS[:2545]).recall >= 0.9
    scores = evaluate_emergencies(finder, PLAIN)
    assert scores.recall >= 0.55
    assert scores.false_alarm_rate <= 0.001


@pytest.mark.engine
def test_with_the_model_danger_is_heard_and_little_else() -> None:
    listening = EmergencyFinder(DangerModel(Embedder().sentence))
    dangerous = [row for row in ROWS if row.emergency][::8]
    assert evaluate_emergencies(listening, dangerous).recall >= 0.98
    plain = [row for row in PLAIN if not row.emergency][::8]
    assert evaluate_emergencies(listening, plain).false_alarm_rate <= 0.004
    alarming = [row for row in ROWS[len(PLAIN) :] if not row.emergency][::16]
    assert evaluate_emergencies(listening, alarming).false_alarm_rate <= 0.02


@pytest.mark.parametrize(
    ("text", "kind", "number"),
    [
        ("着火了", "fire", "119"),
        ("找火了，我家找火了", "fire", "119"),
        ("没气泄漏了", "gas", "119"),
        ("有人要条楼", "self_harm", "110"),
        ("电梯里困住人了", "trapped", "119"),
        ("有人大架动刀了", "crime", "110"),
        ("孩子走丢乐", "missing", "110"),
        ("出车祸了", "traffic", "122"),
        ("昏米不醒", "medical", "120"),
        ("掉合里了", "water", "119"),
        ("我家找火垃圾快来人啊", "fire", "119"),
        ("找火力找火力，我家楼商找火力", "fire", "119"),
        ("快来人啊，电题卡住了", "trapped", "119"),
        ("快来人啊，他打我", "crime", "110"),
        ("救命啊，有人运倒了", "medical", "120"),
    ],
)
def test_homophones_do_not_hide_danger(finder: EmergencyFinder, text: str, kind: str, number: str) -> None:
    found = finder.find(text)
    assert found is not None
    assert (found.kind, found.number) == (kind, number)


@pytest.mark.parametrize(
    "text",
    [
        "去年着火的那栋楼", "消防通道被堵了", "会不会爆炸", "着火了，已经扑灭了", "电视里说有人跳楼", "把垃圾运到路边",
        "担心孩子溺水，装个护栏吧", "跳楼价甩卖", "他上个月被车撞了", "今天热死了", "",
    ],
)  # fmt: skip
def test_what_is_over_feared_or_a_name_is_no_danger(finder: EmergencyFinder, text: str) -> None:
    assert finder.find(text) is None


def test_what_the_model_hears_goes_to_the_number_that_a_word_of_it_points_at(finder: EmergencyFinder) -> None:
    kinds = {text: finder.judge(text, 3.0) for text in ("我听见隔壁女的喊叫", "楼顶有个人在栏杆外面", "她一直不喘")}
    assert {text: found and found.number for text, found in kinds.items()} == {
        "我听见隔壁女的喊叫": "110",
        "楼顶有个人在栏杆外面": "110",
        "她一直不喘": "120",
    }


def test_the_model_hears_what_no_phrase_foresees() -> None:
    meaning = np.zeros(384, dtype=np.float32)
    model = DangerModel(lambda text: meaning)
    model.score = lambda text: 9.0  # type: ignore[method-assign]
    finder = EmergencyFinder(model)
    assert finder.find("两个小孩在水里没上来") is not None
    assert finder.find("要是两个小孩在水里没上来") is not None
    assert finder.find("嗯") is None
    model.score = lambda text: 1.5  # type: ignore[method-assign]
    assert finder.find("两个小孩在水里没上来") is not None
    assert finder.find("要是两个小孩在水里没上来") is None  # what might be has to be surer
    model.score = lambda text: 0.0  # type: ignore[method-assign]
    assert finder.find("两个小孩在水里没上来") is None


LEAD = "喂，你好，我想反映一个情况，我是住在涧西区南昌路三号院的居民，我姓王，说来话长，你先听我讲，"
TAIL = "，请你们赶快派人过来看一看，地址就在南昌路和西苑路的交叉口往东一百米"


def test_a_phrase_in_a_long_turn_counts_unless_the_model_thinks_it_is_only_told_of() -> None:
    model = DangerModel(lambda text: np.zeros(384, dtype=np.float32))
    heard: list[str] = []
    model.score = lambda text: heard.append(text) or -5.0  # type: ignore[method-assign, func-returns-value]
    finder = EmergencyFinder(model)
    assert finder.find(f"{LEAD}八十年代我们老厂里浓烟滚滚{TAIL}") is None
    assert heard == ["你先听我讲，八十年代我们老厂里浓烟滚滚"]
    assert finder.find(f"{LEAD}我不想活了{TAIL}") is not None  # firm: whoever says so is taken at their word
    assert finder.find("仓库那边浓烟滚滚") is None
    model.score = lambda text: -1.5  # type: ignore[method-assign]
    assert finder.find("仓库那边浓烟滚滚") is not None  # short: a phrase is enough, unless the model is sure
    model.score = lambda text: 1.0  # type: ignore[method-assign]
    assert finder.find(f"{LEAD}仓库那边浓烟滚滚{TAIL}") is not None


@pytest.mark.engine
def test_danger_in_a_long_turn_is_still_heard(finder: EmergencyFinder) -> None:
    listening = EmergencyFinder(DangerModel(Embedder().sentence))
    turns = [f"{LEAD}{row.text}{TAIL}" for row in PLAIN if row.emergency]
    said = [turn for turn in turns if finder.find(turn)]
    assert len(said) > 200
    missed = [turn for turn in said if listening.find(turn) is None]
    assert len(missed) / len(said) <= 0.02


def test_the_model_scores_by_sound_and_meaning() -> None:
    deaf = DangerModel(lambda text: np.zeros(384, dtype=np.float32))
    assert deaf.score("着火了快来人") > deaf.score("路灯坏了三天")
    assert deaf.score("") < deaf.score("着火了")


def test_a_broken_row_is_named(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"text": "着火了", "emergency": true}\n\n{"text": 1}\n', encoding="utf-8")
    with pytest.raises(ConfigurationError, match=":3"):
        read_rows(file)
    file.write_text("", encoding="utf-8")
    assert evaluate_emergencies(EmergencyFinder(), read_rows(file)).recall == 0.0
