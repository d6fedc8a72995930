"""The first line of a call's record, written before the call is answered: a process may be killed at any moment."""

import asyncio
import contextlib

import structlog

from voicebot.core.call import CallEnd, CallStart
from voicebot.core.errors import HotlineError
from voicebot.core.ports import EarlyCallStore, QuestionLog
from voicebot.pipeline.observer import Observer
from voicebot.pipeline.record import CallRecord

log = structlog.get_logger(__name__)

_WAIT_S = 0.25  # people come first: a database that is slow or away delays an answer by no more, on each call
_CLOSING_S = 10.0


class RecordedCalls:
    """What a line tells of its calls before and without a session, on record."""

    def __init__(self, calls: EarlyCallStore, questions: QuestionLog, observer: Observer):
        self._calls = calls
        self._questions = questions
        self._observer = observer

    async def enter(self, start: CallStart) -> None:
        """A call is about to be answered: on record when this returns; if not, the session's `CallRecord` does it."""
        try:
            async with asyncio.timeout(_WAIT_S):
                await self._calls.announce(start)
        except (TimeoutError, HotlineError) as error:
            code = error.code if isinstance(error, HotlineError) else "record_late"
            self._observer.fault("record", code)
            log.warning("answered_before_on_record", call=start.call_id, code=code)

    async def close(self, start: CallStart, end: CallEnd) -> None:
        """An entered call is over and no session has served it; insists for a while when the database is away."""
        record = CallRecord(self._calls, self._questions, start, self._observer)
        await record.begin()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSING_S):
                await record.finish(end, {})
