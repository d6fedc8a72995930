from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr.engines.speech_model import Stretch
from asr.engines.whisper_model import WhisperModel
from asr.invention import is_english_aside, is_invented
from asr.settings import AsrSettings
from tests.support.models import MODELS_DIR, require_models
from tests.support.raw_sentences import SENTENCES
from voicebot.core.speech import HearingContext

GARBLE = Path(__file__).parent.parent.parent / "audio_fixtures" / "noise" / "garble.wav"


@pytest.mark.parametrize(
    "text",
    [
        "谢谢观看",
        "感谢大家的收看！",
        "请不吝点赞 订阅 转发 打赏支持明镜与点点栏目",
        "字幕by索兰娅",
        "(字幕制作:贝尔)",
        "中文字幕志愿者 李宗盛",
        "以下是普通话的句子。",
        "Thank you so much for watching!",
        "♪♪♪",
        "……",
    ],
)
def test_credits_and_farewells_of_videos_are_invented(text: str) -> None:
    assert is_invented(text)


@pytest.mark.parametrize(
    "text",
    [
        *SENTENCES,
        "谢谢",
        "谢谢你，再见",
        "我要投诉电影院的字幕看不清",
        "他们不让观看比赛",
        "音乐声音太大了",
        "Thank you.",
    ],
)
def test_what_callers_say_is_not(text: str) -> None:
    assert not is_invented(text)


@pytest.mark.parametrize("text", ["Thank you very much.", "It's okay, it's okay.", "Okay.", "Oh, I'm sorry."])
def test_english_that_stands_for_a_murmur(text: str) -> None:
    assert is_english_aside(text)


@pytest.mark.parametrize("text", ["Hello, can you speak English?", "Thank you, the street light is broken", "yes", ""])
def test_english_that_somebody_speaks(text: str) -> None:
    assert not is_english_aside(text)


@pytest.fixture(scope="module")
def model() -> WhisperModel:
    require_models("whisper-base-telephone-zh")
    model = WhisperModel(AsrSettings(), MODELS_DIR / "whisper-base-telephone-zh")
    model.load()
    return model


@pytest.mark.engine
def test_the_hint_is_not_heard_in_a_voice_without_words(model: WhisperModel) -> None:
    garble, rate_hz = soundfile.read(GARBLE, dtype="float32")
    for seconds in np.arange(0.6, 3.0, 0.2):
        context = HearingContext(over_bot=True)
        (heard,) = model.hear([Stretch(garble[: round(seconds * rate_hz)], rate_hz, context)])
        assert not any("普通话" in each.text for each in heard.hypotheses[:1])


@pytest.mark.engine
def test_voices_without_words_are_no_english_and_nothing_to_be_sure_of(model: WhisperModel) -> None:
    garble = soundfile.read(GARBLE, dtype="float32")[0]
    for late in range(0, 3200, 200):
        (heard,) = model.hear([Stretch(np.concatenate([np.zeros(late, np.float32), garble]), 8000, HearingContext())])
        assert heard.language == "zh"
        assert all(np.mean(each.confidence) < 0.7 for each in heard.hypotheses[:1])
