"""A call over real SIP, a real queue and an agent: taken at the desk, put through to the agent's extension."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from tests.support.calls import CallRig, ScriptedDialog
from tests.support.databases import new_database
from tests.support.raw_sip import RawSip
from tests.support.sip_service import Service, sip_service
from voicebot.core.actions import Action, HandOff, HandOffTaken, Outcome, Say
from voicebot.core.call import CallEnd, HandOffReason, QueueState
from voicebot.core.clock import SystemClock
from voicebot.core.ports import Line
from voicebot.desk.agent_queue import SqlAgentQueue
from voicebot.desk.agents import Agents, AgentState
from voicebot.desk.assignment import Assigner
from voicebot.desk.settings import DeskSettings
from voicebot.desk.taking import CallTaking
from voicebot.pipeline.session import CallSession
from voicebot.storage.accounts import Account, Accounts, Role
from voicebot.storage.changes import Changes
from voicebot.storage.database import Database

pytestmark = pytest.mark.network


class Desk:
    """One agent at extension 8001, and calls that ask for a person at once."""

    def __init__(self, database: Database):
        clock, settings, changes = SystemClock(), DeskSettings(), Changes(database)
        self.accounts = Accounts(database, clock, hasher=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        self.queue = SqlAgentQueue(database, clock, settings, changes)
        self.agents = Agents(database, clock, settings, changes)
        self.assigner = Assigner(database, clock, settings, changes)
        self.takers = CallTaking(database, clock, changes)
        self.changes = changes
        self.ends: asyncio.Queue[CallEnd] = asyncio.Queue()

    async def open(self) -> None:
        account = Account("mei", "梅", Role.AGENT, extension="8001")
        await self.accounts.add(account, "korrekt-pferd-9", actor="test")
        await self.agents.arrive("mei")
        await self.agents.set_state("mei", AgentState.READY)

    async def serve(self, _service: Service, line: Line) -> None:
        dialog = ScriptedDialog(greeting=(HandOff(HandOffReason.ASKED),))
        dialog.reply_to = _announce
        rig = CallRig(dialog, queue=self.queue, takers=self.takers)  # type: ignore[arg-type]
        self.ends.put_nowait(await CallSession(rig._parts(), line).run())

    async def offered(self) -> None:
        with self.changes.watch() as watch:
            async with asyncio.timeout(5):
                while not await self.assigner.assign():
                    await watch.next(1)

    async def waiting_again(self, call_id: str) -> None:
        with self.changes.watch() as watch:
            async with asyncio.timeout(5):
                while (found := await self.queue.find(call_id)) is None or found.state is not QueueState.WAITING:
                    await watch.next(1)


def _announce(outcome: Outcome) -> tuple[Action, ...]:
    return (Say("接通。"),) if isinstance(outcome, HandOffTaken) else ()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with new_database("sqlite", tmp_path) as database:
        yield Desk(database)


async def test_the_call_goes_to_the_extension_of_the_agent_who_took_it(desk: Desk) -> None:
    await desk.open()
    async with sip_service(desk.serve, collect_keys=False) as service, RawSip(service.port) as caller:
        await caller.invite()
        await desk.offered()
        entry = await desk.agents.accept("mei")
        clicked = time.monotonic()
        refer = await caller.request_from_line("REFER")
        # The agent's click to the transfer, the caller's notice of 300 ms of speech between them.
        assert time.monotonic() - clicked < 3
        assert refer.headers["refer-to"].strip("<>").startswith("sip:8001@127.0.0.1")
        caller.answer(refer, 202)
        caller.notify("200 OK", last=True)
        assert await asyncio.wait_for(desk.ends.get(), 5) is CallEnd.HANDED_OFF
        found = await desk.queue.find(entry.request.call_id)
        assert found is not None
        assert (found.state, found.agent, found.outcome) == (QueueState.CLAIMED, "mei", "answered")
        assert found.connected_at is not None
        assert (await desk.agents.finish("mei", "served")).state is QueueState.DONE


async def test_an_extension_that_does_not_answer_leaves_the_caller_in_the_queue(desk: Desk) -> None:
    await desk.open()
    async with sip_service(desk.serve, collect_keys=False) as service, RawSip(service.port) as caller:
        await caller.invite()
        await desk.offered()
        entry = await desk.agents.accept("mei")
        refer = await caller.request_from_line("REFER")
        caller.answer(refer, 202)
        caller.notify("480 Temporarily Unavailable", last=True)
        await desk.waiting_again(entry.request.call_id)
        agent = await desk.agents.find("mei")
        assert agent is not None
        assert (agent.state, agent.reason) == (AgentState.PAUSED, "无应答")
        assert await caller.bye() == 200
