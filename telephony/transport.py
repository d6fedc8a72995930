"""A pipecat transport over any `Line`: the one place where the telephone meets the pipeline."""

import asyncio
from collections.abc import Awaitable, Callable

from pipecat.audio.dtmf.types import KeypadEntry
from pipecat.frames.frames import (
    CancelFrame,
    ControlFrame,
    EndFrame,
    EndWorkerFrame,
    Frame,
    InputDTMFFrame,
    InterruptionFrame,
    OutputAudioRawFrame,
    StartFrame,
)
from pipecat.processors.frame_processor import FrameDirection
from pipecat.transports.base_input import BaseInputTransport
from pipecat.transports.base_output import BaseOutputTransport
from pipecat.transports.base_transport import BaseTransport, TransportParams

from voicebot.core.frames import SAMPLE_RATE_HZ, AudioFrame
from voicebot.core.ports import Line

Hear = Callable[[AudioFrame], Awaitable[None]]

_TICK_S = 0.01
_DRAIN_TICKS = 200  # the longest that the line's own buffer may take to empty after the last word: 2 s
_KEYS = {key.value for key in KeypadEntry}


class LineInput(BaseInputTransport):
    """The caller's audio and digits. Digits go down the pipeline; audio goes straight to whoever hears it.

    Fifty times a second and call, a frame of the pipeline's with its queue, its timer and its tasks cost more than all
    that is done with the audio.
    """

    def __init__(self, transport: "LineTransport", line: Line, hear: Hear, params: TransportParams):
        super().__init__(params)
        self._transport = transport
        self._line = line
        self._hear = hear
        self._readers: list[asyncio.Task[None]] = []

    async def start(self, frame: StartFrame) -> None:
        """Begin to read the line."""
        await super().start(frame)
        if not self._readers:
            await self.set_transport_ready(frame)
            self._readers = [
                self.create_task(self._read_audio(), "line-audio"),
                self.create_task(self._read_digits(), "line-digits"),
            ]

    async def stop(self, frame: EndFrame) -> None:
        """The pipeline ends: stop reading."""
        await super().stop(frame)
        await self._stop_reading()

    async def cancel(self, frame: CancelFrame) -> None:
        """The pipeline is cancelled: stop reading."""
        await super().cancel(frame)
        await self._stop_reading()

    async def cleanup(self) -> None:
        """Nothing of the call outlives its pipeline."""
        await super().cleanup()
        await self._stop_reading()

    async def _stop_reading(self) -> None:
        readers, self._readers = self._readers, []
        for reader in readers:
            await self.cancel_task(reader)

    async def _read_audio(self) -> None:
        async for audio in self._line.frames():
            try:
                await self._hear(audio)
            except Exception as error:  # as everywhere in the pipeline: what one frame broke does not end the call
                await self.push_error(f"Error hearing the caller: {error}", exception=error)
        end = self._line.end
        await self._transport.line_ended()
        await self.push_frame(EndWorkerFrame(reason=end.value if end else None), FrameDirection.UPSTREAM)

    async def _read_digits(self) -> None:
        async for digit in self._line.digits():
            if digit in _KEYS:  # A to D exist on no telephone that pipecat knows
                await self.push_frame(InputDTMFFrame(button=KeypadEntry(digit)))


class LineOutput(BaseOutputTransport):
    """The bot's audio. `Line.play` waits while the line's buffer is full, which is what paces the pipeline."""

    def __init__(self, line: Line, params: TransportParams):
        super().__init__(params, enable_direct_mode=True)  # audio waits in one queue, not in three
        self._line = line
        self._started = False
        self._oldest_wanted_id = 0

    async def start(self, frame: StartFrame) -> None:
        """Begin to send."""
        await super().start(frame)
        if not self._started:
            self._started = True
            await self.set_transport_ready(frame)

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        """Hand 20 ms to the line unless the call is over or an interruption overtook the frame.

        Always False, which keeps the frame from going on down the pipeline: the voice ends here.
        """
        overtaken = frame.interruptible and frame.id < self._oldest_wanted_id
        if self._line.end is None and not overtaken:
            await self._line.play(frame.audio)
        return False

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """On an interruption, throw away what waits here, then what waits in the line."""
        await super().process_frame(frame, direction)
        if isinstance(frame, InterruptionFrame):
            # The sender may hold one chunk between its queue and the line; ids only grow, so it is known by its id.
            self._oldest_wanted_id = ControlFrame().id
            self._line.flush()

    async def stop(self, frame: EndFrame) -> None:
        """Send what is queued to the last sample, then hang up."""
        await super().stop(frame)
        for _ in range(_DRAIN_TICKS):  # a held or dead line does not empty; the call ends all the same
            if self._line.end is not None or not _waiting(self._line):
                break
            await asyncio.sleep(_TICK_S)
        await self._line.hang_up()

    async def cancel(self, frame: CancelFrame) -> None:
        """Hang up now."""
        await super().cancel(frame)
        await self._line.hang_up()


class LineTransport(BaseTransport):
    """Both directions of one call.

    When the line ends, the event ``on_line_ended(transport, end)`` is raised and the worker is asked to end, so
    that an ``EndFrame`` runs through every stage. When the pipeline ends, the call is hung up: after the last word
    on ``EndFrame``, at once on ``CancelFrame``.
    """

    def __init__(self, line: Line, hear: Hear, *, max_hold_s: float = 3600.0):
        """``hear`` takes the caller's audio, 20 ms at a time, from the start of the pipeline on.

        ``max_hold_s``: how long a caller may put us on hold (nothing leaves then) before output is given up.
        """
        super().__init__()
        self._line = line
        params = TransportParams(
            audio_out_enabled=True,
            audio_out_sample_rate=SAMPLE_RATE_HZ,
            audio_out_10ms_chunks=2,
            audio_out_end_silence_secs=0,
            audio_out_write_timeout_secs=max_hold_s,
        )
        self._input = LineInput(self, line, hear, params)
        self._output = LineOutput(line, params)
        self._register_event_handler("on_line_ended")

    def input(self) -> LineInput:
        """The first stage of the pipeline."""
        return self._input

    def output(self) -> LineOutput:
        """The last stage: no audio leaves it but through the line."""
        return self._output

    async def line_ended(self) -> None:
        """Tell the listeners of ``on_line_ended``; called once by the input."""
        await self._call_event_handler("on_line_ended", self._line.end)


def _waiting(line: Line) -> int:
    played = line.played()
    return played.written - played.heard - played.flushed
