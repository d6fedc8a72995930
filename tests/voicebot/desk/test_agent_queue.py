"""The human queue outlives processes, and several of them share it."""

import asyncio
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes.clock import FakeClock
from tests.support.databases import BOTH, database_url, opened
from tests.support.nouns import hand_off
from voicebot.desk.agent_queue import SqlAgentQueue

ROOT = Path(__file__).resolve().parents[3]

_CLAIM_ALL = """
import asyncio, sys
from voicebot.core.clock import SystemClock
from voicebot.desk.agent_queue import SqlAgentQueue
from voicebot.storage.database import Database
from voicebot.storage.settings import StorageSettings

async def main(url, agent):
    queue = SqlAgentQueue(Database(StorageSettings(url=url)), SystemClock())
    while entry := await queue.claim(agent, ("general",)):
        print(entry.request.call_id, flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture(params=BOTH)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with database_url(request.param, tmp_path) as url:
        yield url


async def test_the_queue_survives_a_restart(url: str) -> None:
    clock = FakeClock()
    with opened(url) as database:
        before = await SqlAgentQueue(database, clock).join(hand_off("call-1"))
        await SqlAgentQueue(database, clock).join(hand_off("call-2"))
    with opened(url) as database:
        queue = SqlAgentQueue(database, clock)
        clock.advance(60)
        assert await queue.join(hand_off("call-1")) == before
        assert [entry.request.call_id for entry in await queue.waiting()] == ["call-1", "call-2"]


async def test_a_call_that_asks_twice_at_once_gets_one_place(url: str) -> None:
    with ExitStack() as stack:
        queues = [SqlAgentQueue(stack.enter_context(opened(url)), FakeClock()) for _ in range(3)]
        entries = await asyncio.gather(*(queue.join(hand_off("call-1")) for queue in queues * 4))
        assert len({entry.entry_id for entry in entries}) == 1
        assert len(await queues[0].waiting()) == 1


@pytest.mark.slow
async def test_processes_that_claim_at_the_same_time_never_get_the_same_call(url: str) -> None:
    with opened(url) as database:
        queue = SqlAgentQueue(database, FakeClock())
        for index in range(60):
            await queue.join(hand_off(f"call-{index}"))
        taken = await asyncio.to_thread(_claimed_by_processes, url, 3)
        assert Counter(taken) == Counter(f"call-{index}" for index in range(60))
        assert await queue.waiting() == ()


def _claimed_by_processes(url: str, count: int) -> list[str]:
    processes = [
        subprocess.Popen([sys.executable, "-c", _CLAIM_ALL, url, f"agent-{index}"], stdout=subprocess.PIPE, text=True)
        for index in range(count)
    ]
    return [line for process in processes for line in process.communicate(timeout=60)[0].split()]


@pytest.mark.parametrize("seed", range(3))
async def test_no_call_is_lost_or_served_twice_whatever_order_things_happen_in(url: str, seed: int) -> None:
    """Callers, agents and hang-ups in random order, from three places at once, checked against a plain model."""
    dice, clock = random.Random(seed), FakeClock()
    waiting: dict[str, tuple[int, int]] = {}
    claimed: set[str] = set()
    with ExitStack() as stack:
        queues = [SqlAgentQueue(stack.enter_context(opened(url)), clock) for _ in range(3)]
        for step in range(150):
            queue = dice.choice(queues)
            clock.advance(0.001)
            match dice.choice(["join", "join", "claim", "leave"]):
                case "join":
                    call_id, priority = f"call-{dice.randrange(60)}", dice.choice([0, 5, 5, 9])
                    request = hand_off(call_id, priority=priority)
                    await queue.join(replace(request, caller_number=f"1380013{call_id[5:]:0>4}"))
                    if call_id not in waiting and call_id not in claimed:
                        waiting[call_id] = (priority, step)
                case "claim":
                    entry = await queue.claim("agent", ("general",))
                    expected = min(waiting, key=lambda call_id: waiting[call_id], default=None)
                    assert (entry.request.call_id if entry else None) == expected
                    if expected:
                        del waiting[expected]
                        claimed.add(expected)
                case "leave":
                    call_id = dice.choice([*waiting, *claimed, "nobody"])
                    await queue.leave(call_id, abandoned=dice.random() < 0.5)
                    waiting.pop(call_id, None)
                    claimed.discard(call_id)
        line = [entry.request.call_id for entry in await queues[0].waiting()]
        assert line == sorted(waiting, key=lambda call_id: waiting[call_id])
