import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from asr.settings import AsrSettings
from asr.streaming import HearingStream, StreamingRecogniser, agreed, quietest_place
from tests.fakes.recogniser import FakeSpeechModel, ShoutingCorrector
from tests.support.caller_audio import framed
from voicebot.core.errors import OverloadError, RecognitionError
from voicebot.core.speech import HearingContext, Transcript

SETTINGS = AsrSettings(workers=1, queue_size=2, partial_interval_ms=1000, long_turn_s=10)


def sound(seconds: float, level: int = 3000) -> bytes:
    return np.full(round(seconds * 8000), level, "<i2").tobytes()


def say(stream: HearingStream, seconds: float, level: int = 3000) -> None:
    for frame in framed(sound(seconds, level)):
        stream.push(frame)


@pytest.fixture
def model() -> FakeSpeechModel:
    return FakeSpeechModel()


@pytest.fixture
async def recogniser(model: FakeSpeechModel) -> AsyncIterator[StreamingRecogniser]:
    made = StreamingRecogniser(model, SETTINGS)
    await made.start()
    yield made
    model.let_go()
    await made.stop()


async def began(model: FakeSpeechModel) -> None:
    assert await asyncio.to_thread(model.began.acquire, timeout=10)


async def heard_so_far(stream: HearingStream) -> Transcript:
    for _ in range(100):
        if (partial := stream.partial()) is not None:
            return partial
        await asyncio.sleep(0.01)
    raise AssertionError("nothing was heard")


async def test_the_final_text_covers_the_whole_turn(recogniser: StreamingRecogniser) -> None:
    stream = recogniser.open(HearingContext())
    say(stream, 3.0)
    assert (await stream.finish()).text == "3.0s"


async def test_silence_behind_a_speculation_does_not_start_another_pass(
    recogniser: StreamingRecogniser, model: FakeSpeechModel
) -> None:
    stream = recogniser.open(HearingContext())
    say(stream, 0.8)
    stream.speculate()
    say(stream, 0.5, level=0)
    assert (await stream.finish()).text == "0.8s"
    assert len(model.stretches) == 1


async def test_a_pause_is_judged_by_how_the_voice_ended(recogniser: StreamingRecogniser) -> None:
    stream = recogniser.open(HearingContext())
    for frame in framed(sound(0.8) + sound(0.1, level=0)):
        stream.push(frame)
    stream.speculate(speech_end=6400)
    assert (await stream.finish()).ending == pytest.approx(0.1)  # the fake says how much silence it was told of


async def test_a_turn_that_was_never_paused_has_no_judgement(recogniser: StreamingRecogniser) -> None:
    stream = recogniser.open(HearingContext())
    say(stream, 0.8)
    assert (await stream.finish()).ending is None


async def test_what_began_early_is_kept_when_the_pause_is_certain(
    recogniser: StreamingRecogniser, model: FakeSpeechModel
) -> None:
    stream = recogniser.open(HearingContext())
    say(stream, 0.8)
    stream.speculate(speech_end=6000, early=True)
    say(stream, 0.1, level=0)
    stream.speculate(speech_end=6400)
    assert (await stream.finish()).text == "0.8s"
    assert len(model.stretches) == 1


async def test_a_voice_that_went_on_softly_is_heard_again(recogniser: StreamingRecogniser) -> None:
    stream = recogniser.open(HearingContext())
    say(stream, 0.8)
    stream.speculate(speech_end=6000, early=True)
    say(stream, 0.4)
    stream.speculate(speech_end=9000)
    assert (await stream.finish()).text == "1.2s"


async def test_early_passes_run_only_while_nothing_else_does(
    recogniser: StreamingRecogniser, model: FakeSpeechModel
) -> None:
    model.hold()
    other = recogniser.open(HearingContext())
    say(other, 0.5)
    other.speculate()
    await began(model)
    stream = recogniser.open(HearingContext())
    say(stream, 0.8)
    stream.speculate(speech_end=6000, early=True)
    model.let_go()
    await other.finish()
    assert len(model.stretches) == 1


async def test_a_text_says_how_far_it_was_heard(recogniser: StreamingRecogniser) -> None:
    stream = recogniser.open(HearingContext())
    say(stream, 0.8)
    stream.speculate(speech_end=6000, early=True)
    say(stream, 0.1, level=0)
    partial = await heard_so_far(stream)
    assert partial.end == 6400
    stream.resume()
    assert (resumed := stream.partial()) is not None
    assert resumed.end == 6400


async def test_speech_after_a_pause_is_heard_in_a_new_pass(recogniser: StreamingRecogniser) -> None:
    stream = recogniser.open(HearingContext())
    say(stream, 0.4)
    stream.speculate()
    stream.resume()
    say(stream, 0.4)
    assert (await stream.finish()).text == "0.8s"


async def test_a_finished_speculation_is_the_newest_partial_text(
    recogniser: StreamingRecogniser, model: FakeSpeechModel
) -> None:
    stream = recogniser.open(HearingContext())
    say(stream, 0.8)
    assert stream.partial() is None
    stream.speculate()
    await began(model)
    partial = await heard_so_far(stream)
    assert (partial.text, partial.final) == ("0.8s", False)


async def test_partial_passes_run_only_while_nobody_waits(
    recogniser: StreamingRecogniser, model: FakeSpeechModel
) -> None:
    model.hold()
    other = recogniser.open(HearingContext())
    say(other, 0.5)
    other.speculate()
    await began(model)
    stream = recogniser.open(HearingContext())
    say(stream, 4.0)
    model.let_go()
    assert (await stream.finish()).text == "4.0s"
    assert not any(stretch.quick for stretch in model.stretches)


async def test_partial_text_is_stable_where_two_passes_agree(
    recogniser: StreamingRecogniser, model: FakeSpeechModel
) -> None:
    stream = recogniser.open(HearingContext())
    for _ in range(2):
        say(stream, 1.0)
        await began(model)
        await asyncio.sleep(0.05)
    partial = stream.partial()
    assert partial is not None
    assert all(stretch.quick for stretch in model.stretches)
    assert partial.raw_text == "2.0s"
    assert partial.text == agreed("1.0s", "2.0s") == ""


async def test_a_long_turn_is_cut_and_nothing_of_it_is_lost(
    recogniser: StreamingRecogniser, model: FakeSpeechModel
) -> None:
    stream = recogniser.open(HearingContext())
    say(stream, 5.0)
    say(stream, 0.4, level=3)
    say(stream, 8.0)
    heard = await stream.finish()
    final = [stretch for stretch in model.stretches if not stretch.quick]
    assert 5.0 <= final[0].duration_s <= 5.4
    assert sum(stretch.duration_s for stretch in final) == pytest.approx(13.4)
    assert heard.text == "".join(f"{stretch.duration_s:.1f}s" for stretch in final)
    assert len(heard.confidence) == len(heard.raw_text)


async def test_the_text_before_a_cut_is_the_context_of_what_follows(
    recogniser: StreamingRecogniser, model: FakeSpeechModel
) -> None:
    stream = recogniser.open(HearingContext(previous="前文"))
    say(stream, 10.2)
    await began(model)
    for _ in range(100):
        if any(not stretch.quick for stretch in model.stretches):
            break
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    await stream.finish()
    last = model.stretches[-1].context.previous
    assert last.startswith("前文")
    assert last.endswith("s")


async def test_a_full_queue_is_an_overload_and_says_so(recogniser: StreamingRecogniser, model: FakeSpeechModel) -> None:
    model.hold()
    streams = [recogniser.open(HearingContext()) for _ in range(4)]
    for number, stream in enumerate(streams[:3]):
        say(stream, 0.5)
        stream.speculate()
        if number == 0:
            await began(model)
    say(streams[3], 0.5)
    streams[3].speculate()  # no room: not an error, there is time until the turn is over
    with pytest.raises(OverloadError):
        await streams[3].finish()
    model.let_go()
    assert [(await stream.finish()).text for stream in streams[:3]] == ["0.5s"] * 3


@pytest.mark.parametrize("failure", [RecognitionError("broken", code="model_failed"), IndexError("list index")])
async def test_a_failing_model_is_an_error_of_the_turn_not_of_the_next(
    failure: Exception, recogniser: StreamingRecogniser, model: FakeSpeechModel
) -> None:
    model.fail_with = failure
    stream = recogniser.open(HearingContext())
    say(stream, 0.5)
    with pytest.raises(RecognitionError):
        await stream.finish()
    model.fail_with = None
    stream = recogniser.open(HearingContext())
    say(stream, 0.5)
    assert (await stream.finish()).text == "0.5s"


async def test_correction_keeps_the_engines_own_text() -> None:
    corrector = ShoutingCorrector()
    recogniser = StreamingRecogniser(FakeSpeechModel(), SETTINGS, corrector)
    await recogniser.start()
    stream = recogniser.open(HearingContext(dialect="henan"))
    say(stream, 0.5)
    heard = await stream.finish()
    await recogniser.stop()
    assert (heard.text, heard.raw_text) == ("0.5S", "0.5s")
    assert corrector.asked[0][1].dialect == "henan"


async def test_a_recording_of_any_length_is_heard_to_its_end(recogniser: StreamingRecogniser) -> None:
    samples = np.full(16000 * 23, 0.1, np.float32)
    heard = await recogniser.transcribe(samples, 16000, HearingContext())
    lengths = [float(part) for part in heard.text.split("s")[:-1]]
    assert sum(lengths) == pytest.approx(23, abs=0.2)
    assert max(lengths) <= 10
    assert heard.end == 8000 * 23


def test_a_cut_falls_into_the_quietest_place() -> None:
    samples = np.full(8000 * 12, 0.2, np.float32)
    samples[8000 * 7 : 8000 * 7 + 1600] = 0
    assert quietest_place(samples, 8000, 10) == 8000 * 7 + 800


def test_a_short_turn_is_not_cut() -> None:
    assert quietest_place(np.ones(8000, np.float32), 8000, 10) == 8000


def test_agreement_ends_at_the_first_difference() -> None:
    assert agreed("路灯坏了", "路灯坏啦三天") == "路灯坏"
