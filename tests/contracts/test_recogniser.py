"""What every `Recogniser` promises, fake and real."""

from collections.abc import AsyncIterator, Callable, Iterable

import pytest

from asr.engines.whisper import WhisperRecogniser
from asr.fallback import FallbackRecogniser
from asr.settings import AsrSettings
from asr.streaming import StreamingRecogniser
from tests.fakes.recogniser import FakeRecogniser, FakeSpeechModel
from tests.support.caller_audio import FIXTURES, framed, over_the_telephone
from tests.support.models import MODELS_DIR
from voicebot.core.frames import AudioFrame
from voicebot.core.ports import Recogniser
from voicebot.core.speech import HearingContext

SPEECH = over_the_telephone(FIXTURES / "mandarin" / "elevator-broken.wav")

RECOGNISERS: dict[str, Callable[[], Recogniser]] = {
    "fake": lambda: FakeRecogniser("电梯坏了"),
    "streaming": lambda: StreamingRecogniser(FakeSpeechModel(), AsrSettings()),
    "fallback": lambda: FallbackRecogniser([FakeRecogniser("电梯坏了")], 1000),
    "whisper": lambda: WhisperRecogniser(AsrSettings(), MODELS_DIR / "whisper-base"),
}


@pytest.fixture(params=[pytest.param(name, marks=[pytest.mark.engine] * (name == "whisper")) for name in RECOGNISERS])
async def recogniser(request: pytest.FixtureRequest) -> AsyncIterator[Recogniser]:
    made = RECOGNISERS[request.param]()
    await made.start()
    yield made
    await made.stop()


def speech(position: int = 0) -> Iterable[AudioFrame]:
    return framed(SPEECH, position)


async def test_speech_becomes_text_at_its_place_in_the_call(recogniser: Recogniser) -> None:
    stream = recogniser.open(HearingContext(dialect="henan"))
    for frame in speech(position=16000):
        stream.push(frame)
    heard = await stream.finish()
    assert heard.text
    assert heard.final
    assert (heard.start, heard.end) == (16000, frame.end)
    assert heard.dialect == "henan"
    assert heard.engine
    assert len(heard.confidence) in (0, len(heard.raw_text))


async def test_a_turn_without_audio_has_no_text(recogniser: Recogniser) -> None:
    stream = recogniser.open(HearingContext())
    stream.speculate()
    assert (await stream.finish()).text == ""


async def test_a_speculation_that_was_right_is_the_final_text(recogniser: Recogniser) -> None:
    plain, early = recogniser.open(HearingContext()), recogniser.open(HearingContext())
    for frame in speech():
        plain.push(frame)
        early.push(frame)
    early.speculate()
    for silent in framed(bytes(9600), frame.end):
        early.push(silent)
    assert (await early.finish()).raw_text == (await plain.finish()).raw_text


async def test_a_lull_that_was_no_pause_costs_nothing(recogniser: Recogniser) -> None:
    whole, hushed = recogniser.open(HearingContext()), recogniser.open(HearingContext())
    for number, frame in enumerate(speech()):
        if number == 60:
            hushed.speculate(frame.position, early=True)
        whole.push(frame)
        hushed.push(frame)
    hushed.speculate(frame.end)
    assert (await hushed.finish()).raw_text == (await whole.finish()).raw_text


async def test_after_a_resumed_pause_all_of_it_is_heard(recogniser: Recogniser) -> None:
    whole, paused = recogniser.open(HearingContext()), recogniser.open(HearingContext())
    for number, frame in enumerate(speech()):
        if number == 60:
            paused.speculate()
            paused.resume()
        whole.push(frame)
        paused.push(frame)
    assert (await paused.finish()).raw_text == (await whole.finish()).raw_text


async def test_closing_is_always_allowed(recogniser: Recogniser) -> None:
    stream = recogniser.open(HearingContext())
    for frame in speech():
        stream.push(frame)
    stream.speculate()
    stream.close()
    stream.close()
    stream.push(frame)


async def test_capabilities_name_the_engine(recogniser: Recogniser) -> None:
    assert recogniser.capabilities.name
    assert "zh" in recogniser.capabilities.languages
