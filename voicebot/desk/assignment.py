"""Bringing calls to people: offers to whoever is longest idle, and what happens when nobody answers.

Any number of workers may run this at the same time: each step is one small transaction that changes a row only
while it is as it was seen, so that no call is offered twice and no agent gets two.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Connection, Row, or_, select, update

from voicebot.core.call import QueueState
from voicebot.core.errors import HotlineError
from voicebot.core.ports import Clock
from voicebot.desk.agent_queue import left_values
from voicebot.desk.agents import AgentState, back_to_queue, move, offer, withdraw
from voicebot.desk.order import GENERAL
from voicebot.desk.rows import IS_FREE, IS_WAITING, ORDER
from voicebot.desk.settings import DeskSettings
from voicebot.storage.changes import AGENTS, QUEUE, Changes
from voicebot.storage.database import Database
from voicebot.storage.tables import accounts, agents, calls
from voicebot.storage.tables import queue_entries as entries

log = structlog.get_logger(__name__)

NO_ANSWER = "无应答"
_MIND_S = 1.0
_COMES_BACK_WITHIN = timedelta(hours=1)


class Assigner:
    """Offers waiting calls to agents who are ready, and minds the time."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: DeskSettings,
        changes: Changes,
        is_night: Callable[[datetime], bool] = lambda _now: False,
    ):
        self._database = database
        self._clock = clock
        self._settings = settings
        self._changes = changes
        self._is_night = is_night

    async def run(self) -> None:
        """Assign whenever something changes, and mind the time once a second; until cancelled."""
        with self._changes.watch() as watch:
            while True:
                try:
                    await self.mind()
                    await self.assign()
                except HotlineError as error:
                    log.warning("assignment_failed", code=error.code)
                await watch.next(_MIND_S)

    async def assign(self) -> int:
        """Offer calls until no agent fits any; returns how many were offered."""
        offered = 0
        while (pair := await self._database.read(self._pair)) is not None:
            entry_id, name = pair
            work = partial(offer, entry_id=entry_id, name=name, now=self._clock.now())
            offered += await self._changes.write(work, QUEUE, AGENTS)
        return offered

    async def mind(self) -> None:
        """Withdraw offers that nobody took, end wrap-ups, and clear up after what died. Idempotent."""
        now = self._clock.now()
        if await self._database.read(lambda connection: bool(self._overdue(connection, now))):
            await self._changes.write(lambda connection: self._clear_up(connection, now), QUEUE, AGENTS)

    def _pair(self, connection: Connection) -> tuple[int, str] | None:
        """The first call in order that somebody ready may take, and the one of them who is longest idle."""
        ready = (
            select(agents.c.name, accounts.c.skills)
            .join(accounts, accounts.c.name == agents.c.name)
            .where(agents.c.state == AgentState.READY.value)
            .order_by(agents.c.since, agents.c.name)
        )
        idle = [(row.name, tuple(row.skills)) for row in connection.execute(ready)]
        if not idle:
            return None
        skills = {skill for _, known in idle for skill in known}
        now = self._clock.now()
        may: ColumnElement[bool] = entries.c.skill.in_(skills)
        if GENERAL in skills:  # long waits, and nights, overflow to everybody
            long_ago = now - timedelta(seconds=0 if self._is_night(now) else self._settings.overflow_s)
            may = or_(may, entries.c.joined_at <= long_ago)
        row = connection.execute(
            select(entries.c.entry_id, entries.c.skill).where(IS_FREE, may).order_by(*ORDER).limit(1)
        ).first()
        if row is None:
            return None
        fit = [name for name, known in idle if row.skill in known] or [name for name, known in idle if GENERAL in known]
        return row.entry_id, fit[0]

    def _overdue(self, connection: Connection, now: datetime) -> list[Row[Any]]:
        """Agents whose state has lasted too long or whose desk is lost, and waiting calls whose line is gone."""
        settings = self._settings
        lost = agents.c.seen_at <= now - timedelta(seconds=settings.lost_after_s)
        rang_out = (agents.c.state == AgentState.RINGING.value) & (
            agents.c.since <= now - timedelta(seconds=settings.ring_s)
        )
        wrapped_up = (agents.c.state == AgentState.WRAP_UP.value) & (
            agents.c.since <= now - timedelta(seconds=settings.wrap_up_s)
        )
        on_duty = agents.c.state != AgentState.OFFLINE.value
        # A call that is put through goes on when the browser dies, and its agent comes back to it.
        put_through = select(entries.c.entry_id).where(
            entries.c.entry_id == agents.c.entry_id, entries.c.connected_at.is_not(None)
        )
        goes_on = put_through.exists() & (agents.c.seen_at > now - _COMES_BACK_WITHIN)
        rows = list(connection.execute(select(agents).where((lost & on_duty & ~goes_on) | rang_out | wrapped_up)))
        over = select(entries.c.entry_id).join(calls, calls.c.call_id == entries.c.call_id)
        return rows + list(connection.execute(over.where(IS_WAITING, calls.c.end.is_not(None))))

    def _clear_up(self, connection: Connection, now: datetime) -> None:
        for row in self._overdue(connection, now):
            if "name" not in row._fields:
                self._line_gone(connection, row.entry_id, now)
                continue
            found = connection.execute(
                select(agents).where(agents.c.name == row.name).with_for_update(skip_locked=True)
            ).first()
            if found is None or (found.state, found.since) != (row.state, row.since):
                continue  # another worker was quicker, or the agent
            self._agent_overdue(connection, found, now)

    def _agent_overdue(self, connection: Connection, row: Row[Any], now: datetime) -> None:
        lost = row.seen_at <= now - timedelta(seconds=self._settings.lost_after_s)
        match AgentState(row.state):
            case AgentState.RINGING:
                withdraw(connection, row.entry_id)
                move(connection, row.name, AgentState.OFFLINE if lost else AgentState.PAUSED, now, NO_ANSWER)
            case AgentState.TALKING:
                self._agent_lost_in_call(connection, row, now)
            case AgentState.WRAP_UP if not lost:
                move(connection, row.name, AgentState.READY, now)
            case _:
                move(connection, row.name, AgentState.OFFLINE, now)

    def _agent_lost_in_call(self, connection: Connection, row: Row[Any], now: datetime) -> None:
        """A call that was not put through waits again; one that was is over by now."""
        entry = connection.execute(select(entries).where(entries.c.entry_id == row.entry_id)).first()
        if entry is not None and entry.state == QueueState.CLAIMED.value and entry.connected_at is None:
            back_to_queue(connection, row.entry_id)
        elif entry is not None and entry.state == QueueState.CLAIMED.value:
            connection.execute(
                update(entries).where(entries.c.entry_id == row.entry_id).values(left_values(entry.state, now, False))
            )
        move(connection, row.name, AgentState.OFFLINE, now)

    def _line_gone(self, connection: Connection, entry_id: int, now: datetime) -> None:
        row = connection.execute(select(entries).where(entries.c.entry_id == entry_id, IS_WAITING)).first()
        if row is None:
            return
        connection.execute(
            update(entries).where(entries.c.entry_id == entry_id).values(left_values(row.state, now, True))
        )
        if row.offered_to:
            move(connection, row.offered_to, AgentState.READY, now)
