"""What every human queue must do."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.agent_queue import FakeAgentQueue
from tests.fakes.clock import FakeClock
from tests.support.databases import WITH_FAKE, new_database
from tests.support.nouns import hand_off
from voicebot.core.call import QueueState
from voicebot.core.ports import AgentQueue
from voicebot.desk.agent_queue import SqlAgentQueue


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=WITH_FAKE)
def queue(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> Iterator[AgentQueue]:
    if request.param == "fake":
        yield FakeAgentQueue(clock)
        return
    with new_database(request.param, tmp_path) as database:
        yield SqlAgentQueue(database, clock)


async def _order(queue: AgentQueue) -> list[str]:
    return [entry.request.call_id for entry in await queue.waiting()]


async def test_a_place_holds_everything_that_is_known(queue: AgentQueue, clock: FakeClock) -> None:
    entry = await queue.join(hand_off("call-1"))
    assert (entry.request, entry.joined_at, entry.state) == (hand_off("call-1"), clock.now(), QueueState.WAITING)
    assert (entry.position, entry.agent) == (1, "")
    assert await queue.waiting() == (entry,)


async def test_danger_comes_first_and_then_who_waits_longest(queue: AgentQueue, clock: FakeClock) -> None:
    for call_id, priority in (("early", 5), ("late", 5), ("danger", 0), ("patient", 9)):
        await queue.join(hand_off(call_id, priority=priority))
        clock.advance(1)
    assert await _order(queue) == ["danger", "early", "late", "patient"]
    assert [entry.position for entry in await queue.waiting()] == [1, 2, 3, 4]


async def test_the_position_told_to_the_caller_counts_those_before_them(queue: AgentQueue) -> None:
    await queue.join(hand_off("call-1"))
    await queue.join(hand_off("call-2"))
    assert (await queue.join(hand_off("urgent", priority=0))).position == 1
    assert (await queue.join(hand_off("call-3"))).position == 4


async def test_the_position_of_a_call_changes_as_others_leave(queue: AgentQueue, clock: FakeClock) -> None:
    await queue.join(hand_off("call-1"))
    clock.advance(1)
    await queue.join(hand_off("call-2"))
    found = await queue.find("call-2")
    assert found is not None
    assert found.position == 2
    await queue.leave("call-1", abandoned=True)
    found = await queue.find("call-2")
    assert found is not None
    assert (found.position, found.state) == (1, QueueState.WAITING)
    await queue.leave("call-2", abandoned=False)
    found = await queue.find("call-2")
    assert found is not None
    assert found.state is QueueState.DONE
    assert await queue.find("nobody") is None


async def test_calls_of_the_same_instant_keep_the_order_of_asking(queue: AgentQueue) -> None:
    for index in range(12):
        await queue.join(hand_off(f"call-{index}"))
    assert await _order(queue) == [f"call-{index}" for index in range(12)]


async def test_asking_again_keeps_the_place(queue: AgentQueue, clock: FakeClock) -> None:
    first = await queue.join(hand_off("call-1"))
    await queue.join(hand_off("call-2"))
    clock.advance(60)
    assert await queue.join(hand_off("call-1", priority=0)) == first
    assert await _order(queue) == ["call-1", "call-2"]


async def test_a_claimed_call_has_left_the_line(queue: AgentQueue) -> None:
    await queue.join(hand_off("call-1"))
    claimed = await queue.claim("agent-7", ("general",))
    assert claimed is not None
    assert (claimed.request, claimed.state, claimed.agent, claimed.position) == (
        hand_off("call-1"),
        QueueState.CLAIMED,
        "agent-7",
        0,
    )
    assert await queue.waiting() == ()
    assert await queue.claim("agent-8", ("general",)) is None


async def test_an_agent_gets_only_calls_that_fit_their_skills(queue: AgentQueue, clock: FakeClock) -> None:
    await queue.join(hand_off("dialect", skill="dialect"))
    clock.advance(1)
    await queue.join(hand_off("general"))
    claimed = await queue.claim("agent-7", ("general", "enterprise"))
    assert claimed is not None
    assert claimed.request.call_id == "general"
    assert await queue.claim("agent-7", ("general", "enterprise")) is None
    assert await queue.claim("agent-7", ()) is None
    assert await _order(queue) == ["dialect"]


async def test_every_call_is_claimed_exactly_once(queue: AgentQueue) -> None:
    for index in range(20):
        await queue.join(hand_off(f"call-{index}"))
    claims = await asyncio.gather(*(queue.claim(f"agent-{index}", ("general",)) for index in range(30)))
    taken = [claim.request.call_id for claim in claims if claim is not None]
    assert sorted(taken) == sorted(f"call-{index}" for index in range(20))


@pytest.mark.parametrize("abandoned", [True, False])
async def test_a_call_that_left_can_queue_again_at_the_end(
    queue: AgentQueue, clock: FakeClock, abandoned: bool
) -> None:
    first = await queue.join(hand_off("call-1"))
    await queue.join(hand_off("call-2"))
    await queue.leave("call-1", abandoned=abandoned)
    assert await _order(queue) == ["call-2"]
    clock.advance(1)
    again = await queue.join(hand_off("call-1"))
    assert again.entry_id != first.entry_id
    assert await _order(queue) == ["call-2", "call-1"]


async def test_leaving_without_a_place_does_no_harm(queue: AgentQueue) -> None:
    await queue.leave("nobody", abandoned=True)
    assert await queue.waiting() == ()
