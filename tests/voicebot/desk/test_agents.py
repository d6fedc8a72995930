"""Agents and the calls that are offered to them, on both databases, with time handed in."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from tests.fakes.clock import FakeClock
from tests.support.databases import BOTH, new_database
from tests.support.nouns import call_start, hand_off
from tests.support.scissors import PLACES, Scissors
from voicebot.core.call import CallBack, CallEnd, HandOffReason, QueueState
from voicebot.core.errors import StorageError
from voicebot.desk.agent_queue import SqlAgentQueue
from voicebot.desk.agents import Agents, AgentState
from voicebot.desk.assignment import NO_ANSWER, Assigner
from voicebot.desk.figures import Figures
from voicebot.desk.settings import DeskSettings
from voicebot.desk.taking import CallTaking
from voicebot.pipeline.handoff import TO_BOT, Taker
from voicebot.storage.accounts import Account, Accounts, Role
from voicebot.storage.calls import SqlCallStore
from voicebot.storage.changes import Changes
from voicebot.storage.database import Database

SETTINGS = DeskSettings(ring_s=20, wrap_up_s=60, lost_after_s=30, overflow_s=120)


class Floor:
    """A queue, its agents, and who brings them together."""

    def __init__(self, database: Database):
        self.database, self.clock, changes = database, FakeClock(), Changes(database)
        self.queue = SqlAgentQueue(database, self.clock, SETTINGS, changes)
        self.agents = Agents(database, self.clock, SETTINGS, changes)
        self.assigner = Assigner(database, self.clock, SETTINGS, changes, is_night=lambda _now: self.night)
        self.taking = CallTaking(database, self.clock, changes)
        self.accounts = Accounts(database, self.clock, hasher=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        self.calls = SqlCallStore(database, self.clock)
        self.night = False

    async def on_duty(self, name: str, *skills: str, extension: str = "") -> None:
        account = Account(name, name, Role.AGENT, skills or ("general",), extension)
        await self.accounts.add(account, "korrekt-pferd-9", actor="test")
        await self.agents.arrive(name)
        await self.agents.set_state(name, AgentState.READY)
        self.clock.advance(1)

    async def states(self) -> dict[str, str]:
        return {agent.name: agent.state.value for agent in await self.agents.all()}

    async def offers(self) -> dict[str, str]:
        await self.assigner.mind()
        await self.assigner.assign()
        return {entry.request.call_id: entry.offered_to for entry in await self.queue.waiting()}


@pytest.fixture(params=BOTH)
def floor(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Floor]:
    with new_database(request.param, tmp_path) as database:
        yield Floor(database)


async def test_the_longest_idle_agent_with_the_skill_is_asked_first(floor: Floor) -> None:
    await floor.on_duty("anna", "general")
    await floor.on_duty("bert", "general", "dialect")
    await floor.queue.join(hand_off("dialect", skill="dialect"))
    await floor.queue.join(hand_off("plain"))
    assert await floor.offers() == {"dialect": "bert", "plain": "anna"}


async def test_who_does_not_answer_is_paused_and_the_next_one_is_asked(floor: Floor) -> None:
    await floor.on_duty("anna")
    await floor.on_duty("bert")
    await floor.queue.join(hand_off("call-1"))
    assert await floor.offers() == {"call-1": "anna"}
    floor.clock.advance(21)
    assert await floor.offers() == {"call-1": "bert"}
    anna = await floor.agents.find("anna")
    assert anna is not None
    assert (anna.state, anna.reason) == (AgentState.PAUSED, NO_ANSWER)
    with pytest.raises(StorageError, match="可能已转给下一位"):
        await floor.agents.accept("anna")
    assert (await floor.agents.accept("bert")).request.call_id == "call-1"


async def test_a_caller_who_gives_up_while_it_rings_sets_the_agent_free(floor: Floor) -> None:
    await floor.on_duty("anna")
    await floor.queue.join(hand_off("call-1"))
    await floor.offers()
    await floor.queue.leave("call-1", abandoned=True)
    assert await floor.states() == {"anna": "ready"}
    entry = await floor.queue.find("call-1")
    assert entry is not None
    assert (entry.state, entry.call_back) == (QueueState.ABANDONED, CallBack.MISSED)


async def test_wrap_up_ends_by_itself(floor: Floor) -> None:
    await floor.on_duty("anna")
    await floor.queue.join(hand_off("call-1"))
    await floor.offers()
    await floor.agents.accept("anna")
    await floor.agents.finish("anna", "served")
    assert await floor.states() == {"anna": "wrap_up"}
    floor.clock.advance(30)
    await floor.agents.beat("anna")
    floor.clock.advance(31)
    await floor.agents.beat("anna")
    await floor.assigner.mind()
    assert await floor.states() == {"anna": "ready"}


async def test_a_lost_desk_gives_the_call_back_at_its_place_unless_it_was_put_through(floor: Floor) -> None:
    await floor.on_duty("anna")
    await floor.on_duty("bert", extension="8002")
    await floor.queue.join(hand_off("call-1"))
    await floor.queue.join(hand_off("call-2"))
    await floor.offers()
    await floor.agents.accept("anna")
    await floor.agents.accept("bert")
    await floor.taking.put_through("call-2", "answered")
    await floor.queue.join(hand_off("call-3"))
    floor.clock.advance(31)
    await floor.assigner.mind()
    assert [entry.request.call_id for entry in await floor.queue.waiting()] == ["call-1", "call-3"]
    assert await floor.states() == {"anna": "offline", "bert": "talking"}


async def test_a_call_whose_line_died_waits_no_longer(floor: Floor) -> None:
    await floor.calls.begin(call_start("call-1"))
    await floor.queue.join(hand_off("call-1"))
    await floor.calls.finish("call-1", CallEnd.CUT_OFF, {})
    await floor.assigner.mind()
    assert await floor.queue.waiting() == ()
    entry = await floor.queue.find("call-1")
    assert entry is not None
    assert entry.call_back is CallBack.MISSED


async def test_a_special_call_goes_to_anybody_after_a_while(floor: Floor) -> None:
    await floor.on_duty("anna")
    await floor.queue.join(hand_off("dialect", skill="dialect"))
    for _ in range(6):
        assert await floor.offers() == {"dialect": ""}
        floor.clock.advance(SETTINGS.overflow_s / 6)
        await floor.agents.beat("anna")
    assert await floor.offers() == {"dialect": "anna"}


async def test_at_night_a_special_call_goes_to_anybody_at_once(floor: Floor) -> None:
    await floor.on_duty("anna")
    floor.night = True
    await floor.queue.join(hand_off("dialect", skill="dialect"))
    assert await floor.offers() == {"dialect": "anna"}


async def test_who_took_a_call_is_told_to_its_line(floor: Floor) -> None:
    await floor.on_duty("anna", extension="8001")
    await floor.queue.join(hand_off("call-1"))
    await floor.offers()
    await floor.agents.accept("anna")
    assert await floor.taking.taken("call-1") == Taker("anna", "8001")
    await floor.taking.put_through("call-1", "no_answer")
    assert await floor.states() == {"anna": "paused"}
    assert [entry.request.call_id for entry in await floor.queue.waiting()] == ["call-1"]


async def test_a_call_is_passed_on_to_a_colleague_who_is_ready(floor: Floor) -> None:
    await floor.on_duty("anna")
    await floor.on_duty("bert")
    await floor.on_duty("cora")
    await floor.queue.join(hand_off("call-1"))
    await floor.offers()
    await floor.agents.accept("anna")
    await floor.taking.put_through("call-1", "answered")
    await floor.agents.pass_on("anna", "cora")
    assert await floor.taking.released("call-1") == "back"
    assert await floor.states() == {"anna": "wrap_up", "bert": "ready", "cora": "ringing"}
    assert await floor.offers() == {"call-1": "cora"}
    assert (await floor.agents.accept("cora")).request.call_id == "call-1"
    assert await floor.taking.taken("call-1") == Taker("cora", "")


@pytest.mark.parametrize("colleague", ["bert", "nobody", "anna"])
async def test_a_colleague_who_cannot_take_it_leaves_the_call_where_it_is(floor: Floor, colleague: str) -> None:
    await floor.on_duty("anna")
    await floor.on_duty("bert")
    await floor.agents.set_state("bert", AgentState.PAUSED, SETTINGS.pause_reasons[0])
    await floor.queue.join(hand_off("call-1"))
    await floor.offers()
    await floor.agents.accept("anna")
    with pytest.raises(StorageError) as refused:
        await floor.agents.pass_on("anna", colleague)
    assert refused.value.code == "colleague_busy"
    assert await floor.states() == {"anna": "talking", "bert": "paused"}
    assert await floor.taking.taken("call-1") == Taker("anna", "")
    with pytest.raises(StorageError) as refused:
        await floor.agents.pass_on("bert", "anna")
    assert refused.value.code == "no_call"


async def test_a_passed_on_call_that_is_not_taken_goes_to_the_next_one(floor: Floor) -> None:
    await floor.on_duty("anna")
    await floor.on_duty("bert")
    await floor.queue.join(hand_off("call-1"))
    await floor.offers()
    await floor.agents.accept("anna")
    await floor.agents.pass_on("anna", "bert")
    await floor.agents.set_state("anna", AgentState.READY)
    floor.clock.advance(SETTINGS.ring_s + 1)
    await floor.agents.beat("anna")
    assert await floor.offers() == {"call-1": "anna"}


@pytest.mark.parametrize(("outcome", "how"), [(TO_BOT, "bot"), ("served", "done")])
async def test_a_line_is_told_whether_its_call_is_over_or_the_bots_again(floor: Floor, outcome: str, how: str) -> None:
    await floor.on_duty("anna")
    await floor.queue.join(hand_off("call-1"))
    await floor.offers()
    await floor.agents.accept("anna")
    await floor.agents.finish("anna", outcome)
    assert await floor.taking.released("call-1") == how


async def test_a_caller_who_hangs_up_before_they_met_is_called_back_by_the_agent(floor: Floor) -> None:
    await floor.on_duty("anna")
    await floor.queue.join(hand_off("call-1"))
    await floor.offers()
    await floor.agents.accept("anna")
    await floor.taking.line_over("call-1")
    entry = await floor.queue.find("call-1")
    assert entry is not None
    assert (entry.state, entry.agent, entry.call_back) == (QueueState.CLAIMED, "anna", CallBack.ASKED)
    done = await floor.agents.finish("anna", "called_back")
    assert (done.state, done.call_back) == (QueueState.DONE, CallBack.DONE)


async def test_the_expected_wait_is_told_when_somebody_is_on_duty(floor: Floor) -> None:
    assert (await floor.queue.join(hand_off("call-1"))).wait_s is None
    await floor.on_duty("anna")
    await floor.on_duty("bert")
    assert (await floor.queue.join(hand_off("call-2"))).wait_s == 0
    await floor.offers()
    assert (await floor.queue.join(hand_off("call-3"))).wait_s == 3 * SETTINGS.handling_s / 2


async def test_enterprises_and_those_who_were_not_served_come_sooner(floor: Floor) -> None:
    await floor.queue.join(hand_off("plain"))
    await floor.queue.leave("plain", abandoned=True)
    floor.clock.advance(1)
    for call_id, skill in (("first", "general"), ("enterprise", "enterprise")):
        await floor.queue.join(hand_off(call_id, skill=skill))
        floor.clock.advance(1)
    await floor.queue.join(hand_off("danger", priority=0))
    order = [entry.request.call_id for entry in await floor.queue.waiting()]
    assert order == ["danger", "enterprise", "first"]


async def test_agents_choose_only_what_they_may(floor: Floor) -> None:
    await floor.on_duty("anna")
    with pytest.raises(StorageError, match="小休原因"):
        await floor.agents.set_state("anna", AgentState.PAUSED, "keine Lust")
    with pytest.raises(StorageError, match="只能设为"):
        await floor.agents.set_state("anna", AgentState.TALKING)
    await floor.queue.join(hand_off("call-1"))
    await floor.offers()
    with pytest.raises(StorageError, match="手上还有来电"):
        await floor.agents.set_state("anna", AgentState.OFFLINE)
    with pytest.raises(StorageError, match="还没有打开"):
        await floor.agents.accept("nobody")


async def test_the_day_adds_up(floor: Floor) -> None:
    await floor.on_duty("anna")
    for call_id in ("call-1", "call-2", "call-3"):
        await floor.calls.begin(call_start(call_id))
    await floor.queue.join(hand_off("call-1"))
    await floor.queue.join(hand_off("call-2"))
    await floor.offers()
    floor.clock.advance(10)
    await floor.agents.accept("anna")
    await floor.queue.leave("call-2", abandoned=True)
    floor.clock.advance(90)
    await floor.agents.finish("anna", "served")
    day = await Figures(floor.database, floor.clock, SETTINGS).of()
    assert (day.calls, day.handed_off, day.answered, day.abandoned, day.to_call_back) == (3, 2, 1, 1, 1)
    assert (day.service_level, day.abandon_rate, day.wait_mean_s, day.talk_mean_s) == (0.5, 0.5, 10.0, 90.0)
    assert day.bot_share == round(1 / 3, 4)
    assert sum(slot.handed_off for slot in day.curve) == 2


async def test_a_caller_for_whom_there_was_no_line_has_not_given_up(floor: Floor) -> None:
    await floor.calls.begin(call_start("call-1"))
    await floor.queue.join(replace(hand_off("call-1"), reason=HandOffReason.BUSY))
    await floor.queue.leave("call-1", abandoned=True)
    day = await Figures(floor.database, floor.clock, SETTINGS).of()
    assert (day.calls, day.turned_away, day.handed_off, day.abandoned, day.to_call_back) == (1, 1, 0, 0, 1)
    assert (day.abandon_rate, day.bot_share, day.reasons) == (None, 0.0, {})


@pytest.mark.parametrize("where", PLACES)
async def test_a_broken_connection_costs_a_call_neither_its_place_nor_its_end(floor: Floor, where: str) -> None:
    scissors = Scissors(floor.database)
    for call in ("goes", "is put through", "finds nobody", "ends"):
        scissors.cut(where)
        await floor.queue.join(hand_off(call))
    waiting = await floor.queue.waiting()
    assert [entry.request.call_id for entry in waiting] == ["goes", "is put through", "finds nobody", "ends"]
    scissors.cut(where)
    await floor.queue.leave("goes", abandoned=True, promised=True)
    for name in ("mei", "wang", "zhao"):
        await floor.on_duty(name)
    await floor.offers()
    for name in ("mei", "wang", "zhao"):
        await floor.agents.accept(name)
    for call, outcome in (("is put through", "answered"), ("finds nobody", "busy")):
        scissors.cut(where)
        await floor.taking.put_through(call, outcome)
    scissors.cut(where)
    await floor.taking.line_over("ends")
    assert scissors.cuts[where] == 8
    found = [await floor.queue.find(call) for call in ("goes", "is put through", "finds nobody", "ends")]
    assert [(entry.state, entry.call_back, entry.outcome) for entry in found if entry is not None] == [
        (QueueState.ABANDONED, CallBack.ASKED, ""),
        (QueueState.CLAIMED, CallBack.NONE, "answered"),
        (QueueState.WAITING, CallBack.NONE, ""),
        (QueueState.CLAIMED, CallBack.ASKED, ""),
    ]
