"""One call through the desk, over HTTP: seen live, taken, its ticket edited and filed, finished."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes.clock import FakeClock
from tests.support.nouns import call_start, caller_turn, full_draft, hand_off
from tests.support.office import Person, employ, new_office, opened_office, visitor
from voicebot.core.call import CallEnd
from voicebot.desk.assignment import Assigner
from voicebot.desk.settings import DeskSettings
from voicebot.storage.accounts import Role
from voicebot.storage.calls import SqlCallStore
from voicebot.storage.changes import Changes, hearing_topic
from voicebot.storage.database import Database
from voicebot.storage.recordings import Recordings
from voicebot.storage.sealed import new_key
from voicebot.storage.settings import StorageSettings
from voicebot.web.office import Office
from voicebot.web.server import WebServer
from voicebot.web.settings import WebSettings

pytestmark = pytest.mark.network


class House:
    """An office with one call waiting, its server, and the tasks that run beside it."""

    def __init__(self, database: Database):
        self.clock, self.changes = FakeClock(), Changes(database)
        self.office: Office = new_office(database, self.clock, changes=self.changes)
        self.calls = SqlCallStore(database, self.clock, changes=self.changes)
        self.assigner = Assigner(database, self.clock, DeskSettings(), self.changes)
        self.server: WebServer

    async def call_in(self, call_id: str = "call-1") -> None:
        await self.calls.begin(call_start(call_id))
        await self.calls.add_turn(call_id, caller_turn())
        await self.calls.save_draft(call_id, full_draft())
        await self.office.record.queue.join(hand_off(call_id))


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    house = House(database)
    board = asyncio.create_task(house.office.desk.board.run())
    await employ(house.office, "mei")
    await employ(house.office, "wang")
    await employ(house.office, "aud", Role.AUDITOR)
    async with opened_office(house.office, WebSettings(port=0)) as server:
        house.server = server
        yield house
    board.cancel()
    await asyncio.gather(board, return_exceptions=True)


@pytest.fixture
async def mei(house: House) -> AsyncIterator[Person]:
    async with visitor(house.server) as person:
        assert await person.log_in("mei") == 200
        assert (await person.ask("POST", "/api/desk/state", {"state": "ready"}))[0] == 200
        yield person


async def test_a_call_is_offered_taken_edited_filed_and_finished(house: House, mei: Person) -> None:
    await house.call_in()
    assert await house.assigner.assign() == 1
    _, board = await mei.ask("GET", "/api/desk/board")
    assert board["waiting"][0]["offered_to"] == "mei"  # type: ignore[index]
    assert (await mei.ask("POST", "/api/desk/accept"))[1] == {"entry_id": "1", "call_id": "call-1"}
    status, answer = await mei.ask(
        "PATCH", "/api/calls/call-1/draft", {"changes": {"demand": "今天就清理", "department": "urban"}}
    )
    assert (status, answer["draft"]["demand"]) == (200, "今天就清理")  # type: ignore[index]
    status, ticket = await mei.ask("POST", "/api/calls/call-1/tickets")
    assert status == 201
    filed = await house.office.record.tickets.find(str(ticket["number"]))
    assert filed is not None
    assert (filed.draft.demand, filed.draft.caller_phone) == ("今天就清理", "13800138000")
    assert filed.draft.dispatch is not None
    assert filed.draft.dispatch.department == "urban"
    assert [event.actor for event in await house.office.record.tickets.events(filed.number)] == ["mei"]
    assert (await mei.ask("POST", "/api/desk/finish", {"outcome": "served"}))[0] == 200
    _, board = await mei.ask("GET", "/api/desk/board")
    assert (board["waiting"], board["in_hand"]) == ([], [])
    assert [agent["state"] for agent in board["agents"]] == ["wrap_up"]  # type: ignore[union-attr]


async def test_what_the_agent_wrote_stays_when_the_bot_hears_more(house: House, mei: Person) -> None:
    await house.call_in()
    await mei.ask("POST", "/api/desk/take", {"entry_id": "1"})
    await mei.ask("PATCH", "/api/calls/call-1/draft", {"changes": {"demand": "今天就清理"}})
    await house.calls.save_draft("call-1", full_draft())
    _, call = await mei.ask("GET", "/api/calls/call-1")
    assert call["draft"]["demand"] == "今天就清理"  # type: ignore[index]


async def test_two_agents_cannot_take_the_same_call(house: House, mei: Person) -> None:
    await house.call_in()
    async with visitor(house.server) as wang:
        await wang.log_in("wang")
        await wang.ask("POST", "/api/desk/state", {"state": "ready"})
        answers = await asyncio.gather(*(who.ask("POST", "/api/desk/take", {"entry_id": "1"}) for who in (mei, wang)))
    assert sorted(status for status, _ in answers) == [200, 409]
    (refusal,) = [answer for status, answer in answers if status == 409]
    assert refusal["error"]["code"] == "entry_taken"  # type: ignore[index]


async def test_only_who_has_the_call_may_edit_or_file_it(house: House, mei: Person) -> None:
    await house.call_in()
    for method, path, body in (
        ("PATCH", "/api/calls/call-1/draft", {"changes": {"demand": "x"}}),
        ("POST", "/api/calls/call-1/tickets", None),
    ):
        assert (await mei.ask(method, path, body))[0] == 409


@pytest.mark.parametrize("changes", [{"nonsense": "x"}, {"type": "骂人"}, {"confidential": "ja"}, {"what": "x" * 2001}])
async def test_a_wrong_edit_is_refused_in_one_sentence(house: House, mei: Person, changes: dict[str, object]) -> None:
    await house.call_in()
    await mei.ask("POST", "/api/desk/take", {"entry_id": "1"})
    status, answer = await mei.ask("PATCH", "/api/calls/call-1/draft", {"changes": changes})
    assert (status, answer["error"]["code"]) == (400, "edit_invalid")  # type: ignore[index]


async def test_a_missed_call_can_be_called_back_and_is_then_done(house: House, mei: Person) -> None:
    await house.call_in()
    await house.office.record.queue.leave("call-1", abandoned=True)
    await house.calls.finish("call-1", CallEnd.CALLER_HUNG_UP, {})
    _, board = await mei.ask("GET", "/api/desk/board")
    assert [line["call_back"] for line in board["call_backs"]] == ["missed"]  # type: ignore[union-attr]
    assert (await mei.ask("POST", "/api/desk/take", {"entry_id": "1"}))[0] == 200
    await mei.ask("POST", "/api/desk/finish", {"outcome": "called_back"})
    _, board = await mei.ask("GET", "/api/desk/board")
    assert board["call_backs"] == []


async def test_personal_data_is_masked_and_every_look_is_on_record(house: House, mei: Person) -> None:
    await house.call_in()
    await mei.ask("POST", "/api/desk/take", {"entry_id": "1"})
    _, ticket = await mei.ask("POST", "/api/calls/call-1/tickets")
    number = ticket["number"]
    for path in ("/api/desk/board", "/api/calls/call-1", f"/api/tickets/{number}", "/api/calls/call-1/earlier"):
        _, answer = await mei.ask("GET", path)
        assert "13800138000" not in json.dumps(answer, ensure_ascii=False), path
    _, clear = await mei.ask("POST", "/api/calls/call-1/unmask")
    assert clear["draft"]["caller_phone"] == "13800138000"  # type: ignore[index]
    assert (await mei.ask("GET", f"/api/tickets/{number}/looks"))[0] == 403
    async with visitor(house.server) as auditor:
        await auditor.log_in("aud")
        _, looks = await auditor.ask("GET", f"/api/tickets/{number}/looks")
        seen = [(look["actor"], look["kind"]) for look in looks["looks"]]  # type: ignore[union-attr]
        assert seen == [("mei", "filed"), ("mei", "viewed"), ("mei", "unmasked")]
        _, audit = await auditor.ask("GET", "/api/audit")
        assert "call_unmasked" in [event["kind"] for event in audit["events"]]  # type: ignore[union-attr]


async def test_a_department_does_not_learn_who_complained(house: House, mei: Person) -> None:
    await house.call_in()
    await mei.ask("POST", "/api/desk/take", {"entry_id": "1"})
    _, ticket = await mei.ask("POST", "/api/calls/call-1/tickets")
    number = ticket["number"]
    status, seen = await mei.ask("POST", f"/api/tickets/{number}/department")
    assert status == 200
    assert seen["draft"]["what"]  # type: ignore[index]
    assert "13800138000" not in json.dumps(seen, ensure_ascii=False)


@pytest.mark.parametrize("sealed", [False, True], ids=["plain", "encrypted"])
async def test_a_recording_is_heard_from_any_second_and_that_is_on_record(
    house: House, mei: Person, database: Database, tmp_path: Path, sealed: bool
) -> None:
    (tmp_path / "keys").write_text(new_key())
    key_file = tmp_path / "keys" if sealed else None
    folder = tmp_path / "recordings"
    storage = StorageSettings(url=str(database.url), recordings_folder=folder, recordings_key_file=key_file)
    recordings = Recordings(database, house.clock, storage)
    office = replace(house.office, record=replace(house.office.record, recordings=recordings))
    recorder = recordings.recorder(call_start())
    assert recorder is not None
    await house.call_in()
    for position in range(0, 16000, 160):
        recorder.caller(position, bytes(320))
    await recorder.close()
    async with opened_office(office, WebSettings(port=0)) as server, visitor(server) as person:
        await person.log_in("mei")
        url = server.url + "/api/calls/call-1/recording"
        async with person.http.get(url, headers={"Range": "bytes=44-143"}) as answer:
            assert (answer.status, answer.content_type, len(await answer.read())) == (206, "audio/wav", 100)
            assert answer.headers["Content-Range"] == "bytes 44-143/64044"
        async with person.http.get(url, headers={"Range": "bytes=64000-"}) as answer:
            assert (answer.status, len(await answer.read())) == (206, 44)
        async with person.http.get(url, headers={"Range": "bytes=99999-"}) as answer:
            assert answer.status == 416
        async with person.http.get(url) as answer:
            assert (answer.status, (await answer.read())[:4], answer.content_length) == (200, b"RIFF", 64044)
        assert (await person.ask("GET", "/api/calls/call-1"))[1]["has_recording"] is True
    assert "recording_heard" in [event.kind for event in await house.office.record.audit.latest()]
    recordings.close()


async def test_changes_arrive_at_once(house: House, mei: Person) -> None:
    async with mei.http.get(house.server.url + "/api/desk/events?desk=1&call=call-1") as stream:
        assert stream.content_type == "text/event-stream"
        assert "default-src 'none'" in stream.headers["Content-Security-Policy"]
        await _until(stream, "board", lambda board: board["waiting"] == [])
        await house.call_in()
        await _until(stream, "board", lambda board: [line["call_id"] for line in board["waiting"]] == ["call-1"])
        await house.calls.add_turn("call-1", caller_turn(2, "还有路灯"))
        await _until(stream, "call", lambda call: call["call_id"] == "call-1")
        house.changes.tell_everywhere(hearing_topic("call-1", "我的电话是13800138000"))
        await _until(stream, "hearing", lambda heard: heard["text"] == "我的电话是138****8000")


async def _until(stream: object, kind: str, enough: object) -> None:
    async with asyncio.timeout(5):
        while True:
            name = (await stream.content.readline()).decode().strip()  # type: ignore[attr-defined]
            if name != f"event: {kind}":
                continue
            data = json.loads((await stream.content.readline()).decode().removeprefix("data: "))  # type: ignore[attr-defined]
            if enough(data):  # type: ignore[operator]
                return


async def test_a_filed_ticket_can_be_corrected_and_its_log_says_so(house: House, mei: Person) -> None:
    await house.call_in()
    await mei.ask("POST", "/api/desk/take", {"entry_id": "1"})
    _, ticket = await mei.ask("POST", "/api/calls/call-1/tickets")
    path = f"/api/tickets/{ticket['number']}"
    status, revised = await mei.ask("PATCH", path, {"changes": {"address": "涧西区南昌路三号院"}})
    assert (status, revised["draft"]["address"]["spoken"]) == (200, "涧西区南昌路三号院")  # type: ignore[index]
    assert (await mei.ask("PATCH", "/api/tickets/LY2026030299999", {"changes": {}}))[0] == 404
    assert [event.kind for event in await house.office.record.tickets.events(str(ticket["number"]))] == [
        "filed",
        "revised",
    ]


async def test_knowledge_and_advice_are_at_hand(house: House, mei: Person) -> None:
    await house.call_in()
    _, found = await mei.ask("GET", "/api/knowledge?q=路灯不亮")
    assert [passage["title"] for passage in found["passages"]] == ["路灯报修"]  # type: ignore[union-attr]
    assert (await mei.ask("GET", "/api/knowledge?q="))[0] == 400
    assert (await mei.ask("GET", "/api/calls/call-1/advice"))[0] == 200
