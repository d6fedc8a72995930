"""What everybody who takes calls must do for the pipeline."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.takers import FakeTakers
from tests.support.databases import WITH_FAKE, new_database
from tests.support.nouns import hand_off
from tests.support.office import employ, new_office
from voicebot.desk.taking import CallTaking
from voicebot.pipeline.handoff import Taker, Takers
from voicebot.storage.changes import Changes


@pytest.fixture(params=WITH_FAKE)
async def takers(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Takers]:
    """Somebody who takes call-1 and then nothing more."""
    if request.param == "fake":
        yield FakeTakers(Taker("mei", ""), after_s=0.05)
        return
    with new_database(request.param, tmp_path) as database:
        clock, changes = FakeClock(), Changes(database)
        office = new_office(database, clock, changes=changes)
        await employ(office, "mei")
        entry = await office.record.queue.join(hand_off("call-1"))
        await office.desk.agents.arrive("mei")

        async def take() -> None:
            await asyncio.sleep(0.05)
            await office.desk.agents.take("mei", entry.entry_id)

        taking = asyncio.create_task(take())
        listening = asyncio.create_task(changes.run())
        yield CallTaking(database, clock, changes)
        await taking
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def test_a_call_hears_who_took_it(takers: Takers) -> None:
    assert await asyncio.wait_for(takers.taken("call-1"), 5) == Taker("mei", "")


async def test_waiting_can_be_given_up(takers: Takers) -> None:
    waiting = asyncio.create_task(takers.taken("nobody"))
    await asyncio.sleep(0)
    waiting.cancel()
    assert isinstance((await asyncio.gather(waiting, return_exceptions=True))[0], asyncio.CancelledError)


async def test_a_call_hears_when_nobody_has_it_any_more(takers: Takers) -> None:
    assert await asyncio.wait_for(takers.released("nobody"), 5) == "done"


@pytest.mark.parametrize("outcome", ["answered", "no_answer"])
async def test_outcomes_and_ends_are_taken_for_any_call(takers: Takers, outcome: str) -> None:
    await takers.put_through("nobody", outcome)
    await takers.line_over("nobody")
