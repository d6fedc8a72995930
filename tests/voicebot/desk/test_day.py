"""A day at the hotline in simulated time on a real store: callers, fifty agents, and whatever dies on the way."""

import asyncio
import heapq
import os
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, text

from tests.fakes.clock import FakeClock
from tests.support.databases import BOTH, new_database, opened
from tests.support.nouns import hand_off
from voicebot.core.call import HandOffRequest
from voicebot.desk.agent_queue import SqlAgentQueue
from voicebot.desk.agents import Agents, AgentState
from voicebot.desk.assignment import Assigner
from voicebot.desk.order import turn_at
from voicebot.desk.settings import DeskSettings
from voicebot.storage.changes import Changes
from voicebot.storage.database import Database
from voicebot.storage.tables import accounts, agents
from voicebot.storage.tables import queue_entries as entries

AGENTS = 50
SETTINGS = DeskSettings(ring_s=20, wrap_up_s=30, lost_after_s=600)
_BEGIN = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
_BEAT_S = 280.0
_MIND_S = 5.0
_FLOOR = select(agents.c.name, agents.c.state, entries.c.call_id).outerjoin(
    entries, entries.c.entry_id == agents.c.entry_id
)


class Day:
    """Events in the order of their time; a plain model beside the store says what must happen."""

    def __init__(self, database: Database, url: str, calls: int, seed: int):
        self.dice, self.clock, self.url = random.Random(seed), FakeClock(_BEGIN), url
        self.stack = ExitStack()
        self.events: list[tuple[float, int, str, str]] = []
        self.count = 0
        self.waiting: dict[str, tuple[datetime, int]] = {}
        self.offered: dict[str, str] = {}  # agent to call
        self.talking: dict[str, str] = {}  # agent to call
        self.alive: set[str] = set()
        self.generation: Counter[str] = Counter()
        self.served: Counter[str] = Counter()
        self.gave_up: set[str] = set()
        self.dead, self.minded = 0, 0.0
        self._hire(database)
        at = 0.0
        for index in range(calls):
            at += self.dice.expovariate(AGENTS / 220)  # the agents are nearly always busy
            self.plan(at, "join", f"call-{index}")
        self.move_in(database)

    def move_in(self, database: Database) -> None:
        """Begin to work with a database: at first, and after the worker has died."""
        changes = Changes(database)
        self.database = database
        self.queue = SqlAgentQueue(database, self.clock, SETTINGS, changes)
        self.agents = Agents(database, self.clock, SETTINGS, changes)
        self.assigner = Assigner(database, self.clock, SETTINGS, changes)

    def plan(self, at: float, kind: str, who: str) -> None:
        self.count += 1
        heapq.heappush(self.events, (at, self.count, kind, who))

    @property
    def now(self) -> float:
        return (self.clock.now() - _BEGIN).total_seconds()

    async def run(self) -> None:
        for index in range(AGENTS):
            await self.come(f"agent-{index:02d}")
        while self.events and (self.waiting or self.offered or self.talking or self._calls_to_come()):
            at, _, kind, who = heapq.heappop(self.events)
            self.clock.advance(max(0.0, at - self.now))
            await getattr(self, kind)(who)
            if kind != "beat" or self.dice.random() < 0.2:
                await self.after()

    def _calls_to_come(self) -> bool:
        return any(kind == "join" for _, _, kind, _ in self.events)

    async def after(self) -> None:
        if self.now >= self.minded + _MIND_S:
            self.minded = self.now
            await self.assigner.mind()
        if self.dice.random() < 0.01:
            await self.kill_worker()
        await self.assigner.assign()
        await self.look()

    async def look(self) -> None:
        """Compare the floor with the model, and let those who were offered a call react."""
        floor = await self.database.read(lambda connection: connection.execute(_FLOOR).all())
        for name, state, _ in floor:
            if name in self.talking and state != AgentState.TALKING:
                lost = self.talking.pop(name)  # the desk was lost: the call waits again, at its place
                self.waiting[lost] = self.keys[lost]
        offered = {name: call for name, state, call in floor if state == AgentState.RINGING}
        new = {name: call for name, call in offered.items() if self.offered.get(name) != call}
        free = sorted(key for call, key in self.waiting.items() if call not in {*offered.values()} - {*new.values()})
        assert sorted(self.keys[call] for call in new.values()) == free[: len(new)]
        self.offered = offered
        for name in new:
            if name in self.alive and self.dice.random() < 0.97:
                self.plan(self.now + self.dice.uniform(1, 15), "accept", name)
        for name, state, _ in floor:
            if name in self.alive and state in (AgentState.PAUSED, AgentState.OFFLINE):
                await self.agents.arrive(name)
                await self.agents.set_state(name, AgentState.READY)

    async def join(self, call: str) -> None:
        request = self._request(call)
        await self.queue.join(request)
        self.keys[call] = self.waiting[call] = (turn_at(request, self.clock.now(), 0, SETTINGS), int(call[5:]))
        if self.dice.random() < 0.1:
            self.plan(self.now + self.dice.expovariate(1 / 60), "hang_up", call)

    async def hang_up(self, call: str) -> None:
        if call in self.waiting:
            await self.queue.leave(call, abandoned=True)
            del self.waiting[call]
            self.gave_up.add(call)

    async def accept(self, name: str) -> None:
        call = self.offered.get(name, "")
        if name not in self.alive or call not in self.waiting:
            return
        entry = await self.agents.accept(name)
        assert entry.request.call_id == call
        del self.waiting[call]
        self.talking[name] = call
        self.plan(self.now + self.dice.expovariate(1 / 150) + 10, "finish", f"{name}/{call}")

    async def finish(self, who: str) -> None:
        name, _, call = who.partition("/")
        if name in self.alive and self.talking.get(name) == call:
            await self.agents.finish(name, "served")
            self.served[self.talking.pop(name)] += 1

    async def come(self, name: str) -> None:
        self.alive.add(name)
        agent = await self.agents.arrive(name)
        if agent.state is AgentState.PAUSED:
            await self.agents.set_state(name, AgentState.READY)
        elif call := self.talking.get(name):  # back at the desk, with the call still in hand
            self.plan(self.now + 20, "finish", f"{name}/{call}")
        self.generation[name] += 1
        self.plan(self.now + self.dice.uniform(0, _BEAT_S), "beat", f"{name}/{self.generation[name]}")

    async def beat(self, who: str) -> None:
        name, _, generation = who.partition("/")
        if name not in self.alive or int(generation) != self.generation[name]:
            return
        if self.dice.random() < 0.01:
            self.alive.discard(name)  # the browser is gone, without a word
            self.dead += 1
            self.plan(self.now + self.dice.choice([30, 400, 1800]), "come", name)
            return
        await self.agents.beat(name)
        self.plan(self.now + _BEAT_S, "beat", who)

    async def kill_worker(self) -> None:
        """The worker dies in the middle of assigning; another one takes its place. Connections break, too."""
        work = asyncio.create_task(self.assigner.assign())
        for _ in range(self.dice.randrange(6)):
            await asyncio.sleep(0)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        if not self.database.is_sqlite:
            kill = text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'idle'"
            )
            await self.database.write(lambda connection: connection.execute(kill).all())
        self.move_in(self.stack.enter_context(opened(self.url)) if self.dice.random() < 0.1 else self.database)

    def _request(self, call: str) -> HandOffRequest:
        priority = self.dice.choices([0, 4, 5, 9], [1, 2, 14, 3])[0]
        request = hand_off(call, priority=priority)
        return replace(request, draft=None, turns=(), caller_number=f"1390000{call[5:]:0>5}")

    def _hire(self, database: Database) -> None:
        self.keys: dict[str, tuple[datetime, int]] = {}
        row = {
            "display_name": "", "role": "agent", "skills": ["general"], "extension": "", "password_hash": "",
            "must_change": False, "failures": 0, "created_at": self.clock.now() - timedelta(days=1),
        }  # fmt: skip
        names = [{**row, "name": f"agent-{index:02d}"} for index in range(AGENTS)]
        database.run_now(lambda connection: connection.execute(insert(accounts), names))


LONG = pytest.mark.timeout(3600)


@pytest.fixture(params=BOTH)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with new_database(request.param, tmp_path, deadline_ms=10_000) as database:
        yield database


# Many more calls than a suite has time for: VOICEBOT_TEST_CALLS=10000 pytest -k test_day
SIZES = [200, pytest.param(int(os.environ.get("VOICEBOT_TEST_CALLS", "1000")), marks=[pytest.mark.slow, LONG])]


@pytest.mark.parametrize("calls", SIZES)
async def test_no_call_is_lost_none_is_served_twice_and_the_order_is_right(database: Database, calls: int) -> None:
    url = database.url.render_as_string(hide_password=False)
    day = Day(database, url, calls, seed=calls)
    with day.stack:
        await day.run()
        everyone = {f"call-{index}" for index in range(calls)}
        assert set(day.served) | day.gave_up == everyone
        assert not set(day.served) & day.gave_up
        assert set(day.served.values()) == {1}
        assert day.dead > 0
        states = select(entries.c.state, func.count()).group_by(entries.c.state)
        rows = await database.read(lambda connection: connection.execute(states).all())
        assert dict(map(tuple, rows)) == {"done": len(day.served), "abandoned": len(day.gave_up)}
