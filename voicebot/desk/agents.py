"""Agents: who is on duty, what each of them is doing, and with which call."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, select, update

from voicebot.core.call import CallBack, QueueEntry, QueueState
from voicebot.core.errors import StorageError
from voicebot.core.ports import Clock
from voicebot.desk.rows import IS_FREE, IS_LIVE, IS_WAITING, entry_of
from voicebot.desk.settings import DeskSettings
from voicebot.storage.changes import AGENTS, QUEUE, Changes
from voicebot.storage.database import Database, put
from voicebot.storage.tables import accounts, agents
from voicebot.storage.tables import queue_entries as entries

Result = TypeVar("Result")


class AgentState(StrEnum):
    """What an agent is doing."""

    OFFLINE = "offline"
    READY = "ready"
    RINGING = "ringing"  # a call is offered
    TALKING = "talking"
    WRAP_UP = "wrap_up"
    PAUSED = "paused"


FREE = (AgentState.OFFLINE, AgentState.READY, AgentState.WRAP_UP, AgentState.PAUSED)
"""States in which an agent has no call and may choose what to do next."""


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent on duty. ``since`` is when the state began, ``entry_id`` the call offered or in hand, "" for none."""

    name: str
    display_name: str
    state: AgentState
    reason: str
    since: datetime
    seen_at: datetime
    skills: tuple[str, ...]
    extension: str
    entry_id: str


class Agents:
    """The agents' states. Every change is one transaction; calls are claimed exactly once."""

    def __init__(
        self, database: Database, clock: Clock, settings: DeskSettings | None = None, changes: Changes | None = None
    ):
        self._database = database
        self._clock = clock
        self._settings = settings or DeskSettings()
        self._changes = changes or Changes(database)

    async def arrive(self, name: str) -> Agent:
        """The agent's desk was opened: a sign of life; whoever was offline is paused until they say they are ready."""
        now = self._clock.now()
        row = {"name": name, "state": AgentState.PAUSED.value, "reason": "", "since": now, "seen_at": now}

        def work(connection: Connection) -> Agent:
            put(connection, agents, row, keys=("name",), replace=("seen_at",))
            found = agent_row(connection, name)
            if found.state == AgentState.OFFLINE.value:
                found = move(connection, name, AgentState.PAUSED, now)
            return agent_of(found)

        return await self._changes.write(work, AGENTS)

    async def beat(self, name: str) -> None:
        """The agent's desk is open."""
        statement = update(agents).where(agents.c.name == name).values(seen_at=self._clock.now())
        await self._database.write(lambda connection: connection.execute(statement))

    async def all(self) -> tuple[Agent, ...]:
        """Everybody who was ever on duty, by name."""
        query = select(agents, accounts).join(accounts, accounts.c.name == agents.c.name).order_by(agents.c.name)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(agent_of(row) for row in rows)

    async def find(self, name: str) -> Agent | None:
        """One agent, None before their desk was ever opened."""
        return next((agent for agent in await self.all() if agent.name == name), None)

    async def set_state(self, name: str, state: AgentState, reason: str = "") -> Agent:
        """Ready, paused (with a reason) or offline; raises `StorageError` while a call is in hand."""
        if state not in (AgentState.READY, AgentState.PAUSED, AgentState.OFFLINE):
            raise refused("agent_state", "只能设为就绪、小休或离席。")
        if state is AgentState.PAUSED and reason not in self._settings.pause_reasons:
            raise refused("pause_reason", f"小休原因须为：{'、'.join(self._settings.pause_reasons)}。")

        def work(connection: Connection, row: Row[Any]) -> Agent:
            if AgentState(row.state) not in FREE:
                raise refused("agent_busy", "手上还有来电，请先结束。")
            return agent_of(move(connection, name, state, self._clock.now(), reason))

        return await self._with(name, work)

    async def accept(self, name: str) -> QueueEntry:
        """The agent takes the call that is offered to them."""

        def work(connection: Connection, row: Row[Any]) -> QueueEntry:
            if row.state != AgentState.RINGING.value:
                raise refused("nothing_offered", "没有来电在等您接听，可能已转给下一位。")
            return self._claim(connection, row, row.entry_id)

        return await self._with(name, work)

    async def take(self, name: str, entry_id: str) -> QueueEntry:
        """The agent picks a call from the queue, or one that has to be called back."""

        def work(connection: Connection, row: Row[Any]) -> QueueEntry:
            if AgentState(row.state) not in FREE:
                raise refused("agent_busy", "手上还有来电，请先结束。")
            return self._claim(connection, row, number(entry_id))

        return await self._with(name, work)

    async def decline(self, name: str, reason: str = "") -> None:
        """The agent does not take the offered call: the next one gets it, and the agent is paused."""

        def work(connection: Connection, row: Row[Any]) -> None:
            if row.state == AgentState.RINGING.value:
                withdraw(connection, row.entry_id)
                move(connection, name, AgentState.PAUSED, self._clock.now(), reason)

        await self._with(name, work)

    async def finish(self, name: str, outcome: str) -> QueueEntry:
        """The call is over; ``outcome`` is a short word. The agent has time for notes."""

        def work(connection: Connection, row: Row[Any]) -> QueueEntry:
            if row.state != AgentState.TALKING.value:
                raise refused("no_call", "手上没有来电。")
            now = self._clock.now()
            done = {"state": QueueState.DONE.value, "left_at": now, "outcome": outcome[:32]}
            called_back = entries.c.call_back != CallBack.NONE.value
            connection.execute(update(entries).where(entries.c.entry_id == row.entry_id).values(done))
            connection.execute(
                update(entries)
                .where(entries.c.entry_id == row.entry_id, called_back)
                .values(call_back=CallBack.DONE.value)
            )
            move(connection, name, AgentState.WRAP_UP, now)
            return _entry(connection, row.entry_id)

        return await self._with(name, work)

    async def give_back(self, name: str) -> None:
        """The call in hand goes back to its place in the queue; the agent has time for notes."""

        def work(connection: Connection, row: Row[Any]) -> None:
            if row.state != AgentState.TALKING.value:
                raise refused("no_call", "手上没有来电。")
            back_to_queue(connection, row.entry_id)
            move(connection, name, AgentState.WRAP_UP, self._clock.now())

        await self._with(name, work)

    async def pass_on(self, name: str, colleague: str) -> None:
        """The call in hand is offered to a colleague who is ready; whoever does not take it, the queue has its place.

        Raises `StorageError` ``colleague_busy`` for one who is not ready.
        """

        def work(connection: Connection, row: Row[Any]) -> None:
            if row.state != AgentState.TALKING.value:
                raise refused("no_call", "手上没有来电。")
            now, entry_id = self._clock.now(), row.entry_id
            back_to_queue(connection, entry_id)
            move(connection, name, AgentState.WRAP_UP, now)
            if not offer(connection, entry_id, colleague, now):
                raise refused("colleague_busy", "这位同事现在接不了，请换一位，或转回排队。")

        await self._with(name, work)

    def _claim(self, connection: Connection, agent: Row[Any], entry_id: int) -> QueueEntry:
        now = self._clock.now()
        to_call_back = entries.c.call_back.in_((CallBack.ASKED.value, CallBack.MISSED.value))
        free = (IS_WAITING & entries.c.offered_to.in_(("", agent.name))) | (~IS_LIVE & to_call_back)
        claimed = {
            "state": QueueState.CLAIMED.value,
            "agent": agent.name,
            "claimed_at": now,
            "left_at": None,
            "offered_to": "",
            "offered_at": None,
        }
        statement = update(entries).where(entries.c.entry_id == entry_id, free).values(claimed)
        if not connection.execute(statement).rowcount:
            raise refused("entry_taken", "这通来电已由别人接走，或来电人已挂机。")
        move(connection, agent.name, AgentState.TALKING, now, entry_id=entry_id)
        return _entry(connection, entry_id)

    async def _with(self, name: str, work: Callable[[Connection, Row[Any]], Result]) -> Result:
        def whole(connection: Connection) -> Result:
            return work(connection, agent_row(connection, name, lock=True))

        return await self._changes.write(whole, QUEUE, AGENTS)


def agent_row(connection: Connection, name: str, *, lock: bool = False) -> Row[Any]:
    """The row of an agent with their account; raises `StorageError` for one who is not on duty."""
    query = select(agents, accounts).join(accounts, accounts.c.name == agents.c.name).where(agents.c.name == name)
    row = connection.execute(query.with_for_update(of=agents) if lock else query).first()
    if row is None:
        raise refused("not_on_duty", "您还没有打开坐席台。")
    return row


def move(
    connection: Connection, name: str, state: AgentState, now: datetime, reason: str = "", entry_id: int | None = None
) -> Row[Any]:
    """Put an agent into a state."""
    values = {"state": state.value, "reason": reason, "since": now, "entry_id": entry_id}
    connection.execute(update(agents).where(agents.c.name == name).values(values))
    return agent_row(connection, name)


def offer(connection: Connection, entry_id: int, name: str, now: datetime) -> bool:
    """Let a call that waits ring at an agent; False, and nothing changed, unless they are ready and it waits."""
    free = select(entries.c.entry_id).where(entries.c.entry_id == entry_id, IS_FREE)
    if connection.execute(free.with_for_update(skip_locked=True)).first() is None:
        return False
    ready = (agents.c.name == name) & (agents.c.state == AgentState.READY.value)
    ringing = {"state": AgentState.RINGING.value, "since": now, "entry_id": entry_id, "reason": ""}
    if not connection.execute(update(agents).where(ready).values(ringing)).rowcount:
        return False
    offered = {"offered_to": name, "offered_at": now, "offers": entries.c.offers + 1}
    connection.execute(update(entries).where(entries.c.entry_id == entry_id).values(offered))
    return True


def withdraw(connection: Connection, entry_id: int) -> None:
    """Nobody took the offered call: it waits on, at its place."""
    values = {"offered_to": "", "offered_at": None}
    connection.execute(update(entries).where(entries.c.entry_id == entry_id, IS_WAITING).values(values))


def back_to_queue(connection: Connection, entry_id: int) -> None:
    """A call in hand waits again, at its place; one that was a call-back is due again."""
    values = {"agent": "", "claimed_at": None, "connected_at": None, "offered_to": "", "offered_at": None}
    mine = entries.c.entry_id == entry_id
    due = entries.c.call_back != CallBack.NONE.value
    claimed = entries.c.state == QueueState.CLAIMED.value
    connection.execute(
        update(entries).where(mine, claimed, due).values({**values, "state": QueueState.ABANDONED.value})
    )
    connection.execute(update(entries).where(mine, claimed, ~due).values({**values, "state": QueueState.WAITING.value}))


def agent_of(row: Row[Any]) -> Agent:
    """An agent as a noun."""
    return Agent(
        name=row.name,
        display_name=row.display_name,
        state=AgentState(row.state),
        reason=row.reason,
        since=row.since,
        seen_at=row.seen_at,
        skills=tuple(row.skills),
        extension=row.extension,
        entry_id="" if row.entry_id is None else str(row.entry_id),
    )


def number(entry_id: str) -> int:
    """The number of an entry as users send it."""
    if not entry_id.isascii() or not entry_id.isdigit():
        raise refused("entry_unknown", "没有这条排队记录。")
    return int(entry_id)


def refused(code: str, message: str) -> StorageError:
    """What an agent asked for cannot be done."""
    return StorageError(message, code=code, retryable=False)


def _entry(connection: Connection, entry_id: int) -> QueueEntry:
    return entry_of(connection.execute(select(entries).where(entries.c.entry_id == entry_id)).one(), 0)
