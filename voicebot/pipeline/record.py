"""The record of one call, written while it goes on, without ever making the caller wait."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from voicebot.core.call import CallEnd, CallStart
from voicebot.core.errors import HotlineError
from voicebot.core.ports import CallStore, QuestionLog
from voicebot.core.speech import Transcript
from voicebot.core.ticket import TicketDraft
from voicebot.core.turn import Speaker, Turn
from voicebot.pipeline.observer import Observer

log = structlog.get_logger(__name__)

_RETRIES_S = (0.2, 1.0, 3.0)  # a database that is gone for longer loses this write; the recording still has it


class CallRecord:
    """Turns, events and drafts of one call, in order, through one writer task."""

    def __init__(self, store: CallStore, questions: QuestionLog, start: CallStart, observer: Observer):
        self._store = store
        self._questions = questions
        self._start = start
        self._observer = observer
        # Some 20 writes a minute: 200 are many minutes of a dead database. When full, the newest is counted and lost.
        self._writes: asyncio.Queue[Callable[[], Awaitable[None]]] = asyncio.Queue(maxsize=200)
        self._writer: asyncio.Task[None] | None = None
        self._draft: TicketDraft | None = None
        self.turns: list[Turn] = []

    async def begin(self) -> None:
        """Start writing; the call itself is the first thing written."""
        self._put(lambda: self._store.begin(self._start))
        self._writer = asyncio.create_task(self._write(), name=f"record-{self._start.call_id}")

    def caller(self, heard: Transcript, start_ms: float, end_ms: float) -> None:
        """The caller said something."""
        self._add(
            Speaker.CALLER,
            heard.text,
            heard.raw_text,
            start_ms,
            end_ms,
            confidence=heard.mean_confidence,
            language=heard.language,
            corrections=heard.corrections,
        )

    def bot(self, heard: str, meant: str, start_ms: float, end_ms: float, source: str | None) -> None:
        """The bot said something; ``heard`` is what reached the caller."""
        self._add(Speaker.BOT, heard, meant, start_ms, end_ms, source=source)

    def note(self, kind: str, **detail: object) -> None:
        """Append an event to the call's log."""
        self._put(lambda: self._store.note(self._start.call_id, kind, detail))

    def draft(self, draft: TicketDraft | None) -> None:
        """Keep the newest draft of the ticket, when it changed."""
        if draft is not None and draft != self._draft:
            self._draft = draft
            self._put(lambda: self._store.save_draft(self._start.call_id, draft))

    def unanswered(self, question: str, nearest_article: str, score: float) -> None:
        """The knowledge base had no sure answer."""
        start = self._start
        self._put(
            lambda: self._questions.add(
                start.tenant, start.call_id, question, nearest_article=nearest_article, score=score
            )
        )

    async def finish(self, end: CallEnd, latency_ms: dict[int, dict[str, float]]) -> None:
        """The call is over: write what waits, then the end; returns when all is durable or given up."""
        self._put(lambda: self._store.finish(self._start.call_id, end, latency_ms))
        try:
            await self._writes.join()
        finally:  # also when there is no more time to wait
            if self._writer:
                self._writer.cancel()
                await asyncio.gather(self._writer, return_exceptions=True)

    def _add(self, speaker: Speaker, text: str, raw_text: str, start_ms: float, end_ms: float, **more: object) -> None:
        turn = Turn(len(self.turns), speaker, text, raw_text, round(start_ms, 1), round(end_ms, 1), **more)  # type: ignore[arg-type]
        self.turns.append(turn)
        self._put(lambda: self._store.add_turn(self._start.call_id, turn))

    def _put(self, write: Callable[[], Awaitable[None]]) -> None:
        try:
            self._writes.put_nowait(write)
        except asyncio.QueueFull:
            self._observer.fault("record", "record_full")
            log.error("record_full", call=self._start.call_id)

    async def _write(self) -> None:
        while True:
            write = await self._writes.get()
            try:
                await self._insist(write)
            finally:
                self._writes.task_done()

    async def _insist(self, write: Callable[[], Awaitable[None]]) -> None:
        for wait_s in (*_RETRIES_S, None):
            try:
                await write()
            except HotlineError as error:
                self._observer.fault("record", error.code)
                log.error("record_write_failed", call=self._start.call_id, code=error.code, again=wait_s is not None)
                if wait_s is None or not error.retryable:
                    return
                await asyncio.sleep(wait_s)
            else:
                return
