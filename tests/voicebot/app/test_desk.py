"""The people's side of a house: when it is night, and who may log in first."""

from datetime import date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from dialog.city.nouns import OfficeHours
from tests.fakes.clock import FakeClock
from tests.support.databases import new_database
from tests.support.office import new_office
from voicebot.app.desk import FIRST_ADMINISTRATOR, first_administrator, night_of

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


async def test_the_first_start_makes_one_administrator_and_the_second_none(tmp_path: Path) -> None:
    with new_database("sqlite", tmp_path) as database:
        office = new_office(database, FakeClock())
        password = await first_administrator(office)
        account = await office.people.accounts.check(FIRST_ADMINISTRATOR, password)
        assert account is not None
        assert account.must_change
        assert await first_administrator(office) == ""
