"""Everything that calls share: started once, then serving call after call."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from asr.fallback import FallbackRecogniser
from asr.streaming import StreamingRecogniser
from dialog.city.nouns import City
from telephony.sip.server import SipLineServer
from telephony.webrtc.line import WebRtcLine
from voicebot.app.captions import CaptionedCallStore
from voicebot.app.conversations import Conversations
from voicebot.app.phones import DeskPhones
from voicebot.core.errors import HotlineError
from voicebot.core.ports import CallStore, Clock, Line, Recogniser
from voicebot.core.speech import Expect
from voicebot.desk.agent_queue import SqlAgentQueue
from voicebot.language.spoken_numbers import find_phone
from voicebot.models import ModelStore
from voicebot.pipeline.observer import Observer
from voicebot.pipeline.session import CallSession, Parts
from voicebot.pipeline.turn_away import TurnedAway
from voicebot.settings import Settings
from voicebot.storage.calls import SqlCallStore
from voicebot.storage.changes import Changes
from voicebot.storage.database import Database
from voicebot.storage.recordings import Recordings
from voicebot.storage.tickets import SqlTicketStore
from voicebot.tts.cached import CachedSynthesiser

log = structlog.get_logger(__name__)

Progress = Callable[[str], None]

_IDLE_LOOK_S = 1.0


@dataclass(slots=True)
class House:
    """Everything that calls share, built and not yet started."""

    settings: Settings
    clock: Clock
    city: City
    models: ModelStore
    database: Database
    recogniser: Recogniser
    synthesiser: CachedSynthesiser
    conversations: Conversations
    calls: SqlCallStore
    queue: SqlAgentQueue
    recordings: Recordings
    observer: Observer
    parts: Parts
    changes: Changes
    tickets: SqlTicketStore
    sip: SipLineServer
    phones: DeskPhones | None = None
    sessions: set[asyncio.Task[object]] = field(default_factory=set)
    announcements: set[asyncio.Task[object]] = field(default_factory=set)  # the sessions that are no conversations
    opened: bool = False

    @property
    def local_engines(self) -> tuple[StreamingRecogniser, ...]:
        """The engines that recognise on this machine."""
        engines = self.recogniser.engines if isinstance(self.recogniser, FallbackRecogniser) else (self.recogniser,)
        return tuple(engine for engine in engines if isinstance(engine, StreamingRecogniser))

    async def start(self, say: Progress) -> None:
        """Database first, then the models side by side; ``say`` is told what is being done, in Chinese."""
        began = time.monotonic()
        await asyncio.to_thread(self.database.upgrade)
        self.opened = True
        cut_off = await self.calls.mark_cut_off()
        mended = await self.recordings.repair()
        if cut_off:
            say(f"上次有 {cut_off} 通电话被意外中断，已标记；修复录音 {mended} 份。")
        say("正在装入模型……")
        await asyncio.gather(
            self.recogniser.start(), self.synthesiser.start(), asyncio.to_thread(self.conversations.start)
        )
        await self._prepare_voice(say)
        say(f"准备完毕，用时 {time.monotonic() - began:.1f} 秒。")

    async def _prepare_voice(self, say: Progress) -> None:
        """Render the bot's own sentences before the first call."""
        told = 0

        def progress(done: int, total: int) -> None:
            nonlocal told
            if done * 10 // total > told:
                told = done * 10 // total
                say(f"正在合成还没有录音的常用语：{done}/{total}")

        await self.synthesiser.prerender(self.conversations.fixed_texts(), progress)

    async def render_ahead(self) -> None:
        """Render what else is known beforehand, a clause at a time, whenever nobody is on the line.

        The beginnings of all answers come first: an answer can begin while its rest is being made.
        """
        known = (
            self.conversations.article_beginnings(),
            self.conversations.article_texts(),
            self.conversations.fixed_texts("en"),
        )
        if not self.settings.tts.render_ahead:
            for texts in known:
                self.synthesiser.declare(texts)  # what another process has rendered is found on disk
            return
        try:
            for texts in known:
                await self.synthesiser.prerender(texts, turn=self._nobody_on_the_line)
            log.info("voice_rendered_ahead")
        except HotlineError as error:
            log.warning("voice_not_rendered_ahead", code=error.code)

    async def _nobody_on_the_line(self) -> None:
        while self.sessions:  # noqa: ASYNC110  the emptiness of a set is not an event
            await asyncio.sleep(_IDLE_LOOK_S)

    async def stop(self) -> None:
        """Release everything, in the opposite order."""
        for session in self.sessions:
            session.cancel()
        await asyncio.gather(*self.sessions, return_exceptions=True)
        await self.recogniser.stop()
        await self.synthesiser.stop()
        self.conversations.stop()
        if self.opened:  # a database that could not be opened knows nothing of this worker
            try:
                await self.calls.retire()
            except HotlineError as error:
                log.warning("retire_failed", code=error.code)
        self.recordings.close()
        self.database.close()

    @contextlib.asynccontextmanager
    async def running(self, say: Progress) -> AsyncIterator[None]:
        """Started on the way in, stopped on the way out, whatever happens between."""
        try:
            await self.start(say)
            yield
        finally:
            await self.stop()

    def narrate(self, calls: CallStore) -> None:
        """Let the calls to come be recorded through ``calls``, a store around the real one."""
        self.parts = replace(self.parts, calls=calls)

    def serve(self, line: Line) -> asyncio.Task[object]:
        """Begin to serve one call; the page of a browser's call reads along."""
        parts = self.parts
        if isinstance(line, WebRtcLine):
            parts = replace(parts, calls=CaptionedCallStore(parts.calls, line))
        most = self.settings.max_conversations
        full = bool(most) and len(self.sessions) - len(self.announcements) >= most
        work: Coroutine[Any, Any, object] = self._turned_away(line).run() if full else CallSession(parts, line).run()
        session: asyncio.Task[object] = asyncio.create_task(work)
        self.sessions.add(session)
        if full:
            self.announcements.add(session)
        session.add_done_callback(self._over)
        return session

    def _turned_away(self, line: Line) -> TurnedAway:
        parts = self.parts

        def text(number: str) -> str:
            known = find_phone(number, Expect.DIGITS)
            return self.conversations.text("lines_full" if known else "lines_full_no_number", "zh")

        return TurnedAway(line, parts.synthesiser, parts.calls, parts.questions, parts.queue, self.observer, text)

    def _over(self, session: asyncio.Task[object]) -> None:
        self.sessions.discard(session)
        self.announcements.discard(session)
        if not session.cancelled() and (error := session.exception()):
            self.observer.fault("call", type(error).__name__)
            log.error("call_failed", error=type(error).__name__, exc_info=error)
