"""The transport between a fake line or a `WavLine` and a small pipeline, in virtual time."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import numpy as np
from pipecat.frames.frames import (
    EndFrame,
    Frame,
    InputDTMFFrame,
    InterruptionFrame,
    OutputAudioRawFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.workers.runner import WorkerRunner

from telephony.transport import LineTransport
from telephony.wav.line import WavLine
from tests.fakes.clock import FakeClock
from tests.fakes.line import FakeLine
from voicebot.audio.tones import tone
from voicebot.core.call import CallEnd
from voicebot.core.frames import FRAME_BYTES, FRAME_SAMPLES, SAMPLE_RATE_HZ, AudioFrame
from voicebot.core.ports import Line
from voicebot.evaluation.virtual_time import run_in_virtual_time


class Bot(FrameProcessor):
    """Keeps what it hears; speaks and interrupts when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[AudioFrame] = []
        self.keys: list[str] = []
        self.ended = False
        self.stumbles_at: set[int] = set()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, InputDTMFFrame):
            self.keys.append(frame.button.value)
        else:
            self.ended = self.ended or isinstance(frame, EndFrame)
            await self.push_frame(frame, direction)

    async def hear(self, audio: AudioFrame) -> None:
        self.heard.append(audio)
        if audio.position in self.stumbles_at:
            raise ValueError("a broken frame")

    async def speak(self, pcm: bytes) -> None:
        for at in range(0, len(pcm), FRAME_BYTES):
            frame = OutputAudioRawFrame(pcm[at : at + FRAME_BYTES], sample_rate=SAMPLE_RATE_HZ, num_channels=1)
            await self.push_frame(frame)


class Call:
    """A running pipeline over a line."""

    def __init__(self, line: Line):
        self.bot = Bot()
        self.ends: list[CallEnd] = []
        self.transport = LineTransport(line, self.bot.hear)
        self.transport.add_event_handler("on_line_ended", self._on_line_ended)
        self.worker = PipelineWorker(
            Pipeline([self.transport.input(), self.bot, self.transport.output()]),
            params=PipelineParams(audio_in_sample_rate=SAMPLE_RATE_HZ, audio_out_sample_rate=SAMPLE_RATE_HZ),
            idle_timeout_secs=None,
            enable_turn_tracking=False,
            enable_rtvi=False,
        )

    async def _on_line_ended(self, transport: LineTransport, end: CallEnd) -> None:
        self.ends.append(end)

    async def __aenter__(self) -> "Call":
        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(self.worker)
        self.running = asyncio.create_task(runner.run())
        await asyncio.sleep(0.1)
        return self

    async def __aexit__(self, *_: object) -> None:
        if not self.running.done():
            await self.worker.cancel()
        await self.over()

    async def over(self) -> None:
        async with asyncio.timeout(10):
            await self.running


def in_virtual_time(main: Coroutine[Any, Any, None]) -> None:
    run_in_virtual_time(main)


def test_the_caller_s_audio_arrives_with_its_position():
    async def main() -> None:
        line = FakeLine()
        async with Call(line) as call:
            speech = tone((440,), 100)
            line.feed(speech)
            await asyncio.sleep(0.1)
            assert b"".join(frame.pcm for frame in call.bot.heard) == speech
            assert [frame.position for frame in call.bot.heard] == [n * FRAME_SAMPLES for n in range(5)]

    in_virtual_time(main())


def test_a_frame_that_cannot_be_heard_does_not_end_the_hearing():
    async def main() -> None:
        line = FakeLine()
        async with Call(line) as call:
            call.bot.stumbles_at = {FRAME_SAMPLES}
            line.feed(tone((440,), 100))
            await asyncio.sleep(0.1)
            assert [frame.position for frame in call.bot.heard] == [n * FRAME_SAMPLES for n in range(5)]
            assert line.end is None

    in_virtual_time(main())


def test_keys_arrive_and_those_no_telephone_has_are_left_out():
    async def main() -> None:
        line = FakeLine()
        async with Call(line) as call:
            line.press("1A#*")
            await asyncio.sleep(0.1)
            assert call.bot.keys == ["1", "#", "*"]

    in_virtual_time(main())


def test_the_line_paces_the_bot():
    async def main() -> None:
        line = FakeLine(send_buffer_ms=160)
        async with Call(line) as call:
            await call.bot.speak(tone((440,), 1000))
            await asyncio.sleep(1)
            assert line.played().written == 9 * FRAME_SAMPLES  # 160 ms in the line and one frame at its door
            line.send(100)
            await asyncio.sleep(0.1)
            assert line.played().written == 14 * FRAME_SAMPLES

    in_virtual_time(main())


def test_nothing_of_what_the_bot_says_is_lost():
    async def main() -> None:
        line = WavLine(FakeClock(), noise_rms=0)
        speech = tone((440,), 1500)
        async with Call(line) as call:
            await line.caller.connect()
            await call.bot.speak(speech)
            await asyncio.sleep(2)
            sent = line.caller.received()
            spoken = np.frombuffer(speech, "<i2")
            start = int(np.flatnonzero(sent)[0]) // FRAME_SAMPLES * FRAME_SAMPLES
            np.testing.assert_array_equal(sent[start : start + len(spoken)], spoken)
            assert line.played().heard == line.played().written == len(spoken)

    in_virtual_time(main())


def test_an_interruption_silences_the_wire_and_the_counts_tell_what_was_heard():
    async def main() -> None:
        line = WavLine(FakeClock(), noise_rms=0)
        async with Call(line) as call:
            await line.caller.connect()
            await call.bot.speak(tone((440,), 5000))
            await asyncio.sleep(1.0)
            at = line.position
            await call.bot.push_frame(InterruptionFrame())
            await asyncio.sleep(0)
            await asyncio.sleep(1.0)
            last_loud = int(np.flatnonzero(line.caller.received())[-1])
            assert last_loud < at + 2 * FRAME_SAMPLES  # 40 ms
            played = line.played()
            assert played.heard == int(np.count_nonzero(np.any(line.caller.received().reshape(-1, 160), axis=1))) * 160
            assert played.written == played.heard + played.flushed
            assert played.flushed > 0

    in_virtual_time(main())


def test_what_is_said_after_an_interruption_is_heard_from_its_first_sample():
    async def main() -> None:
        line = WavLine(FakeClock(), noise_rms=0)
        reply = tone((1000,), 300)
        async with Call(line) as call:
            await line.caller.connect()
            await call.bot.speak(tone((440,), 5000))
            await asyncio.sleep(0.5)
            await call.bot.push_frame(InterruptionFrame())
            await asyncio.sleep(0.2)
            at = line.position
            await call.bot.speak(reply)
            await asyncio.sleep(0.5)
            sent = line.caller.received()[at:]
            start = int(np.flatnonzero(sent)[0]) // FRAME_SAMPLES * FRAME_SAMPLES
            np.testing.assert_array_equal(sent[start : start + len(reply) // 2], np.frombuffer(reply, "<i2"))

    in_virtual_time(main())


def test_the_end_of_the_dialog_lets_the_last_word_out_and_hangs_up():
    async def main() -> None:
        line = WavLine(FakeClock(), noise_rms=0)
        async with Call(line) as call:
            await line.caller.connect()
            speech = tone((440,), 800)
            await call.bot.speak(speech)
            await call.worker.queue_frame(EndFrame())
            await call.over()
            assert line.end is CallEnd.BOT_HUNG_UP
            assert line.played().heard == len(speech) // 2

    in_virtual_time(main())


def test_a_caller_who_hangs_up_ends_the_pipeline_in_order():
    async def main() -> None:
        line = WavLine(FakeClock())
        async with Call(line) as call:
            await line.caller.connect()
            await call.bot.speak(tone((440,), 60_000))
            await asyncio.sleep(0.5)
            begun = asyncio.get_running_loop().time()
            await line.caller.hang_up()
            await call.over()
            assert asyncio.get_running_loop().time() - begun < 1
            assert call.bot.ended
            assert call.ends == [CallEnd.CALLER_HUNG_UP]
            played = line.played()
            assert played.written == played.heard + played.flushed

    in_virtual_time(main())


def test_cancelling_the_pipeline_hangs_up_at_once_and_leaves_no_task():
    async def main() -> None:
        line = FakeLine()
        async with Call(line) as call:
            await call.bot.speak(tone((440,), 10_000))
            await asyncio.sleep(0.1)
            await call.worker.cancel()
            await call.over()
        assert line.end is CallEnd.BOT_HUNG_UP
        await asyncio.sleep(0.1)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    in_virtual_time(main())


def test_a_dead_line_does_not_hold_the_end_of_the_call():
    async def main() -> None:
        line = FakeLine()  # nothing ever leaves its buffer
        async with Call(line) as call:
            await call.bot.speak(tone((440,), 100))
            await asyncio.sleep(0.1)
            await call.worker.queue_frame(EndFrame())
            await call.over()
            assert line.end is CallEnd.BOT_HUNG_UP

    in_virtual_time(main())
