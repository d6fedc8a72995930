"""What every record of tickets must do."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.ticket_store import FakeTicketStore
from tests.support.databases import WITH_FAKE, new_database
from tests.support.nouns import call_start, full_draft
from voicebot.core.errors import StorageError
from voicebot.core.ports import TicketStore
from voicebot.core.ticket import Address, Near, TicketDraft, TicketEvent, TicketState
from voicebot.storage.tickets import SqlTicketStore


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=WITH_FAKE)
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> Iterator[TicketStore]:
    if request.param == "fake":
        yield FakeTicketStore(clock)
        return
    with new_database(request.param, tmp_path) as database:
        yield SqlTicketStore(database, clock)


async def test_a_filed_ticket_is_found_as_it_was(store: TicketStore, clock: FakeClock) -> None:
    ticket = await store.file(call_start(), full_draft(), 1)
    assert (ticket.call_id, ticket.sequence, ticket.tenant, ticket.channel) == ("call-1", 1, "luoyang", "sip")
    assert (ticket.state, ticket.filed_at, ticket.draft) == (TicketState.ACCEPTED, clock.now(), full_draft())
    assert await store.find(ticket.number) == ticket


async def test_a_number_is_the_city_the_day_and_a_serial(store: TicketStore) -> None:
    numbers = [(await store.file(call_start(), TicketDraft(), sequence)).number for sequence in (1, 2, 3)]
    assert numbers == ["LY2026030200001", "LY2026030200002", "LY2026030200003"]


async def test_filing_again_gives_the_same_ticket(store: TicketStore) -> None:
    first = await store.file(call_start(), full_draft(), 1)
    assert await store.file(call_start(), TicketDraft(what="另一件事"), 1) == first
    assert len(await store.events(first.number)) == 1


async def test_filing_from_many_sides_at_once_gives_one_ticket(store: TicketStore) -> None:
    tickets = await asyncio.gather(*(store.file(call_start(), full_draft(), 1) for _ in range(12)))
    assert {ticket.number for ticket in tickets} == {"LY2026030200001"}
    assert (await store.file(call_start("call-2"), full_draft(), 1)).number == "LY2026030200002"


async def test_two_calls_never_share_a_number(store: TicketStore) -> None:
    calls = [call_start(f"call-{index}") for index in range(12)]
    tickets = await asyncio.gather(*(store.file(call, full_draft(), 1) for call in calls))
    assert sorted(ticket.number for ticket in tickets) == [f"LY20260302{serial:05d}" for serial in range(1, 13)]


@pytest.mark.parametrize("spoken", ["LY2026030200001", "ly2026030200001", "LY 20260302 00001", "20260302-00001"])
async def test_a_number_is_found_however_it_is_written(store: TicketStore, spoken: str) -> None:
    ticket = await store.file(call_start(), full_draft(), 1)
    assert await store.find(spoken) == ticket


@pytest.mark.parametrize("wrong", ["", "00001", "LY2026030200002", "XX2026030200001"])
async def test_a_wrong_number_finds_nothing(store: TicketStore, wrong: str) -> None:
    await store.file(call_start(), full_draft(), 1)
    assert await store.find(wrong) is None


async def test_a_call_finds_its_tickets_in_order(store: TicketStore) -> None:
    second = await store.file(call_start(), full_draft(), 2)
    first = await store.file(call_start(), full_draft(), 1)
    await store.file(call_start("call-2"), full_draft(), 1)
    assert await store.find_by_call("call-1") == (first, second)
    assert await store.find_by_call("call-3") == ()


async def test_a_phone_finds_its_newest_tickets_first(store: TicketStore, clock: FakeClock) -> None:
    filed = []
    for sequence in (1, 2, 3):
        filed.append(await store.file(call_start(), full_draft(), sequence))
        clock.advance(60)
    await store.file(call_start("call-2"), TicketDraft(caller_phone="13900139000"), 1)
    assert await store.find_by_phone("13800138000", limit=2) == (filed[2], filed[1])


async def test_a_withheld_number_finds_no_tickets(store: TicketStore) -> None:
    await store.file(call_start(caller_number=""), TicketDraft(), 1)
    assert await store.find_by_phone("") == ()


async def test_the_log_begins_with_the_filing_and_grows(store: TicketStore, clock: FakeClock) -> None:
    ticket = await store.file(call_start(), full_draft(), 1)
    seen = TicketEvent(ticket.number, clock.now(), "agent-3", "viewed", {"screen": "desk"})
    await store.append(seen)
    log = await store.events(ticket.number)
    assert [event.kind for event in log] == ["filed", "viewed"]
    assert log[1] == seen


async def test_a_line_for_an_unknown_ticket_is_refused(store: TicketStore, clock: FakeClock) -> None:
    with pytest.raises(StorageError) as refused:
        await store.append(TicketEvent("LY2026030299999", clock.now(), "agent-3", "viewed"))
    assert refused.value.code == "ticket_unknown"


async def test_an_earlier_ticket_of_the_caller_or_of_the_place_is_near(store: TicketStore, clock: FakeClock) -> None:
    old = await store.file(call_start(), full_draft(), 1)
    clock.advance(3 * 86_400)
    mine = await store.file(call_start(), replace(full_draft(), address=Address(road="别的路", node="other")), 2)
    there = await store.file(call_start("call-2"), replace(full_draft(), caller_phone="13900139000"), 1)
    await store.file(call_start("call-3"), TicketDraft(caller_phone="13900139001"), 1)
    since = clock.now() - timedelta(days=1)
    phone, place = "13800138000", Address(road="牡丹路")

    async def near(phone: str = "", node: str = "", place: Address = place, since: datetime = since) -> list[str]:
        return [ticket.number for ticket in await store.find_near(Near("luoyang", since, phone, node, place))]

    assert await near(phone) == [mine.number]
    assert await near(node="lysjxq") == [there.number]
    assert await near(phone, "lysjxq") == [there.number, mine.number]
    assert await near(phone, since=since - timedelta(days=9)) == [mine.number, old.number]
    assert await near(node="lysjxq", place=Address()) == await near(node="elsewhere") == await near() == []
    assert await store.find_near(Near("kaifeng", since, phone)) == ()


async def test_an_addition_is_noted_with_the_ticket_it_belongs_to(store: TicketStore) -> None:
    first = await store.file(call_start(), full_draft(), 1)
    second = await store.file(call_start("call-2"), replace(full_draft(), duplicate_of=first.number), 1)
    assert second.draft.duplicate_of == first.number
    (_, noted) = await store.events(first.number)
    assert (noted.kind, noted.detail["number"]) == ("supplemented", second.number)
    await store.file(call_start("call-3"), replace(full_draft(), duplicate_of="LY2026030299999"), 1)
