import asyncio

import pytest

from asr.fallback import FallbackRecogniser
from tests.fakes.recogniser import FakeRecogniser, FakeStream
from tests.support.caller_audio import framed
from voicebot.core.errors import ModelError, OverloadError, RecognitionError
from voicebot.core.frames import AudioFrame
from voicebot.core.ports import Recogniser, RecogniserStream
from voicebot.core.speech import HearingContext, Transcript

BROKEN = RecognitionError("broken", code="broken")


class SlowStream(FakeStream):
    async def finish(self) -> Transcript:
        await asyncio.sleep(60)
        return await super().finish()


class SlowRecogniser(FakeRecogniser):
    def open(self, context: HearingContext) -> FakeStream:
        self.streams.append(SlowStream("too late", context, "slow", None))
        return self.streams[-1]


class FullRecogniser(FakeRecogniser):
    def open(self, context: HearingContext) -> FakeStream:
        raise OverloadError("full", code="recogniser_full")


class AbsentRecogniser(FakeRecogniser):
    async def start(self) -> None:
        raise ModelError("absent", code="model_missing")


async def turn(*engines: Recogniser, slow_ms: float = 50) -> Transcript:
    recogniser = FallbackRecogniser(engines, slow_ms)
    await recogniser.start()
    stream: RecogniserStream = recogniser.open(HearingContext())
    for frame in framed(bytes(3200)):
        stream.push(frame)
    stream.speculate()
    return await stream.finish()


async def test_the_first_engine_is_heard_when_it_works() -> None:
    second = FakeRecogniser("second")
    assert (await turn(FakeRecogniser("first"), second)).text == "first"
    assert not second.streams


@pytest.mark.parametrize(
    "engine", [FakeRecogniser("x", error=BROKEN), SlowRecogniser(), FullRecogniser(), AbsentRecogniser()]
)
async def test_the_same_audio_goes_to_the_next_engine(engine: FakeRecogniser) -> None:
    second = FakeRecogniser("second")
    assert (await turn(engine, second)).text == "second"
    assert [frame.position for frame in second.streams[0].frames] == list(range(0, 1600, 160))
    assert second.streams[0].speculations == 1


async def test_an_engine_that_failed_is_closed() -> None:
    first = SlowRecogniser()
    await turn(first, FakeRecogniser("second"))
    assert first.streams[0].closed


async def test_when_all_fail_the_last_error_is_raised() -> None:
    last = RecognitionError("last", code="last")
    with pytest.raises(RecognitionError) as raised:
        await turn(FakeRecogniser("x", error=BROKEN), FakeRecogniser("y", error=last))
    assert raised.value.code == "last"


async def test_no_engine_at_all_is_an_error_at_start() -> None:
    with pytest.raises(ModelError):
        await FallbackRecogniser([AbsentRecogniser(), AbsentRecogniser()], 50).start()


async def test_an_engine_that_hears_a_dialect_better_comes_first_in_that_dialect_only() -> None:
    usual, better = FakeRecogniser("电梯", name="usual"), FakeRecogniser("几时有水", name="better")
    recogniser = FallbackRecogniser([usual], 1000, {"cantonese": [better]})
    await recogniser.start()
    for dialect, name in (("mandarin", "usual"), ("cantonese", "better"), ("henan", "usual")):
        stream = recogniser.open(HearingContext(dialect=dialect))
        stream.push(AudioFrame(bytes(320), 0))
        assert (await stream.finish()).engine == name


async def test_behind_the_engine_for_a_dialect_come_the_usual_ones() -> None:
    failing = FakeRecogniser(name="better", error=RecognitionError("gone", code="gone"))
    recogniser = FallbackRecogniser([FakeRecogniser("电梯", name="usual")], 1000, {"cantonese": [failing]})
    await recogniser.start()
    stream = recogniser.open(HearingContext(dialect="cantonese"))
    stream.push(AudioFrame(bytes(320), 0))
    assert (await stream.finish()).engine == "usual"
