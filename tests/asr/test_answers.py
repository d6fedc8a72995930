"""What a question calls for, held against the sound when something else was heard."""

import math
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr.answers import best_answer, likely_answers, sounds_like
from asr.engines.speech_model import Stretch
from asr.engines.whisper_model import WhisperModel
from asr.settings import AsrSettings
from tests.support.models import MODELS_DIR, require_models
from voicebot.audio.narrowband import telephone
from voicebot.core.frames import SAMPLE_RATE_HZ
from voicebot.core.speech import Expect, HearingContext
from voicebot.turns.settings import TurnSettings

FIXTURES = Path(__file__).parent.parent.parent / "audio_fixtures" / "mandarin"


@pytest.mark.parametrize(
    ("expects", "heard", "answer"),
    [
        (Expect.YES_NO, "部队。", "不对"),
        (Expect.YES_NO, "没有恋", "没有了"),
        (Expect.YES_NO, "对事等", "对是的"),
        (Expect.RATING, "漫衣", "满意"),
        (Expect.ANYTHING, "没有恋", "没有了"),
        (Expect.DIGITS, "不鸡的了", "不记得了"),
    ],
)
def test_answers_that_sound_like_it_are_proposed(expects: Expect, heard: str, answer: str) -> None:
    assert answer in likely_answers(expects, heard)[:3]


@pytest.mark.parametrize(
    ("expects", "heard"),
    [
        (Expect.YES_NO, "对，可以。"),
        (Expect.YES_NO, "我说的是五号楼二单元"),
        (Expect.YES_NO, ""),
        (Expect.YES_NO, "。"),
        (Expect.ADDRESS, "没有恋"),
    ],
)
def test_nothing_is_proposed_for_an_answer_a_sentence_or_another_question(expects: Expect, heard: str) -> None:
    assert likely_answers(expects, heard) == ()


def test_into_the_bots_words_a_listener_is_likely() -> None:
    assert "哦好的好的" in likely_answers(Expect.ANYTHING, "五号的号的", over_bot=True)
    assert "哦好的好的" not in likely_answers(Expect.ANYTHING, "五号的号的")
    assert sounds_like("五号的号的。", "哦好的好的")
    assert not sounds_like("转人工", "好的好的")


def test_a_word_is_no_answer_for_whoever_says_three() -> None:
    assert all(len(answer) >= 2 for answer in likely_answers(Expect.YES_NO, "属静州"))


def test_the_longest_is_taken_of_answers_that_begin_alike() -> None:
    assert best_answer(["没有了", "没有了谢谢", "不对"], [-3.0, -4.0, -9.0]) == (
        1,
        pytest.approx(1 / (1 + math.exp(-6))),
    )


def test_another_answer_that_fits_as_well_takes_away_the_certainty() -> None:
    at, sure = best_answer(["哦", "不是"], [-3.0, -3.5])
    assert at == 0
    assert sure < 0.63


@pytest.fixture(scope="module")
def whisper() -> WhisperModel:
    require_models("whisper-base-telephone-zh")
    model = WhisperModel(AsrSettings(), MODELS_DIR / "whisper-base-telephone-zh")
    model.load()
    return model


def heard(whisper: WhisperModel, clip: str, expects: Expect, later_ms: int = 0) -> str:
    samples, rate_hz = soundfile.read(FIXTURES / f"{clip}.wav", dtype="float32")
    later = np.pad(samples, (later_ms * rate_hz // 1000, 0))
    (answer,) = whisper.hear([Stretch(later, rate_hz, HearingContext(expects=expects))])
    return "".join(c for c in answer.hypotheses[0].text if c.isalnum()) if answer.hypotheses else ""


@pytest.mark.engine
@pytest.mark.parametrize(
    ("clip", "expects", "text"),
    [("no", Expect.YES_NO, "不对"), ("yes", Expect.YES_NO, "对"), ("transfer", Expect.YES_NO, "转人工")],
)
def test_a_short_answer_is_heard_as_one(whisper: WhisperModel, clip: str, expects: Expect, text: str) -> None:
    # Moved a little, since what a model finds at one place of a window depends on the processor too.
    assert {heard(whisper, clip, expects, later_ms) for later_ms in (0, 20, 40, 60, 80)} == {text}


@pytest.mark.engine
@pytest.mark.parametrize("clip", ["name-wang", "address-landmark", "phone-this", "time-last-night"])
def test_what_is_no_answer_stays_what_it_is(whisper: WhisperModel, clip: str) -> None:
    assert heard(whisper, clip, Expect.YES_NO) == heard(whisper, clip, Expect.NAME)


@pytest.mark.engine
def test_no_answer_is_sure_in_a_crowd_behind_the_bots_words(whisper: WhisperModel) -> None:
    crowd, rate_hz = soundfile.read(FIXTURES.parent / "noise" / "street-babble.wav", dtype="float32")
    answers = set(likely_answers(Expect.ANYTHING, "有有有", over_bot=True))
    fitted = 0
    for start, seconds in product((0.0, 0.5, 1.0, 1.5), (0.75, 1.0, 1.25)):
        piece = telephone(crowd[round(start * rate_hz) : round((start + seconds) * rate_hz)], rate_hz)
        (heard,) = whisper.hear([Stretch(piece, SAMPLE_RATE_HZ, HearingContext(over_bot=True))])
        if heard.hypotheses and heard.hypotheses[0].text in answers:
            fitted += 1
            assert np.mean(heard.hypotheses[0].confidence) < TurnSettings().interrupt_confidence
    assert fitted
