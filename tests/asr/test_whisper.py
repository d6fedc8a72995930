"""The embedded engine itself, on the real model."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from asr.engines.speech_model import Heard, Samples, Stretch
from asr.engines.whisper_model import WhisperModel
from asr.settings import AsrSettings
from tests.support.caller_audio import FIXTURES, over_the_telephone
from tests.support.models import MODELS_DIR
from voicebot.audio.narrowband import from_pcm
from voicebot.audio.tones import ringback, tone
from voicebot.core.errors import ModelError
from voicebot.core.speech import HearingContext

BASE = MODELS_DIR / "whisper-base"
pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def model() -> Iterator[WhisperModel]:
    made = WhisperModel(AsrSettings(workers=1), BASE)
    made.load()
    yield made
    made.unload()


def hear(model: WhisperModel, samples: Samples, language: str = "zh", previous: str = "") -> Heard:
    return model.hear([Stretch(samples, 8000, HearingContext(language=language, previous=previous))])[0]


def caller(name: str) -> Samples:
    return from_pcm(over_the_telephone(FIXTURES / "mandarin" / f"{name}.wav"))


def test_a_caller_is_heard_with_several_hypotheses_and_confidence(model: WhisperModel) -> None:
    heard = hear(model, caller("elevator-broken"))
    first = heard.hypotheses[0]
    assert "电梯坏了" in first.text
    assert heard.language == "zh"
    assert len(heard.hypotheses) == 5
    assert [each.score for each in heard.hypotheses] != sorted(each.score for each in heard.hypotheses)
    assert len(first.confidence) == len(first.text)
    assert all(0 <= each <= 1 for each in first.confidence)
    assert np.mean(first.confidence) > 0.5


def test_the_end_of_a_sentence_sounds_more_finished_than_its_middle(model: WhisperModel) -> None:
    def ending(samples: Samples, speech_s: float) -> float:
        silence = np.random.default_rng(1).normal(0, 1e-3, 1120).astype(np.float32)
        stretch = Stretch(
            np.concatenate([samples[: round(8000 * speech_s)], silence]), 8000, HearingContext(), False, 0.14
        )
        (heard,) = model.hear([stretch])
        assert heard.ending is not None
        return heard.ending

    gaps = []
    for name in ("street-lamp", "stairwell-clutter", "wages-owed", "gym-refund", "tree-fallen"):
        voice = caller(name)
        loud = np.flatnonzero(np.abs(voice) > 0.02)
        end_s = loud[-1] / 8000
        gaps.append(ending(voice, end_s) - ending(voice, end_s * 0.6))
    assert np.median(gaps) > 1.0, gaps


def test_without_a_silence_nothing_is_said_about_the_end(model: WhisperModel) -> None:
    assert hear(model, caller("elevator-broken")).ending is None


def test_a_short_piece_behind_a_long_turn_is_heard(model: WhisperModel) -> None:
    """What was said before takes room in the decoder; there has to be some left for the piece."""
    previous = "洛龙区开元大道和通济街交叉口，垃圾堆了好几天没人清运，味道特别大，我已经反映过好几次了，都没有人来管"
    assert hear(model, caller("elevator-broken")[:12000], previous=previous).hypotheses


@pytest.mark.parametrize("language", ["zh", "auto"])
def test_english_is_heard_as_english_whether_or_not_it_was_expected(model: WhisperModel, language: str) -> None:
    asked = hear(model, caller("english-help"), language)
    assert (asked.language, asked.hypotheses[0].text) == ("en", "Hello, do you speak English?")
    permit = hear(model, caller("english-permit"), language)
    assert permit.language == "en"
    assert "resident" in permit.hypotheses[0].text


@pytest.mark.parametrize("name", ["barbecue-noise", "bus-late", "anonymous", "address-full"])
def test_chinese_is_heard_as_chinese_when_the_language_is_open(model: WhisperModel, name: str) -> None:
    assert hear(model, caller(name), "auto").language == "zh"


def test_several_callers_in_one_run_are_heard_as_each_alone(model: WhisperModel) -> None:
    turns = [caller("elevator-broken"), caller("barbecue-noise")]
    together = model.hear([Stretch(each, 8000, HearingContext()) for each in turns])
    assert [each.hypotheses[0].text for each in together] == [hear(model, each).hypotheses[0].text for each in turns]


def test_fewer_tokens_give_the_same_text(model: WhisperModel) -> None:
    whole = WhisperModel(AsrSettings(workers=1, lean_vocabulary=False), BASE)
    whole.load()
    for name in ("elevator-broken", "barbecue-noise"):
        assert hear(whole, caller(name)).hypotheses[0].text == hear(model, caller(name)).hypotheses[0].text


def noises() -> dict[str, Samples]:
    rng = np.random.default_rng(7)
    white = rng.normal(0, 1, 8000 * 4).astype(np.float32)
    time_s = np.arange(8000 * 4) / 8000
    chord = sum(np.sin(2 * np.pi * pitch * time_s) for pitch in (262, 330, 392)) * (0.6 + 0.4 * np.sin(12 * time_s))
    return {
        "silence": np.zeros(8000 * 4, np.float32),
        "faint noise": white * np.float32(0.002),
        "loud noise": white * np.float32(0.1),
        "hum": (0.1 * np.sin(2 * np.pi * 100 * time_s)).astype(np.float32),
        "chord": (0.1 * chord).astype(np.float32),
        "ringback": from_pcm(ringback(4000)),
        "key": from_pcm(tone((770, 1336), 1000)),
    }


@pytest.mark.parametrize("name", noises())
@pytest.mark.parametrize("language", ["zh", "auto"])
def test_nothing_is_invented_where_nobody_speaks(model: WhisperModel, name: str, language: str) -> None:
    assert hear(model, noises()[name], language).hypotheses == ()


def test_a_folder_without_a_model_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as raised:
        WhisperModel(AsrSettings(), tmp_path).load()
    assert raised.value.code == "model_missing"
    assert "models pull" in raised.value.remedy


@pytest.mark.parametrize("damage", ["truncated", "something else", "no tokenizer"])
@pytest.mark.parametrize("lean", [True, False])
def test_a_damaged_folder_says_what_to_do(tmp_path: Path, damage: str, lean: bool) -> None:
    for name in ("config.json", "vocabulary.json", "tokenizer.json"):
        shutil.copy(BASE / name, tmp_path / name)
    with (BASE / "model.bin").open("rb") as stream:
        (tmp_path / "model.bin").write_bytes(stream.read(40_000_000) if damage == "truncated" else b"PK\x03\x04" * 99)
    if damage == "no tokenizer":
        (tmp_path / "tokenizer.json").write_text("{}", "utf-8")
    with pytest.raises(ModelError) as raised:
        WhisperModel(AsrSettings(lean_vocabulary=lean), tmp_path).load()
    assert raised.value.code == "model_damaged"
    assert raised.value.remedy
