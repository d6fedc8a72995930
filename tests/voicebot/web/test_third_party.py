"""The routes of three-way calls, and of passing a call on."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.call_store import FakeCallStore
from tests.fakes.clock import FakeClock
from tests.fakes.line import FakeLine
from tests.fakes.observer import FakeObserver
from tests.support.calls import ToneVoice
from tests.support.databases import new_database
from tests.support.headsets import FakePhone
from tests.support.nouns import call_start, hand_off
from tests.support.office import Person, employ, new_office, opened_office, visitor
from voicebot.core.errors import LineError
from voicebot.core.ports import Line
from voicebot.pipeline.held import Contact, Exchange, HeldCall, HeldCalls
from voicebot.pipeline.record import CallRecord
from voicebot.pipeline.state import CallState, CallTime
from voicebot.web.office import Office
from voicebot.web.settings import WebSettings

pytestmark = pytest.mark.network

CONTACTS = [Contact("120", "医疗急救", "120"), Contact("12333", "人社局", "人社局")]


class Floor:
    """mei has call-1 in hand, on her headset; whoever she calls answers soon, but 12333, who is busy."""

    def __init__(self, office: Office, mei: Person, wang: Person):
        self.office, self.mei, self.wang = office, mei, wang

    async def shown(self) -> object:
        await asyncio.sleep(0.1)
        return (await self.mei.ask("GET", "/api/calls/call-1/third-party"))[1]["third_party"]

    async def code(self, path: str, body: object = None) -> tuple[int, object]:
        status, answer = await self.mei.ask("POST", path, body)
        return status, answer["error"]["code"]  # type: ignore[index]


async def _dial(number: str, call_id: str) -> Line:
    if number == "12333":
        raise LineError("占线。", code="call_busy")
    await asyncio.sleep(0.03)  # the length of a ring
    return FakeLine("third")


@pytest.fixture
async def floor(tmp_path: Path) -> AsyncIterator[Floor]:
    held = HeldCalls(Exchange(CONTACTS, _dial, lambda name, language: f"接通{name}。"))
    released: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def release() -> str:
        return await released

    with new_database("sqlite", tmp_path) as database:
        clock = FakeClock()
        office = new_office(database, clock, held=held)
        for name in ("mei", "wang"):
            await employ(office, name)
        store, line = FakeCallStore(), FakeLine("call-1")
        record = CallRecord(store, store, call_start(), FakeObserver())
        call = HeldCall(
            "mei", line, FakePhone(), CallState(), held.exchange, ToneVoice(), record, CallTime(), FakeObserver()
        )
        await office.record.queue.join(hand_off("call-1"))
        async with (
            opened_office(office, WebSettings(port=0)) as server,
            visitor(server) as mei,
            visitor(server) as wang,
        ):
            assert [await who.log_in(name) for who, name in ((mei, "mei"), (wang, "wang"))] == [200, 200]
            await mei.ask("POST", "/api/desk/state", {"state": "ready"})
            await mei.ask("POST", "/api/desk/take", {"entry_id": "1"})
            with held.holding(call):
                running = asyncio.create_task(call.run(asyncio.create_task(release())))
                await asyncio.sleep(0)
                yield Floor(office, mei, wang)
            released.set_result("done")
            await asyncio.sleep(0)
            running.cancel()  # a third party who was left with the caller has not hung up
            await asyncio.gather(running, return_exceptions=True)


async def test_the_list_is_shown_and_a_number_of_it_is_called_and_let_go(floor: Floor) -> None:
    _, answer = await floor.mei.ask("GET", "/api/desk/contacts")
    assert answer == {
        "contacts": [{"number": "120", "name": "医疗急救"}, {"number": "12333", "name": "人社局"}],
    }
    assert (await floor.mei.ask("GET", "/api/calls/call-1/third-party"))[1] == {"held": True, "third_party": None}
    status, answer = await floor.mei.ask("POST", "/api/calls/call-1/third-party", {"number": "120"})
    expected = {"number": "120", "name": "医疗急救", "stage": "ringing", "with_agent": True}
    assert (status, answer) == (200, {"held": True, "third_party": expected})
    assert await floor.shown() == {**expected, "stage": "answered"}
    assert await floor.code("/api/calls/call-1/third-party", {"number": "12333"}) == (409, "third_party_there")
    for path in ("give-back", "to-bot", "pass-on"):
        body = {"agent": "wang"} if path == "pass-on" else None
        assert await floor.code(f"/api/desk/{path}", body) == (409, "third_party_there")
    assert (await floor.mei.ask("POST", "/api/calls/call-1/third-party/drop"))[0] == 200
    assert await floor.shown() == {**expected, "stage": "dropped"}
    kinds = [
        (event.actor, event.kind, event.detail.get("number")) for event in await floor.office.record.audit.latest()
    ]
    assert ("mei", "third_party_called", "120") in kinds
    assert ("mei", "third_party_dropped", None) in kinds


async def test_how_the_call_went_is_shown(floor: Floor) -> None:
    await floor.mei.ask("POST", "/api/calls/call-1/third-party", {"number": "12333"})
    assert await floor.shown() == {"number": "12333", "name": "人社局", "stage": "busy", "with_agent": True}


async def test_who_leaves_the_two_others_is_free_and_on_record(floor: Floor) -> None:
    await floor.mei.ask("POST", "/api/calls/call-1/third-party", {"number": "120"})
    await floor.shown()
    assert (await floor.mei.ask("POST", "/api/calls/call-1/third-party/leave"))[0] == 200
    agent = await floor.office.desk.agents.find("mei")
    assert agent is not None
    assert agent.state.value == "wrap_up"
    entry = await floor.office.record.queue.find("call-1")
    assert entry is not None
    assert entry.outcome == "left_with_third_party"
    shown = await floor.shown()
    assert isinstance(shown, dict)
    assert not shown["with_agent"]
    assert "left_with_third_party" in [event.kind for event in await floor.office.record.audit.latest()]


async def test_the_wrong_moment_and_the_wrong_person_are_told_so(floor: Floor) -> None:
    path = "/api/calls/call-1/third-party"
    assert await floor.code(path, {"number": "110"}) == (400, "number_unknown")
    assert await floor.code(path, {"number": ""}) == (400, "body_invalid")
    assert await floor.code(f"{path}/drop") == (409, "third_party_none")
    assert await floor.code(f"{path}/leave") == (409, "third_party_none")
    assert await floor.code("/api/calls/call-2/third-party", {"number": "120"}) == (409, "not_held")
    assert (await floor.wang.ask("GET", path))[1] == {"held": False, "third_party": None}
    for not_theirs, body in ((path, {"number": "120"}), ("/api/desk/to-bot", None)):
        status, answer = await floor.wang.ask("POST", not_theirs, body)
        assert (status, answer["error"]["code"]) == (409, "not_held")  # type: ignore[index]
    assert await floor.code("/api/desk/pass-on", {"agent": "wang"}) == (409, "colleague_busy")


async def test_a_call_goes_to_a_colleague_or_back_to_the_bot(floor: Floor) -> None:
    await floor.wang.ask("POST", "/api/desk/state", {"state": "ready"})
    assert (await floor.mei.ask("POST", "/api/desk/pass-on", {"agent": "wang"}))[0] == 200
    assert (await floor.wang.ask("POST", "/api/desk/accept"))[1] == {"entry_id": "1", "call_id": "call-1"}
    await floor.wang.ask("POST", "/api/desk/give-back")
    await floor.mei.ask("POST", "/api/desk/take", {"entry_id": "1"})
    assert (await floor.mei.ask("POST", "/api/desk/to-bot"))[0] == 200
    entry = await floor.office.record.queue.find("call-1")
    assert entry is not None
    assert (entry.state.value, entry.outcome) == ("done", "to_bot")
