"""One call from answer to end: builds the stages, runs them, and leaves nothing running."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

import structlog
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.transports.base_transport import BaseTransport
from pipecat.workers.runner import WorkerRunner

from voicebot.core.call import CallEnd, CallStart
from voicebot.core.frames import SAMPLE_RATE_HZ, AudioFrame
from voicebot.core.ports import (
    AgentQueue,
    CallStore,
    Clock,
    Dialog,
    Ear,
    Endpointer,
    Line,
    QuestionLog,
    Synthesiser,
    TicketStore,
    VoiceDetector,
)
from voicebot.core.timeline import Timeline
from voicebot.pipeline.digits import DigitCollector
from voicebot.pipeline.handoff import Takers, Transferring, TransferTargets
from voicebot.pipeline.hearing import Hearing
from voicebot.pipeline.held import HeldCall, HeldCalls
from voicebot.pipeline.listening import ListeningPosts
from voicebot.pipeline.observer import Observer
from voicebot.pipeline.phone import Phone, Phones
from voicebot.pipeline.record import CallRecord
from voicebot.pipeline.recording import RecordedLine, Recorder, Recorders
from voicebot.pipeline.speaking import Speaking
from voicebot.pipeline.state import CallState, CallTime
from voicebot.pipeline.thinking import Thinking
from voicebot.turns.barge_in import BargeIn
from voicebot.turns.silence import SilenceTimer

log = structlog.get_logger(__name__)

_CLOSING_S = 10.0  # to write the record and take the stages down after the call; then they are cancelled


@dataclass(frozen=True, slots=True)
class Parts:
    """What every call of a service needs. The factories give each call its own state."""

    ear: Callable[[], Ear]
    synthesiser: Synthesiser
    calls: CallStore
    tickets: TicketStore
    questions: QuestionLog
    queue: AgentQueue
    targets: TransferTargets
    observer: Observer
    clock: Clock
    dialog: Callable[[CallStart], Dialog]
    detector: Callable[[], VoiceDetector]
    endpointer: Callable[[], Endpointer]
    barge_in: Callable[[], BargeIn]
    silence: Callable[[], SilenceTimer]
    recorder: Callable[[CallStart], Recorder | None]
    transport: Callable[[Line, Callable[[AudioFrame], Awaitable[None]]], BaseTransport]  # a line, and who hears it
    fault_text: Callable[[str], str]
    patience_text: Callable[[str], str]
    max_call_s: float
    queue_news_s: float = 20.0
    hold_music: bytes = b""
    takers: Takers | None = None
    phones: Phones | None = None
    listening: ListeningPosts = field(default_factory=ListeningPosts)
    held: HeldCalls = field(default_factory=HeldCalls)
    hearing: Callable[[str, str], None] | None = None  # a call and what its turn in progress sounds like so far


class CallSession:
    """A corridor with doors: it moves things between ports and decides nothing."""

    def __init__(self, parts: Parts, line: Line):
        self._parts = parts
        self._start = line.start
        self._state = CallState()
        recorder = parts.recorder(line.start)
        post = parts.listening.open(line.start.call_id, self._state)
        self._recorder = Recorders(recorder, post) if recorder else post
        self._line: Line = RecordedLine(line, self._recorder, lambda: self._state.secret)
        self.timeline = Timeline()

    async def run(self) -> CallEnd:
        """Serve the call until it is over; returns why. Cancelling it hangs up."""
        parts, start = self._parts, self._start
        began = parts.clock.monotonic()
        parts.observer.call_started(start.channel.value)
        log.info("call_answered", call=start.call_id, channel=start.channel.value)
        record = CallRecord(parts.calls, parts.questions, start, parts.observer)
        await record.begin()
        transferring = Transferring(
            start, self._line, parts.queue, parts.targets, parts.observer, parts.takers, parts.phones
        )
        end = CallEnd.ERROR
        try:
            end = await self._serve(record, transferring)
        finally:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CLOSING_S):
                    await self._close(record, transferring, end)
            duration_s = parts.clock.monotonic() - began
            parts.observer.call_ended(end.value, duration_s)
            log.info("call_ended", call=start.call_id, end=end.value, duration_s=round(duration_s, 1))
        return end

    async def _serve(self, record: CallRecord, transferring: Transferring) -> CallEnd:
        parts = self._parts
        state, call_time = self._state, CallTime()
        if parts.hearing is not None:
            state.hearing = partial(parts.hearing, self._start.call_id)
        hearing = Hearing(
            parts.detector(),
            parts.endpointer(),
            parts.barge_in(),
            parts.silence(),
            parts.ear(),
            DigitCollector(),
            state,
            self.timeline,
            call_time,
        )
        thinking = Thinking(
            self._start,
            parts.dialog(self._start),
            parts.tickets,
            transferring,
            record,
            state,
            self.timeline,
            call_time,
            parts.observer,
            parts.fault_text,
            parts.queue_news_s,
            lambda agent, phone: self._hold(agent, phone, record, call_time),
        )
        speaking = Speaking(
            self._line,
            parts.synthesiser,
            state,
            self.timeline,
            call_time,
            parts.observer,
            parts.patience_text,
            parts.hold_music,
        )
        transport = parts.transport(self._line, hearing.hear)
        worker = PipelineWorker(
            Pipeline([transport.input(), hearing, thinking, speaking, transport.output()]),
            params=PipelineParams(audio_in_sample_rate=SAMPLE_RATE_HZ, audio_out_sample_rate=SAMPLE_RATE_HZ),
            idle_timeout_secs=None,  # silence is the dialog's affair, the end of the line the transport's
            enable_turn_tracking=False,
            enable_rtvi=False,
            check_dangling_tasks=False,
        )
        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(worker)
        running = asyncio.create_task(runner.run(), name=f"call-{self._start.call_id}")
        try:
            await thinking.greet()
            async with asyncio.timeout(parts.max_call_s):
                await asyncio.shield(running)
        except TimeoutError:
            record.note("hang_up", reason="max_duration")
            return CallEnd.MAX_DURATION
        except asyncio.CancelledError:
            record.note("hang_up", reason="shutdown")
            return CallEnd.SHUTDOWN
        finally:
            await speaking.finish()
            await self._line.hang_up()
            if not running.done():
                await worker.cancel()
                await asyncio.wait([running], timeout=_CLOSING_S)
        return CallEnd.HANDED_OFF if transferring.transferred else (self._line.end or CallEnd.ERROR)

    def _hold(
        self, agent: str, phone: Phone, record: CallRecord, call_time: CallTime
    ) -> contextlib.AbstractContextManager[HeldCall]:
        parts = self._parts
        return parts.held.holding(
            HeldCall(
                agent,
                self._line,
                phone,
                self._state,
                parts.held.exchange,
                parts.synthesiser,
                record,
                call_time,
                parts.observer,
                parts.phones,
            )
        )

    async def _close(self, record: CallRecord, transferring: Transferring, end: CallEnd) -> None:
        await transferring.call_over()
        latency_ms = {turn: self.timeline.latency_ms(turn) for turn in self.timeline.turns}
        for latencies in latency_ms.values():
            for stage, milliseconds in latencies.items():
                self._parts.observer.reply(stage, milliseconds)
        self._parts.listening.close(self._start.call_id)
        await self._recorder.close()
        await record.finish(end, latency_ms)
