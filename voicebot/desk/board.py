"""The whole floor at a glance: who waits, who talks, who must be called back, what every agent is doing."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection, Row, func, or_, select

from voicebot.core.call import CallBack, QueueState
from voicebot.core.errors import HotlineError
from voicebot.core.ports import Clock
from voicebot.desk.agents import Agent, agent_of
from voicebot.desk.rows import IS_WAITING, ORDER
from voicebot.storage.changes import AGENTS, EVERYTHING, QUEUE, Changes
from voicebot.storage.database import Database
from voicebot.storage.tables import accounts, agents
from voicebot.storage.tables import queue_entries as entries

log = structlog.get_logger(__name__)

_SETTLE_S = 0.05  # changes that come together are shown together
_REFRESH_S = 5.0
_CALL_BACKS_KEPT = timedelta(days=7)
_HEAD = 60  # lines of the queue that a screen can show
_MAX_CALL_BACKS = 200

_COLUMNS = [column for column in entries.c if column.name not in ("turns", "edits")]


@dataclass(frozen=True, slots=True)
class QueueLine:
    """A place in the queue as a line on a screen. ``secrets`` are what must be masked in the summary."""

    entry_id: str
    call_id: str
    state: str
    position: int
    reason: str
    skill: str
    priority: int
    summary: str
    caller_number: str
    title: str
    joined_at: datetime
    offered_to: str
    agent: str
    claimed_at: datetime | None
    connected_at: datetime | None
    call_back: str
    offers: int
    secrets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """The floor at one instant. Of a long queue ``waiting`` holds the head and what is offered to somebody."""

    at: datetime
    waiting_count: int
    waiting: tuple[QueueLine, ...]
    in_hand: tuple[QueueLine, ...]
    call_backs: tuple[QueueLine, ...]
    agents: tuple[Agent, ...]


class BoardFeed:
    """Reads the board once for all who watch it, whenever something changed."""

    def __init__(self, database: Database, clock: Clock, changes: Changes):
        self._database = database
        self._clock = clock
        self._changes = changes
        self._current: Board | None = None
        self._renewed = asyncio.Event()

    async def read(self) -> Board:
        """The board as it is now."""
        now = self._clock.now()
        return await self._database.read(lambda connection: _board(connection, now))

    async def boards(self) -> AsyncIterator[Board]:
        """The board now and after every change; a slow reader misses what was between, never the newest."""
        seen: Board | None = None
        while True:
            board = self._current or await self.read()
            if board is not seen:
                seen = board
                yield board
            await self._renewed.wait()

    async def run(self) -> None:
        """Keep the board current, until cancelled."""
        with self._changes.watch() as watch:
            while True:
                try:
                    board = await self.read()
                except HotlineError as error:
                    log.warning("board_not_read", code=error.code)
                else:
                    self._current = board
                    renewed, self._renewed = self._renewed, asyncio.Event()
                    renewed.set()
                while not (await watch.next(_REFRESH_S)) & {QUEUE, AGENTS, EVERYTHING}:
                    pass
                await asyncio.sleep(_SETTLE_S)


def _board(connection: Connection, now: datetime) -> Board:
    place = func.row_number().over(order_by=ORDER).label("place")
    line = select(entries.c.entry_id.label("waiting_id"), place).where(IS_WAITING).subquery()
    shown = or_(line.c.place <= _HEAD, entries.c.offered_to != "")
    head = select(*_COLUMNS, line.c.place).join(line, line.c.waiting_id == entries.c.entry_id).where(shown)
    due = entries.c.call_back.in_((CallBack.ASKED.value, CallBack.MISSED.value))
    gone = entries.c.state.not_in((QueueState.WAITING.value, QueueState.CLAIMED.value))
    owed = select(*_COLUMNS).where(gone & due & (entries.c.joined_at > now - _CALL_BACKS_KEPT)).order_by(*ORDER)
    taken = select(*_COLUMNS).where(entries.c.state == QueueState.CLAIMED.value).order_by(*ORDER)
    people = select(agents, accounts).join(accounts, accounts.c.name == agents.c.name).order_by(agents.c.name)
    waiting: list[Row[Any]] = list(connection.execute(head.order_by(line.c.place)))
    count = select(func.count()).select_from(entries).where(IS_WAITING)
    return Board(
        now,
        connection.execute(count).scalar_one(),
        tuple(_line(row, row.place) for row in waiting),
        tuple(_line(row, 0) for row in connection.execute(taken)),
        tuple(_line(row, 0) for row in connection.execute(owed.limit(_MAX_CALL_BACKS))),
        tuple(agent_of(row) for row in connection.execute(people)),
    )


def _line(row: Row[Any], position: int) -> QueueLine:
    draft = row.draft or {}
    return QueueLine(
        entry_id=str(row.entry_id),
        call_id=row.call_id,
        state=row.state,
        position=position,
        reason=row.reason,
        skill=row.skill,
        priority=row.priority,
        summary=row.summary,
        caller_number=row.caller_number,
        title=draft.get("title") or draft.get("what") or "",
        joined_at=row.joined_at,
        offered_to=row.offered_to,
        agent=row.agent,
        claimed_at=row.claimed_at,
        connected_at=row.connected_at,
        call_back=row.call_back,
        offers=row.offers,
        secrets=(draft.get("caller_name", ""), draft.get("caller_phone", ""), *draft.get("persons", ())),
    )
