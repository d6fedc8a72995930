"""The seam between a call's pipeline and the agents: who has taken the call, and how putting it through went."""

from typing import Any

from sqlalchemy import Connection, Row, select, update

from voicebot.core.call import CallBack, QueueState
from voicebot.core.ports import Clock
from voicebot.desk.agents import AgentState, back_to_queue, move
from voicebot.desk.assignment import NO_ANSWER
from voicebot.pipeline.handoff import TO_BOT, Taker
from voicebot.storage.changes import AGENTS, QUEUE, Changes
from voicebot.storage.database import Database
from voicebot.storage.tables import accounts, agents
from voicebot.storage.tables import queue_entries as entries

_LOOK_AGAIN_S = 5.0  # should a notice be lost, the caller does not wait for ever


class CallTaking:
    """`Takers` on the queue's database."""

    def __init__(self, database: Database, clock: Clock, changes: Changes):
        self._database = database
        self._clock = clock
        self._changes = changes

    async def taken(self, call_id: str) -> Taker:
        """Wait until an agent has taken the call."""
        claimed = (entries.c.call_id == call_id) & (entries.c.state == QueueState.CLAIMED.value)
        query = (
            select(entries.c.agent, accounts.c.extension)
            .outerjoin(accounts, accounts.c.name == entries.c.agent)
            .where(claimed)
        )
        with self._changes.watch() as watch:
            while True:
                row = await self._database.read(lambda connection: connection.execute(query).first())
                if row is not None:
                    return Taker(row.agent, row.extension or "")
                await watch.next(_LOOK_AGAIN_S)

    async def released(self, call_id: str) -> str:
        """Wait until no agent has the call in hand any more: "done", "bot", or "back" when it waits again."""
        newest = select(entries.c.state, entries.c.outcome).where(entries.c.call_id == call_id)
        query = newest.order_by(entries.c.entry_id.desc()).limit(1)
        with self._changes.watch() as watch:
            while True:
                row = await self._database.read(lambda connection: connection.execute(query).first())
                if row is None or row.state != QueueState.CLAIMED.value:
                    return _how(row)
                await watch.next(_LOOK_AGAIN_S)

    async def put_through(self, call_id: str, outcome: str) -> None:
        """The call was answered at the agent's telephone, or it waits again and the agent is paused."""
        now = self._clock.now()
        claimed = (entries.c.call_id == call_id) & (entries.c.state == QueueState.CLAIMED.value)

        def work(connection: Connection) -> None:
            row = connection.execute(select(entries.c.entry_id, entries.c.agent).where(claimed)).first()
            if row is None:
                return
            if outcome == "answered":
                connection.execute(
                    update(entries).where(entries.c.entry_id == row.entry_id).values(connected_at=now, outcome=outcome)
                )
                return
            back_to_queue(connection, row.entry_id)
            if self._has_in_hand(connection, row.agent, row.entry_id):
                move(connection, row.agent, AgentState.PAUSED, now, NO_ANSWER)

        await self._changes.write(work, QUEUE, AGENTS, harmless_twice=True)

    async def line_over(self, call_id: str) -> None:
        """The caller is gone before they spoke to the agent: the agent calls back."""
        unheard = (
            (entries.c.call_id == call_id)
            & (entries.c.state == QueueState.CLAIMED.value)
            & entries.c.connected_at.is_(None)
        )
        statement = update(entries).where(unheard).values(call_back=CallBack.ASKED.value)
        await self._changes.write(lambda connection: connection.execute(statement), QUEUE, harmless_twice=True)

    @staticmethod
    def _has_in_hand(connection: Connection, name: str, entry_id: int) -> bool:
        mine = select(agents.c.name).where(agents.c.name == name, agents.c.entry_id == entry_id)
        return connection.execute(mine).first() is not None


def _how(row: Row[Any, Any] | None) -> str:
    if row is not None and row.state == QueueState.WAITING.value:
        return "back"
    return "bot" if row is not None and row.outcome == TO_BOT else "done"
