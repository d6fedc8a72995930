"""The API says what it does and does what it says; tickets can be had and made the Open311 way; exports open."""

import csv
import io
import json
from collections.abc import AsyncIterator
from xml.etree import ElementTree as ET

import pytest
from openpyxl import load_workbook
from pydantic import TypeAdapter

from tests.fakes.clock import FakeClock
from tests.support.nouns import call_start, full_draft
from tests.support.office import Person, new_office, opened_office, visitor
from voicebot.core.ticket import TicketDraft, TicketState
from voicebot.desk.figures import DayFigures
from voicebot.storage.calls import SqlCallStore
from voicebot.storage.database import Database
from voicebot.storage.records import CallLine
from voicebot.storage.tickets import SqlTicketStore
from voicebot.web.exports import csv_file
from voicebot.web.front_page import Front
from voicebot.web.metrics import Metrics
from voicebot.web.office import Office
from voicebot.web.openapi import describe, described, routes_of
from voicebot.web.server import build_web
from voicebot.web.settings import WebSettings

pytestmark = pytest.mark.network

TOKEN = "a-token-of-at-least-24-characters"
SETTINGS = WebSettings.model_validate({"port": 0, "api_token": TOKEN})
# The fields of a request, https://wiki.open311.org/GeoReport_v2/#get-service-requests
REQUEST_FIELDS = {
    "service_request_id", "status", "status_notes", "service_name", "service_code", "description",
    "agency_responsible", "service_notice", "requested_datetime", "updated_datetime", "expected_datetime", "address",
    "address_id", "zipcode", "lat", "long", "media_url",
}  # fmt: skip
SERVICE_FIELDS = {"service_code", "service_name", "description", "metadata", "type", "keywords", "group"}


@pytest.fixture
def office(database: Database) -> Office:
    return new_office(database, FakeClock(), web=SETTINGS)


@pytest.fixture
async def program(office: Office, database: Database) -> AsyncIterator[Person]:
    await SqlCallStore(database, FakeClock()).begin(call_start())
    async with opened_office(office, SETTINGS) as server, visitor(server) as person:
        person.headers = {"Authorization": f"Bearer {TOKEN}"}
        yield person


async def test_every_route_is_described_and_nothing_else(office: Office) -> None:
    app = build_web(SETTINGS, front=Front("热线", "sip:x"), probes={}, metrics=Metrics(), office=office)
    assert {f"{method} {path}" for method, path, _ in routes_of(app)} == set(described())
    document = describe(app)
    text = json.dumps(document)
    schemas = document["components"]["schemas"]
    references = {part.partition('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert references <= set(schemas)


async def test_answers_are_as_the_document_says(program: Person, office: Office) -> None:
    status, document = await program.ask("GET", "/api/openapi.json")
    assert (status, document["openapi"]) == (200, "3.1.0")
    await office.record.tickets.file(call_start(), full_draft(), 1)
    _, calls = await program.ask("GET", "/api/calls")
    TypeAdapter(list[CallLine]).validate_python(calls["calls"])
    _, tickets = await program.ask("GET", "/api/tickets")
    for ticket in tickets["tickets"]:  # type: ignore[union-attr]
        TypeAdapter(TicketDraft).validate_python(ticket["draft"])
    _, day = await program.ask("GET", "/api/desk/figures?day=2026-03-02")
    TypeAdapter(DayFigures).validate_python(day)


async def test_open311_lists_services_and_requests_in_both_forms(program: Person, office: Office) -> None:
    ticket = await office.record.tickets.file(call_start(), full_draft(), 1)
    async with program.http.get(program.url + "/open311/v2/services.json", headers=program.headers) as answer:
        services = await answer.json()
    assert [set(service) for service in services] == [SERVICE_FIELDS]
    for path in ("/open311/v2/requests.json", f"/open311/v2/requests/{ticket.number}.json"):
        async with program.http.get(program.url + path, headers=program.headers) as answer:
            (row,) = await answer.json()
        assert set(row) == REQUEST_FIELDS
        assert row["service_code"] == "A01"
        assert (row["service_request_id"], row["status"]) == (ticket.number, "open")
        assert "王建国" not in str(row)
    async with program.http.get(program.url + "/open311/v2/requests.xml", headers=program.headers) as answer:
        root = ET.fromstring(await answer.read())  # noqa: S314  our own
    assert root.tag == "service_requests"
    assert {field.tag for field in root[0]} == REQUEST_FIELDS
    for query, count in (("status=closed", 0), ("status=open", 1), ("service_request_id=x", 0)):
        url = f"{program.url}/open311/v2/requests.json?{query}"
        async with program.http.get(url, headers=program.headers) as answer:
            assert len(await answer.json()) == count


async def test_the_system_that_handles_a_ticket_tells_how_far_it_has_come(program: Person, office: Office) -> None:
    ticket = await office.record.tickets.file(call_start(), full_draft(), 1)
    path = f"/api/tickets/{ticket.number}/state"
    given = {"state": "办理", "by": "城管局", "note": "已联系王建国，派人去修"}
    status, told = await program.ask("POST", path, given)
    assert (status, told["state"]) == (200, "办理")
    line = told["events"][-1]
    assert (line["kind"], line["from"], line["to"], line["actor"]) == (
        "state",
        ticket.state.value,
        "办理",
        "api：城管局",
    )
    assert "王建国" not in line["note"]
    assert "派人去修" in line["note"]
    count = len(told["events"])
    status, told = await program.ask("POST", path, {"state": "办理"})
    assert (status, len(told["events"])) == (200, count)  # said again
    status, told = await program.ask("POST", path, {"state": "派单"})
    assert (status, told["error"]["code"]) == (409, "ticket_ahead")
    assert (await program.ask("POST", path, {"state": "做完了"}))[0] == 400
    assert (await program.ask("POST", "/api/tickets/LY0/state", {"state": "办结"}))[0] == 404
    await program.ask("POST", path, {"state": "办结"})
    found = await office.record.tickets.find(ticket.number)
    assert found is not None
    assert found.state is TicketState.DONE
    async with program.http.get(
        program.url + "/open311/v2/requests.json?status=closed", headers=program.headers
    ) as answer:
        assert [row["service_request_id"] for row in await answer.json()] == [ticket.number]


async def test_editors_see_what_was_asked_in_vain_and_how_the_articles_stand(program: Person, office: Office) -> None:
    for question in ("居住证怎么续", "我叫王建国，学区怎么划分", "居住证怎么续"):
        await office.editing.questions.add("luoyang", "call-1", question, nearest_article="idcard", score=0.31)
    status, told = await program.ask("GET", "/api/knowledge/unanswered")
    assert status == 200
    rows = [(row["question"], row["times"]) for row in told["questions"]]
    assert rows[0] == ("居住证怎么续", 2)
    assert len(rows) == 2
    assert "王建国" not in str(told)
    _, told = await program.ask("GET", "/api/knowledge/articles")
    assert [article["state"] for article in told["articles"]] == ["已过期", "可用"]


async def test_open311_takes_a_request(program: Person, office: Office) -> None:
    form = {
        "service_code": "A01",
        "description": "路边摊占道",
        "address_string": "涧西区南昌路",
        "phone": "13800138000",
    }
    url = program.url + "/open311/v2/requests.json"
    async with program.http.post(url, data=form, headers=program.headers) as answer:
        assert answer.status == 201
        (row,) = await answer.json()
    ticket = await office.record.tickets.find(row["service_request_id"])
    assert ticket is not None
    assert (ticket.channel, ticket.draft.what, ticket.draft.caller_phone) == ("api", "路边摊占道", "13800138000")


@pytest.mark.parametrize("form", [{}, {"service_code": "A01"}, {"service_code": "x", "description": "x", "lat": "1"}])
async def test_open311_refuses_what_is_incomplete(program: Person, form: dict[str, str]) -> None:
    url = program.url + "/open311/v2/requests.xml"
    async with program.http.post(url, data=form, headers=program.headers) as answer:
        assert answer.status == 400
        assert ET.fromstring(await answer.read()).tag == "errors"  # noqa: S314


async def test_exports_open_and_are_masked(program: Person, office: Office) -> None:
    await office.record.tickets.file(call_start(), full_draft(), 1)
    async with program.http.get(program.url + "/api/export/tickets.csv", headers=program.headers) as answer:
        rows = list(csv.reader(io.StringIO((await answer.read()).decode("utf-8-sig"))))
    assert rows[0][0] == "工单号"
    assert "138****8000" in rows[1]
    async with program.http.get(program.url + "/api/desk/figures.xlsx", headers=program.headers) as answer:
        sheet = load_workbook(io.BytesIO(await answer.read())).active
    assert sheet is not None
    assert sheet.max_row == 49


def test_a_formula_in_a_sentence_stays_a_sentence() -> None:
    body = csv_file("x", ["a"], [["=1+1"]]).body
    assert isinstance(body, bytes)
    assert b"'=1+1" in body


async def test_a_revised_ticket_names_the_fields_that_changed(database: Database) -> None:
    store = SqlTicketStore(database, FakeClock())
    ticket = await store.file(call_start(), full_draft(), 1)
    await store.revise(ticket.number, TicketDraft(what="另一件事"), "mei")
    revised = (await store.events(ticket.number))[-1]
    assert (revised.actor, revised.kind) == ("mei", "revised")
    assert "what" in str(revised.detail["fields"])
    assert "王建国" not in str(revised.detail)
