"""The people's side of a house: when it is night, and who may log in first."""

from dataclasses import replace
from datetime import date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from dialog.city.nouns import Department, OfficeHours
from tests.fakes.clock import FakeClock
from tests.support.databases import new_database
from tests.support.office import new_office
from tests.support.talking import example_city
from voicebot.app.build import contacts_of
from voicebot.app.desk import FIRST_ADMINISTRATOR, first_administrator, night_of
from voicebot.pipeline.held import Contact

ZONE = ZoneInfo("Asia/Shanghai")
HOURS = OfficeHours((1, 2, 3, 4, 5), time(9), time(17), holidays=(date(2026, 10, 1),), workdays=(date(2026, 10, 10),))


@pytest.mark.parametrize(
    ("at", "night"),
    [
        ("2026-03-02T09:00+08:00", False),  # Monday
        ("2026-03-02T08:59+08:00", True),
        ("2026-03-02T17:00+08:00", True),
        ("2026-03-01T12:00+08:00", True),  # Sunday
        ("2026-10-01T12:00+08:00", True),  # a holiday on a Thursday
        ("2026-10-10T12:00+08:00", False),  # a Saturday that is worked
    ],
)
def test_night_is_when_the_offices_are_closed(at: str, night: bool) -> None:
    assert night_of(HOURS, ZONE)(datetime.fromisoformat(at)) is night


def test_agents_may_call_the_emergency_numbers_and_the_departments_and_not_the_hotline_itself() -> None:
    city = example_city()
    desks = (Department("d1", "某局", phone="0379-6390 0000"), Department("d2", "无电话局"))
    known = contacts_of(replace(city, departments=(*city.departments, *desks)), "12345")
    assert [each.number for each in known[:4]] == ["110", "119", "120", "122"]
    assert [each.spoken for each in known[:4]] == ["110", "119", "120", "122"]
    assert known[-1] == Contact("037963900000", "某局", "某局")
    numbers = [each.number for each in known]
    assert len(set(numbers)) == len(numbers)
    assert "12345" not in numbers
    assert "12333" in numbers


async def test_the_first_start_makes_one_administrator_and_the_second_none(tmp_path: Path) -> None:
    with new_database("sqlite", tmp_path) as database:
        office = new_office(database, FakeClock())
        password = await first_administrator(office)
        account = await office.people.accounts.check(FIRST_ADMINISTRATOR, password)
        assert account is not None
        assert account.must_change
        assert await first_administrator(office) == ""
