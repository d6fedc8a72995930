"""Calls that wait for a person, in the database: no process's death loses a place."""

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select, update

from voicebot.core.call import CallBack, HandOffRequest, QueueEntry, QueueState
from voicebot.core.ports import Clock
from voicebot.desk.order import expected_wait_s, turn_at
from voicebot.desk.rows import IS_FREE, IS_LIVE, IS_WAITING, ORDER, entry_of, position_of
from voicebot.desk.settings import DeskSettings
from voicebot.storage.changes import AGENTS, QUEUE, Changes
from voicebot.storage.database import Database, put
from voicebot.storage.documents import to_document
from voicebot.storage.tables import agents
from voicebot.storage.tables import queue_entries as entries

_REPEAT_WITHIN = timedelta(days=1)
_ON_DUTY = ("ready", "ringing", "talking", "wrap_up")
_SAMPLE = 50  # calls that the handling time is taken from


class SqlAgentQueue:
    """`AgentQueue` on the database. Order: danger, then whose turn it is (see `voicebot.desk.order`)."""

    def __init__(
        self, database: Database, clock: Clock, settings: DeskSettings | None = None, changes: Changes | None = None
    ):
        self._database = database
        self._clock = clock
        self._settings = settings or DeskSettings()
        self._changes = changes or Changes(database)

    async def join(self, request: HandOffRequest) -> QueueEntry:
        """Take a place; a call that already waits (or is with an agent) keeps its place."""
        now = self._clock.now()
        values = {
            "call_id": request.call_id,
            "reason": request.reason.value,
            "skill": request.skill,
            "priority": request.priority,
            "summary": request.summary,
            "caller_number": request.caller_number,
            "draft": to_document(request.draft) if request.draft else None,
            "turns": [to_document(turn) for turn in request.turns],
            "joined_at": now,
            "state": QueueState.WAITING.value,
            "agent": "",
            "offered_to": "",
            "offers": 0,
            "call_back": "",
            "outcome": "",
            "edits": {},
        }

        def work(connection: Connection) -> QueueEntry:
            tries = _unserved(connection, request, now)
            put(connection, entries, {**values, "turn_at": turn_at(request, now, tries, self._settings)})
            row = connection.execute(select(entries).where(entries.c.call_id == request.call_id, IS_LIVE)).one()
            position = position_of(connection, row)
            return entry_of(row, position, self._expected(connection, position, now) if position else None)

        return await self._changes.write(work, QUEUE, harmless_twice=True)

    async def claim(self, agent: str, skills: tuple[str, ...]) -> QueueEntry | None:
        """Give the most urgent, longest-waiting call that fits the skills to one agent, exactly once."""
        # A row that another agent is just taking is passed over (PostgreSQL); on SQLite the transaction holds the
        # only write lock.
        first = (select(entries).where(IS_FREE, entries.c.skill.in_(skills)).order_by(*ORDER).limit(1)).with_for_update(
            skip_locked=True
        )

        def work(connection: Connection) -> QueueEntry | None:
            row = connection.execute(first).first()
            if row is None:
                return None
            now = self._clock.now()
            values = {"state": QueueState.CLAIMED.value, "agent": agent, "claimed_at": now}
            connection.execute(update(entries).where(entries.c.entry_id == row.entry_id).values(values))
            return replace(entry_of(row, 0), state=QueueState.CLAIMED, agent=agent, claimed_at=now)

        return await self._changes.write(work, QUEUE)

    async def leave(self, call_id: str, *, abandoned: bool, promised: bool = False) -> None:
        """The call is served or the caller gave up; a call that is not in the queue is left alone.

        Somebody who gave up and has a number is on the list of those to call back.
        """
        now = self._clock.now()

        def work(connection: Connection) -> None:
            row = connection.execute(select(entries).where(entries.c.call_id == call_id, IS_LIVE)).first()
            if row is None:
                return
            connection.execute(
                update(entries)
                .where(entries.c.entry_id == row.entry_id)
                .values(left_values(row.state, now, abandoned, promised))
            )
            if row.offered_to:  # whom it rang is free again
                free = {"state": "ready", "since": now, "entry_id": None}
                ringing = (agents.c.name == row.offered_to) & (agents.c.entry_id == row.entry_id)
                connection.execute(update(agents).where(ringing).values(free))

        await self._changes.write(work, QUEUE, AGENTS, harmless_twice=True)

    async def waiting(self) -> tuple[QueueEntry, ...]:
        """Those who wait, in order."""
        query = select(entries).where(IS_WAITING).order_by(*ORDER)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(entry_of(row, place) for place, row in enumerate(rows, start=1))

    async def find(self, call_id: str) -> QueueEntry | None:
        """The newest entry of a call; None when it never asked for a person."""

        def work(connection: Connection) -> QueueEntry | None:
            query = select(entries).where(entries.c.call_id == call_id).order_by(entries.c.entry_id.desc()).limit(1)
            row = connection.execute(query).first()
            if row is None:
                return None
            position = position_of(connection, row)
            return entry_of(row, position, self._expected(connection, position, self._clock.now()))

        return await self._database.read(work)

    def _expected(self, connection: Connection, position: int, now: datetime) -> float | None:
        states = connection.execute(select(agents.c.state).where(agents.c.state.in_(_ON_DUTY))).scalars().all()
        handling = handling_s(connection, self._settings)
        return expected_wait_s(position, len(states), states.count("ready"), handling)


def handling_s(connection: Connection, settings: DeskSettings) -> float:
    """Seconds that a person needs for a call: the mean of the newest ones, or the setting while there are too few."""
    newest = (
        select(entries.c.claimed_at, entries.c.left_at)
        .where(entries.c.state == QueueState.DONE.value, entries.c.claimed_at.is_not(None))
        .order_by(entries.c.entry_id.desc())
        .limit(_SAMPLE)
    )
    times = [(row.left_at - row.claimed_at).total_seconds() for row in connection.execute(newest) if row.left_at]
    return sum(times) / len(times) if len(times) >= _SAMPLE // 5 else float(settings.handling_s)


def left_values(state: str, now: datetime, abandoned: bool, promised: bool = False) -> dict[str, object]:
    """What a live entry becomes when its call is over."""
    gave_up = abandoned and state == QueueState.WAITING.value
    due = CallBack.NONE if not gave_up else CallBack.ASKED if promised else CallBack.MISSED
    return {
        "state": (QueueState.ABANDONED if abandoned else QueueState.DONE).value,
        "left_at": now,
        "call_back": due.value,
        "offered_to": "",
        "offered_at": None,
    }


def _unserved(connection: Connection, request: HandOffRequest, now: datetime) -> int:
    """Other calls of the same number in the last day that nobody served."""
    if not request.caller_number:
        return 0
    earlier = select(func.count()).where(
        entries.c.caller_number == request.caller_number,
        entries.c.call_id != request.call_id,
        entries.c.joined_at > now - _REPEAT_WITHIN,
        entries.c.state == QueueState.ABANDONED.value,
    )
    return connection.execute(earlier).scalar_one()
