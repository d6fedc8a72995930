"""The record of calls: what was said, what happened, what is known of the ticket so far."""

from collections.abc import Callable

from sqlalchemy import Connection, bindparam, insert, select, update

from voicebot.core.call import CallEnd, CallStart
from voicebot.core.errors import StorageError
from voicebot.core.ports import Clock
from voicebot.core.ticket import TicketDraft
from voicebot.core.turn import Turn
from voicebot.storage import workers
from voicebot.storage.changes import Changes, call_topic
from voicebot.storage.database import Database, put
from voicebot.storage.documents import plain, to_document
from voicebot.storage.recordings import CUT_OFF, OPEN
from voicebot.storage.tables import call_events, calls, drafts, recordings, turns

_MAX_NOT_BEGUN = 1000
_TURN_CONTENT = tuple(column.name for column in turns.c if not column.primary_key)
_ADD_EVENT = insert(call_events)
_IS_CALL = select(calls.c.call_id).where(calls.c.call_id == bindparam("call_id"))


class SqlCallStore:
    """`EarlyCallStore` on the database. Every method is committed when it returns."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        worker: workers.Worker | None = None,
        worker_lost_after_s: int = 60,
        changes: Changes | None = None,
    ):
        self._database = database
        self._changes = changes or Changes(database)
        self._clock = clock
        self._worker = worker or workers.Worker.this_process()
        self._worker_lost_after_s = worker_lost_after_s
        # Calls whose `begin` has not reached the database; when full, a call that cannot begin is not on record.
        self._not_begun: dict[str, CallStart] = {}

    async def begin(self, start: CallStart) -> None:
        """A call was answered; beginning it again changes nothing.

        When this fails, the next write of the call begins it: a database that was away for a moment
        must not cost the whole call.
        """
        self._is_to_begin(start)
        await self._write_for(start.call_id, lambda _connection: None)

    async def announce(self, start: CallStart) -> None:
        """A call is about to be answered; as `begin`, without waiting for the disk."""
        self._is_to_begin(start)
        await self._write_for(start.call_id, lambda _connection: None, hasty=True)

    async def add_turn(self, call_id: str, turn: Turn) -> None:
        """A turn is complete; writing the same index again replaces it."""
        row = {**to_document(turn), "call_id": call_id}
        await self._write_for(
            call_id,
            lambda connection: put(connection, turns, row, keys=("call_id", "index"), replace=_TURN_CONTENT),
        )

    async def note(self, call_id: str, kind: str, detail: dict[str, object]) -> None:
        """Append an event (action, fault, digit) to the call's log; ``detail`` holds JSON values."""
        row = {"call_id": call_id, "at": self._clock.now(), "kind": kind, "detail": plain(detail)}
        await self._write_for(call_id, lambda connection: connection.execute(_ADD_EVENT, row))

    async def save_draft(self, call_id: str, draft: TicketDraft) -> None:
        """Keep the newest draft of the call's ticket."""
        row = {"call_id": call_id, "saved_at": self._clock.now(), "draft": to_document(draft)}
        await self._write_for(
            call_id,
            lambda connection: put(connection, drafts, row, keys=("call_id",), replace=("saved_at", "draft")),
        )

    async def finish(self, call_id: str, end: CallEnd, latency_ms: dict[int, dict[str, float]]) -> None:
        """The call is over; the first end stays, except that a true end replaces a presumed cut-off."""
        values = {"end": end.value, "ended_at": self._clock.now(), "latency_ms": latency_ms}
        is_open = calls.c.end.is_(None) | (calls.c.end == CallEnd.CUT_OFF.value)
        statement = update(calls).where(calls.c.call_id == call_id, is_open).values(values)
        await self._write_for(call_id, lambda connection: connection.execute(statement))

    async def mark_cut_off(self) -> int:
        """Mark the calls of dead workers as cut off; returns how many.

        Calls that another living worker has on the line are left alone.
        """

        def work(connection: Connection) -> int:
            now = self._clock.now()
            workers.sign_in(connection, self._worker, now)
            dead = workers.lost(connection, self._worker, now, self._worker_lost_after_s)
            orphaned = calls.c.end.is_(None) & calls.c.worker_id.in_(dead)
            connection.execute(
                update(recordings)
                .where(recordings.c.call_id.in_(select(calls.c.call_id).where(orphaned)), recordings.c.state == OPEN)
                .values(state=CUT_OFF)
            )
            marked = connection.execute(update(calls).where(orphaned).values(end=CallEnd.CUT_OFF.value, ended_at=now))
            workers.forget(connection, now)
            return marked.rowcount

        return await self._database.write(work)

    async def beat(self) -> None:
        """A sign of life, for other machines; call it every few seconds."""
        await self._database.write(lambda connection: workers.sign_in(connection, self._worker, self._clock.now()))

    async def retire(self) -> None:
        """Stop in good order; what this worker left unfinished is marked by the next one."""
        await self._database.write(lambda connection: workers.sign_out(connection, self._worker, self._clock.now()))

    def _is_to_begin(self, start: CallStart) -> None:
        if len(self._not_begun) < _MAX_NOT_BEGUN:
            self._not_begun[start.call_id] = start

    async def _write_for(self, call_id: str, work: Callable[[Connection], object], *, hasty: bool = False) -> None:
        start = self._not_begun.get(call_id)

        def whole(connection: Connection) -> None:
            if start is not None:
                workers.sign_in(connection, self._worker, self._clock.now())
                put(connection, calls, self._row(start), keys=("call_id",))
            elif connection.execute(_IS_CALL, {"call_id": call_id}).first() is None:
                raise _unknown(call_id)
            work(connection)

        await self._changes.write(whole, call_topic(call_id), hasty=hasty)
        self._not_begun.pop(call_id, None)

    def _row(self, start: CallStart) -> dict[str, object]:
        return {
            "call_id": start.call_id,
            "tenant": start.tenant,
            "channel": start.channel.value,
            "caller_number": start.caller_number,
            "dialled_number": start.dialled_number,
            "diversion": start.diversion,
            "answered_at": start.answered_at,
            "worker_id": self._worker.worker_id,
        }


def _unknown(call_id: str) -> StorageError:
    return StorageError(
        f"没有通话 {call_id} 的记录。", code="call_unknown", remedy="通话须先登记（begin）。", retryable=False
    )
