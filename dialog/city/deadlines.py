"""When departments work, and when a ticket's stages fall due: the city's hours, holidays and time limits."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from dialog.city.nouns import City, Deadline, OfficeHours
from voicebot.core.ticket import StageDue, TicketState

_AFTER_FINISHING = frozenset({TicketState.CALLED_BACK.value, TicketState.RATED.value})
_LONGEST = timedelta(days=3660)  # a city whose workdays end is a mistake, not a reason to count for ever


class OfficeCalendar:
    """The hours of a city's departments on its own clock."""

    def __init__(self, hours: OfficeHours, zone: ZoneInfo) -> None:
        self._hours = hours
        self._zone = zone

    def is_open(self, at: datetime) -> bool:
        """Do departments work at this instant?"""
        local = at.astimezone(self._zone)
        return self._works(local.date()) and self._hours.opens <= local.time() < self._hours.closes

    def after(self, start: datetime, minutes: float) -> datetime:
        """The instant at which so many working minutes have passed; raises ValueError when no working day comes."""
        left = timedelta(minutes=minutes)
        for begin, end in self._spans(start):
            if left <= end - begin:
                return begin + left
            left -= end - begin
        raise ValueError("there are no working days")

    def _spans(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Working hours from ``start`` on, day by day."""
        local = start.astimezone(self._zone)
        day = local.date()
        while day - local.date() < _LONGEST:
            if self._works(day):
                begin = max(local, datetime.combine(day, self._hours.opens, self._zone))
                end = datetime.combine(day, self._hours.closes, self._zone)
                if begin < end:
                    yield begin, end
            day += timedelta(days=1)

    def _works(self, day: date) -> bool:
        hours = self._hours
        return day in hours.workdays or (day.isoweekday() in hours.days and day not in hours.holidays)


def due_times(city: City, urgency: str, accepted_at: datetime) -> tuple[StageDue, ...]:
    """When each stage of a ticket turns amber and falls due, in the order of the stages.

    A limit counts from the acceptance; that of a call back and a rating from the end of the limit for finishing.
    """
    calendar = OfficeCalendar(city.office_hours, city.timezone)
    limits = {limit.stage: limit for limit in city.deadlines if limit.urgency == urgency}
    found: list[StageDue] = []
    finish = accepted_at
    for state in TicketState:
        limit = limits.get(state.value)
        if limit is None:
            continue
        begin = finish if state.value in _AFTER_FINISHING else accepted_at
        found.append(StageDue(state, _passed(calendar, limit, begin, limit.amber), _passed(calendar, limit, begin, 1)))
        if state is TicketState.DONE:
            finish = found[-1].due_at
    return tuple(found)


def _passed(calendar: OfficeCalendar, limit: Deadline, begin: datetime, share: float) -> datetime:
    minutes = limit.minutes * share
    return calendar.after(begin, minutes) if limit.working else begin + timedelta(minutes=minutes)
