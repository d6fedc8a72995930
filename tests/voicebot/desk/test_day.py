"""A day at the hotline in simulated time on a real store: callers, fifty agents, and whatever dies on the way.

Beside the store stands a plain model that says what must be so: who waits, who rings, who talks. The two are compared
after every event, so that a call that is lost, offered twice or passed over is found at that very moment.
"""

import asyncio
import heapq
import random
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import Connection, func, insert, select

from tests.fakes.clock import FakeClock
from tests.support.databases import BOTH, new_database, opened
from tests.support.nouns import call_start, hand_off
from tests.support.scissors import PLACES, Scissors
from voicebot.core.call import CallBack, CallEnd, HandOffRequest
from voicebot.core.errors import StorageError
from voicebot.desk.agent_queue import SqlAgentQueue
from voicebot.desk.agents import Agents, AgentState
from voicebot.desk.assignment import Assigner
from voicebot.desk.order import turn_at
from voicebot.desk.settings import DeskSettings
from voicebot.desk.taking import CallTaking
from voicebot.storage import workers
from voicebot.storage.calls import SqlCallStore
from voicebot.storage.changes import Changes
from voicebot.storage.database import Database
from voicebot.storage.tables import accounts, agents, calls
from voicebot.storage.tables import queue_entries as entries

Result = TypeVar("Result")

WORKERS = 3
SETTINGS = DeskSettings(ring_s=20, wrap_up_s=30, lost_after_s=600)
_BEGIN = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
_BEAT_S, _WORKER_BEAT_S, _MIND_S = 280.0, 30.0, 5.0
_MEAN_LIFE_S = 6000.0  # of an agent's page
_TRIES = 20
_FLOOR = select(agents.c.name, agents.c.state, entries.c.call_id).outerjoin(
    entries, entries.c.entry_id == agents.c.entry_id
)
_WAITING = select(entries.c.call_id).where(entries.c.state == "waiting")
_OVER = _WAITING.join(calls, calls.c.call_id == entries.c.call_id).where(calls.c.end.is_not(None))
_DUE = select(entries.c.entry_id).where(
    entries.c.state == "abandoned", entries.c.call_back.in_((CallBack.ASKED.value, CallBack.MISSED.value))
)


class Worker:
    """A process: its connections, the lines of its calls, its share of the pages and of the assignment."""

    def __init__(self, number: int, database: Database, clock: FakeClock):
        changes = Changes(database)
        me = workers.Worker(f"worker-{number}", f"machine-{number}", 1, "")  # dead when it gives no sign of life
        self.database, self.scissors = database, Scissors(database)
        self.queue = SqlAgentQueue(database, clock, SETTINGS, changes)
        self.agents = Agents(database, clock, SETTINGS, changes)
        self.assigner = Assigner(database, clock, SETTINGS, changes)
        self.calls = SqlCallStore(database, clock, worker=me, changes=changes)
        self.taking = CallTaking(database, clock, changes)

    async def settle(self) -> None:
        """Wait for what nobody waits for any more: a cancelled operation goes on in its thread."""
        loop = asyncio.get_running_loop()
        for threads in {self.database._writers, self.database._readers}:
            barrier = threading.Barrier(threads._max_workers)
            await asyncio.gather(*(loop.run_in_executor(threads, barrier.wait) for _ in range(barrier.parties)))


class Day:
    """Events in the order of their time, from one seed."""

    def __init__(self, database: Database, count: int, people: int, seed: int):
        self.dice, self.clock = random.Random(seed), FakeClock(_BEGIN)
        self.people = [f"agent-{index:02d}" for index in range(people)]
        self.url = database.url.render_as_string(hide_password=False)
        self.stack = ExitStack()
        self.events: list[tuple[float, int, str, str]] = []
        self.planned, self.to_come = 0, count
        self.keys: dict[str, tuple[datetime, int]] = {}  # call to its place
        self.waiting: set[str] = set()
        self.offered: dict[str, str] = {}  # agent to call
        self.talking: dict[str, str] = {}  # agent to call
        self.alive: set[str] = set()
        self.at_telephone: set[str] = set()  # agents whose call went to their telephone
        self.generation: Counter[str] = Counter()
        self.served: Counter[str] = Counter()
        self.gave_up: set[str] = set()
        self.line: dict[str, Worker | None] = {}  # call to the worker that has it on the line; None once that died
        self.deaths: Counter[str] = Counter()
        self.cuts: Counter[str] = Counter()
        self.minded = self.beaten = 0.0
        self.over: set[str] = set()
        self.started = 0
        self.workers = [self._start() for _ in range(WORKERS)]
        self._hire(database)
        at = 0.0
        for index in range(count):
            at += self.dice.expovariate(people / 230)  # the agents are nearly always busy
            self.plan(at, "join", f"call-{index}")
        for kind, times in (("kill_worker", count // 200), ("die_talking", count // 100), ("cut", count // 5)):
            for index in range(max(4, times)):
                self.plan(self.dice.uniform(0.2, 1) * at, kind, PLACES[index % len(PLACES)])

    def plan(self, at: float, kind: str, who: str) -> None:
        self.planned += 1
        heapq.heappush(self.events, (at, self.planned, kind, who))

    @property
    def now(self) -> float:
        return (self.clock.now() - _BEGIN).total_seconds()

    @property
    def worker(self) -> Worker:
        """Whoever answers: pages and programs reach any of them."""
        return self.dice.choice(self.workers)

    async def run(self) -> None:
        for name in self.people:
            await self.come(name)
        while self.to_come or self.waiting or self.offered or self.talking:
            at, _, kind, who = heapq.heappop(self.events)
            self.clock.advance(max(0.0, at - self.now))
            await getattr(self, kind)(who)
            if kind != "beat" or self.dice.random() < 0.2:
                await self.after()

    async def sure(self, work: Callable[[], Awaitable[Result]]) -> Result:
        """As people at a page, a call's record and the assignment do: once more until the database answers."""
        for _ in range(_TRIES):
            try:
                return await work()
            except StorageError as error:
                if not error.retryable:
                    raise
        raise AssertionError("the database does not come back")

    async def read(self, work: Callable[[Connection], Result]) -> Result:
        worker = self.worker
        return await self.sure(lambda: worker.database.read(work))

    async def after(self) -> None:
        if self.now >= self.minded + _MIND_S:
            self.minded = self.now
            await self.sure(self.worker.assigner.mind)
            over = set(await self.read(lambda connection: connection.execute(_OVER).scalars().all()))
            assert not over & self.over  # whose line is gone does not wait through two rounds
            self.over = over
        if self.now >= self.beaten + _WORKER_BEAT_S:
            self.beaten = self.now
            for worker in self.workers:
                await self.sure(worker.calls.beat)
            await self.sure(self.worker.calls.mark_cut_off)
        some = self.dice.sample(self.workers, self.dice.choice([1, 1, 1, 2]))  # two at the same time, now and then
        await asyncio.gather(*(self.sure(worker.assigner.assign) for worker in some))
        await self.look()

    async def look(self) -> None:
        """Compare the floor with the model, and let those who were offered a call react."""
        floor, still = await self.read(
            lambda connection: (connection.execute(_FLOOR).all(), connection.execute(_WAITING).scalars().all())
        )
        waiting = set(still)
        held = [call for _, state, call in floor if state in (AgentState.RINGING, AgentState.TALKING)]
        assert len(held) == len({*held})
        for name, state, _ in floor:
            if name in self.talking and state != AgentState.TALKING:
                self.waiting.add(self.talking.pop(name))  # the desk was lost: the call waits again, at its place
                self.deaths["desk with a call"] += 1
        assert waiting <= self.waiting
        for call in self.waiting - waiting:
            assert self.line[call] is None  # the caller is gone with the worker, and is called back
            self.gave_up.add(call)
        self.waiting = waiting
        offered = {name: call for name, state, call in floor if state == AgentState.RINGING}
        assert {*offered.values()} <= waiting
        new = {name: call for name, call in offered.items() if self.offered.get(name) != call}
        free = sorted(self.keys[call] for call in waiting - ({*offered.values()} - {*new.values()}))
        assert sorted(self.keys[call] for call in new.values()) == free[: len(new)]
        ready = sum(state == AgentState.READY for _, state, _ in floor)
        assert not ready or len(free) == len(new)  # nobody waits while somebody has nothing to do
        self.offered = offered
        for name in new:
            if name in self.alive and self.dice.random() < 0.97:
                self.plan(self.now + self.dice.uniform(1, 15), "accept", name)
        for name, state, _ in floor:
            if name in self.alive and state in (AgentState.PAUSED, AgentState.OFFLINE):
                await self.be_ready(name)

    async def join(self, call: str) -> None:
        self.to_come -= 1
        worker, request = self.worker, self._request(call)
        self.line[call] = worker
        start = call_start(call, caller_number=request.caller_number)
        await self.sure(lambda: worker.calls.begin(start))
        await worker.queue.join(request)  # once: no broken connection may cost a caller the place
        self.keys[call] = (turn_at(request, self.clock.now(), 0, SETTINGS), int(call[5:]))
        self.waiting.add(call)
        if self.dice.random() < 0.1:
            self.plan(self.now + self.dice.expovariate(1 / 60), "hang_up", call)

    async def hang_up(self, call: str) -> None:
        worker = self.line[call]
        if call in self.waiting and worker is not None:
            self.waiting.discard(call)
            self.gave_up.add(call)
            await self.sure(lambda: worker.calls.finish(call, CallEnd.CALLER_HUNG_UP, {}))
            await worker.queue.leave(call, abandoned=True)

    async def accept(self, name: str) -> None:
        call = self.offered.get(name, "")
        if name not in self.alive or call not in self.waiting:
            return
        worker, line = self.worker, self.line[call]
        with suppress(StorageError):  # said twice, when the first answer did not come back
            await self.page_asks(name, worker, lambda: worker.agents.accept(name))
        if not await self.has_in_hand(name, call):
            return
        self.waiting.discard(call)
        self.talking[name] = call
        self.at_telephone.discard(name)
        chance = self.dice.random()
        if line is not None and chance < 0.55:  # put through to a telephone; else the agent speaks from the page
            outcome = "answered" if chance < 0.5 else "busy"
            await line.taking.put_through(call, outcome)
            if outcome == "busy":
                self.waiting.add(self.talking.pop(name))
                return
            self.at_telephone.add(name)
        self.plan(self.now + self.dice.expovariate(1 / 150) + 10, "finish", f"{name}/{call}")

    async def finish(self, who: str) -> None:
        name, _, call = who.partition("/")
        if name not in self.alive or self.talking.get(name) != call:
            return
        worker, line = self.worker, self.line[call]
        back = line is None and self.dice.random() < 0.5  # nobody is there: perhaps somebody else has more luck
        with suppress(StorageError):
            if back:
                await self.page_asks(name, worker, lambda: worker.agents.give_back(name))
            else:
                await self.page_asks(name, worker, lambda: worker.agents.finish(name, "served"))
        if await self.has_in_hand(name, call):
            return  # the page died before it was heard; whoever comes back finishes
        del self.talking[name]
        if back:
            self.waiting.add(call)
            return
        self.served[call] += 1
        if line is not None:
            await self.sure(lambda: line.calls.finish(call, CallEnd.HANDED_OFF, {}))

    async def page_asks(self, name: str, worker: Worker, work: Callable[[], Awaitable[object]]) -> None:
        """What an agent clicks; now and then the page dies before the answer, and nobody asks again."""
        if self.dice.random() > 0.02:
            await self.sure(work)
            return
        await self._broken_off(work)
        await worker.settle()
        await self.die(f"{name}/{self.generation[name]}")

    async def has_in_hand(self, name: str, call: str) -> bool:
        floor = await self.read(lambda connection: connection.execute(_FLOOR).all())
        return (name, AgentState.TALKING, call) in [tuple(row) for row in floor]

    async def come(self, name: str) -> None:
        self.alive.add(name)
        self.generation[name] += 1
        await self.be_ready(name)
        if call := self.talking.get(name):  # back at the desk, with the call still in hand
            self.plan(self.now + 20, "finish", f"{name}/{call}")
        this = f"{name}/{self.generation[name]}"
        self.plan(self.now + self.dice.uniform(0, _BEAT_S), "beat", this)
        self.plan(self.now + self.dice.expovariate(1 / _MEAN_LIFE_S), "die", this)

    async def be_ready(self, name: str) -> None:
        worker = self.worker
        agent = await self.sure(lambda: worker.agents.arrive(name))
        if agent.state is AgentState.PAUSED:
            await self.sure(lambda: worker.agents.set_state(name, AgentState.READY))

    async def die(self, who: str) -> None:
        """The browser is gone, without a word; it is back soon, late, or after its desk counted as lost."""
        name, _, generation = who.partition("/")
        if name in self.alive and int(generation) == self.generation[name]:
            self.go(name, self.dice.choice([15, 30, 200, 900]))

    async def die_talking(self, _: str) -> None:
        """An agent who speaks with a caller from the page is gone for so long that the caller must wait again."""
        if there := sorted(name for name in self.alive & self.talking.keys() if name not in self.at_telephone):
            self.go(self.dice.choice(there), 1800)

    def go(self, name: str, away_s: float) -> None:
        self.alive.discard(name)
        self.deaths["agent in " + ("a call" if name in self.talking else "none")] += 1
        self.plan(self.now + away_s, "come", name)

    async def cut(self, where: str) -> None:
        self.worker.scissors.cut(where, self.dice.randrange(6))

    async def beat(self, who: str) -> None:
        name, _, generation = who.partition("/")
        if name in self.alive and int(generation) == self.generation[name]:
            worker = self.worker
            await self.sure(lambda: worker.agents.beat(name))
            self.plan(self.now + _BEAT_S, "beat", who)

    async def kill_worker(self, _: str) -> None:
        """A worker dies in the middle of assigning, with its connections and the lines of its calls."""
        index = self.dice.randrange(WORKERS)
        dead = self.workers[index]
        await self._broken_off(dead.assigner.assign)
        await asyncio.to_thread(dead.scissors.cut_all)
        await asyncio.to_thread(dead.database.close)
        self.cuts += dead.scissors.cuts
        for call in [call for call, worker in self.line.items() if worker is dead]:
            self.line[call] = None
        on_the_line = len([call for call in {*self.waiting, *self.talking.values()} if self.line[call] is None])
        self.deaths["worker with " + ("calls" if on_the_line else "none")] += 1
        self.workers[index] = self._start()
        await self.sure(self.workers[index].calls.mark_cut_off)

    async def _broken_off(self, work: Callable[[], Awaitable[object]]) -> None:
        async def whole() -> None:
            await work()

        task = asyncio.create_task(whole())
        for _ in range(self.dice.randrange(6)):
            await asyncio.sleep(0)
        await asyncio.sleep(self.dice.choice([0, 0.001, 0.003]))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def call_back_everybody(self) -> int:
        """Everybody on the list is called back, though two agents reach for each; returns how many there were."""
        for worker in self.workers:
            worker.scissors.disarm()
        self.clock.advance(SETTINGS.wrap_up_s + 1)
        due = await self.read(lambda connection: connection.execute(_DUE).scalars().all())
        for entry_id in map(str, due):
            one, other = self.dice.sample(self.people, 2)
            for name in (one, other):
                await self.be_ready(name)
            first, second = self.workers[0].agents, self.workers[1].agents
            took = await asyncio.gather(first.take(one, entry_id), second.take(other, entry_id), return_exceptions=True)
            (refused,) = [each for each in took if isinstance(each, BaseException)]
            assert isinstance(refused, StorageError)
            assert refused.code == "entry_taken"
            await first.finish(one if refused is took[1] else other, "called back")
        return len(due)

    def _start(self) -> Worker:
        self.started += 1
        database = self.stack.enter_context(opened(self.url, deadline_ms=10_000))
        return Worker(self.started, database, self.clock)

    def _request(self, call: str) -> HandOffRequest:
        priority = self.dice.choices([0, 4, 5, 9], [1, 2, 14, 3])[0]
        request = hand_off(call, priority=priority)
        return replace(request, draft=None, turns=(), caller_number=f"1390000{call[5:]:0>5}")

    def _hire(self, database: Database) -> None:
        row = {
            "display_name": "", "role": "agent", "skills": ["general"], "extension": "", "password_hash": "",
            "must_change": False, "failures": 0, "created_at": self.clock.now() - timedelta(days=1),
        }  # fmt: skip
        names = [{**row, "name": name} for name in self.people]
        database.run_now(lambda connection: connection.execute(insert(accounts), names))


@pytest.mark.parametrize(
    ("count", "people"),
    [(100, 10), pytest.param(10_000, 50, marks=[pytest.mark.long, pytest.mark.timeout(7200)])],
    ids=["100 calls", "10000 calls"],
)
@pytest.mark.parametrize("kind", BOTH)
async def test_no_call_is_lost_none_is_served_twice_and_the_order_is_right(
    kind: str, tmp_path: Path, count: int, people: int
) -> None:
    with new_database(kind, tmp_path) as database:
        day = Day(database, count, people, seed=count)
        with day.stack:
            await day.run()
            everyone = {f"call-{index}" for index in range(count)}
            assert set(day.served) | day.gave_up == everyone
            assert not set(day.served) & day.gave_up
            assert set(day.served.values()) == {1}
            assert await day.call_back_everybody() == len(day.gave_up)
            states = select(entries.c.state, func.count()).group_by(entries.c.state)
            rows = await database.read(lambda connection: connection.execute(states).all())
            assert dict(map(tuple, rows)) == {"done": count}
            cuts = sum((worker.scissors.cuts for worker in day.workers), day.cuts)
            print(
                f"\n{kind}: {count} calls, {len(day.gave_up)} called back, died: {dict(day.deaths)}, cut: {dict(cuts)}"
            )
            assert min(cuts[where] for where in PLACES) > 0
            assert min(day.deaths[who] for who in ("agent in a call", "desk with a call", "worker with calls")) > 0
