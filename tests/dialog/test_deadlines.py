"""When a ticket's stages fall due, on the city's own calendar."""

from dataclasses import replace
from datetime import UTC, date, datetime, time

import pytest

from dialog.city.deadlines import OfficeCalendar, due_times
from dialog.city.nouns import Deadline, OfficeHours
from tests.support.talking import NOW, ONE_BREATH, Talk, example_city
from voicebot.core.ticket import TicketState

HOURS = OfficeHours(
    (1, 2, 3, 4, 5), time(9), time(17), holidays=(date(2026, 10, 1), date(2026, 10, 2)), workdays=(date(2026, 9, 27),)
)
ZONE = example_city().timezone
CALENDAR = OfficeCalendar(HOURS, ZONE)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("start", "minutes", "end"),
    [
        ("2026-11-25 10:00", 60, "2026-11-25 11:00"),
        ("2026-11-25 16:30", 60, "2026-11-26 09:30"),  # over night
        ("2026-11-27 16:30", 60, "2026-11-30 09:30"),  # over the weekend
        ("2026-11-25 03:00", 0, "2026-11-25 09:00"),  # before the office opens
        ("2026-11-25 10:00", 2400, "2026-12-02 10:00"),  # five days of eight hours
        ("2026-09-30 16:00", 120, "2026-10-05 10:00"),  # over holidays
        ("2026-09-26 12:00", 60, "2026-09-27 10:00"),  # a Sunday that is worked
    ],
)
def test_working_minutes_are_counted_in_office_hours_only(start: str, minutes: float, end: str) -> None:
    assert CALENDAR.after(local(start), minutes) == local(end)


def test_a_city_that_never_works_is_told_so() -> None:
    with pytest.raises(ValueError, match="no working days"):
        OfficeCalendar(replace(HOURS, days=(), workdays=()), ZONE).after(local("2026-11-25 10:00"), 1)


def test_limits_count_from_the_acceptance_and_a_call_back_from_the_finishing() -> None:
    city = replace(
        example_city(),
        deadlines=(
            Deadline("normal", "回访", 60, working=False, amber=0.5),
            Deadline("normal", "签收", 30, working=False, amber=0.8),
            Deadline("normal", "办结", 120, working=False, amber=0.5),
            Deadline("urgent", "办结", 1, working=False, amber=0.5),
        ),
    )
    signed, done, called_back = due_times(city, "normal", NOW)
    assert (signed.stage, (signed.due_at - NOW).seconds) == (TicketState.SIGNED, 30 * 60)
    assert (done.stage, (done.amber_at - NOW).seconds, (done.due_at - NOW).seconds) == (TicketState.DONE, 3600, 7200)
    assert (called_back.stage, (called_back.due_at - NOW).seconds) == (TicketState.CALLED_BACK, 3 * 3600)


def test_a_filed_ticket_knows_its_limits() -> None:
    talk = Talk()
    talk.say(ONE_BREATH, "对")
    done = next(due for due in talk.drafts[0].due if due.stage is TicketState.DONE)
    assert done.due_at.astimezone(UTC) == datetime(2026, 12, 2, 2, tzinfo=UTC)
    assert NOW < done.amber_at < done.due_at
