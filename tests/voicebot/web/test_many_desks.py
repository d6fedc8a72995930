"""A long queue and many desks on one machine: every desk sees every change, and soon."""

import asyncio
import re
import time
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.support.databases import BOTH, new_database
from tests.support.nouns import hand_off
from tests.support.office import Person, employ, new_office, opened_office, visitor
from voicebot.core.clock import SystemClock
from voicebot.desk.agents import AgentState
from voicebot.desk.assignment import Assigner
from voicebot.desk.settings import DeskSettings
from voicebot.storage.changes import Changes
from voicebot.web.settings import WebSettings

pytestmark = [pytest.mark.network, pytest.mark.slow]

_NEW_CALL = re.compile(rb'"call_id": "(new-\d+)"')
DESKS, WAITING, NEW = 100, 500, 20


@pytest.mark.parametrize("kind", BOTH)
async def test_a_hundred_desks_see_five_hundred_calls_and_each_new_one(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = WebSettings(port=0, logins_per_minute=10_000)
    with new_database(kind, tmp_path, deadline_ms=10_000, max_pending=5000) as database:
        clock, changes = SystemClock(), Changes(database)
        office = new_office(database, clock, web=settings, changes=changes)
        assigner = Assigner(database, clock, DeskSettings(ring_s=120), changes)
        for index in range(WAITING):
            await office.record.queue.join(hand_off(f"old-{index}", skill="dialect"))
        for index in range(DESKS):
            await employ(office, f"agent-{index:03d}")
        tasks = [asyncio.create_task(work()) for work in (changes.run, office.desk.board.run)]
        async with opened_office(office, settings) as server, AsyncExitStack() as stack:
            people = [await stack.enter_async_context(visitor(server)) for _ in range(DESKS)]
            for index, person in enumerate(people):
                assert await person.log_in(f"agent-{index:03d}") == 200
            seen: list[dict[str, float]] = [{} for _ in people]
            watching = [asyncio.create_task(_watch(person, times)) for person, times in zip(people, seen, strict=True)]
            await asyncio.sleep(2)
            for index in range(DESKS):
                await office.desk.agents.set_state(f"agent-{index:03d}", AgentState.READY)
            joined: dict[str, float] = {}
            assigned_ms = []
            for index in range(NEW):
                joined[f"new-{index}"] = began = time.monotonic()
                await office.record.queue.join(hand_off(f"new-{index}", priority=0))
                assert await assigner.assign() == 1
                assigned_ms.append((time.monotonic() - began) * 1000)
                await asyncio.sleep(0.2)
            await asyncio.sleep(2)
            for task in (*watching, *tasks):
                task.cancel()
            await asyncio.gather(*watching, *tasks, return_exceptions=True)
        missed = [call for times in seen for call in joined if call not in times]
        assert missed == []
        lags_ms = sorted((times[call] - joined[call]) * 1000 for times in seen for call in joined)
        p95 = lags_ms[int(len(lags_ms) * 0.95)]
        assigned_p95 = sorted(assigned_ms)[int(NEW * 0.95)]
        with capsys.disabled():
            print(f"\n{kind}: assigned p95 {assigned_p95:.0f} ms, on {DESKS} desks p95 {p95:.0f} ms")
        # Far wide of what is measured (79 and 147 ms): a stall is found, a busy machine does not fail.
        assert assigned_p95 < 5000
        assert p95 < 10_000


async def _watch(person: Person, times: dict[str, float]) -> None:
    async with person.http.get(person.url + "/api/desk/events?desk=1", timeout=None) as stream:
        buffer = b""
        async for piece in stream.content.iter_any():
            buffer += piece
            *events, buffer = buffer.split(b"\n\n")
            now = time.monotonic()
            for event in events:
                for call_id in _NEW_CALL.findall(event):
                    times.setdefault(call_id.decode(), now)
