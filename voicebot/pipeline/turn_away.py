"""More callers than conversations: they are told so, and listed to be called back, before quality suffers for all."""

import asyncio
from collections.abc import Callable

import structlog

from voicebot.core.call import CallEnd, CallStart, HandOffReason, HandOffRequest
from voicebot.core.errors import HotlineError
from voicebot.core.ports import AgentQueue, CallStore, Line, QuestionLog, Synthesiser
from voicebot.pipeline.frames import SpeakFrame
from voicebot.pipeline.observer import Observer
from voicebot.pipeline.record import CallRecord
from voicebot.pipeline.utterance import Utterance
from voicebot.tts.sentences import split_clauses

log = structlog.get_logger(__name__)

_LOOK_S = 0.05
_LONGEST_S = 20.0  # to say it; then the call is ended all the same


class TurnedAway:
    """One call that hears an announcement and is on record."""

    def __init__(
        self,
        line: Line,
        synthesiser: Synthesiser,
        calls: CallStore,
        questions: QuestionLog,
        queue: AgentQueue,
        observer: Observer,
        text: Callable[[str], str],
    ):
        """``text``: the announcement, by the caller's number."""
        self._line = line
        self._synthesiser = synthesiser
        self._calls = calls
        self._questions = questions
        self._queue = queue
        self._observer = observer
        self._text = text

    async def run(self) -> CallEnd:
        """Say it and hang up; returns why the call ended."""
        start, text = self._line.start, self._text(self._line.start.caller_number)
        self._observer.call_started(start.channel.value)
        log.warning("call_turned_away", call=start.call_id)
        record = CallRecord(self._calls, self._questions, start, self._observer)
        await record.begin()
        record.note("turned_away")
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        announcement = Utterance(SpeakFrame(text=text), first=self._line.played().written)
        try:
            async with asyncio.timeout(_LONGEST_S):
                await self._say(announcement)
        except (TimeoutError, HotlineError) as error:
            log.warning("announcement_failed", call=start.call_id, error=type(error).__name__)
        heard = announcement.spoken(self._line.played().heard)
        await self._line.hang_up()
        said_s = loop.time() - began_s
        record.bot(heard, text, 0.0, 1000 * said_s, None)
        await self._list(start)
        end = self._line.end or CallEnd.ERROR
        await record.finish(end, {})
        self._observer.call_ended(end.value, said_s)
        return end

    async def _say(self, announcement: Utterance) -> None:
        reading = asyncio.create_task(self._drain(), name="turned-away-reads")
        try:
            for clause in split_clauses(announcement.frame.text):
                begin = announcement.samples
                async for pcm in self._synthesiser.speak(clause):
                    announcement.audio.extend(pcm)
                    await self._hand_on(announcement)
                announcement.clauses.append((clause, begin, announcement.samples))
            announcement.made = True
            await self._hand_on(announcement)
            while self._line.end is None and not announcement.heard_all(self._line.played().heard):  # noqa: ASYNC110  a count is no event
                await asyncio.sleep(_LOOK_S)
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _hand_on(self, announcement: Utterance) -> None:
        while self._line.end is None and (pcm := announcement.next_frame()) is not None:
            await self._line.play(pcm)

    async def _drain(self) -> None:
        async for _ in self._line.frames():
            pass

    async def _list(self, start: CallStart) -> None:
        """Among those who have to be called back."""
        request = HandOffRequest(start.call_id, HandOffReason.BUSY, caller_number=start.caller_number)
        try:
            await self._queue.join(request)
            await self._queue.leave(start.call_id, abandoned=True)
        except HotlineError as error:
            self._observer.fault("queue", error.code)
