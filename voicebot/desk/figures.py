"""How the day goes: how many called, who was served how quickly, who gave up. Pure sums over the day's rows."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

from sqlalchemy import Row, select

from voicebot.core.call import HandOffReason, QueueState
from voicebot.core.ports import Clock
from voicebot.desk.settings import DeskSettings
from voicebot.storage.database import Database
from voicebot.storage.tables import calls
from voicebot.storage.tables import queue_entries as entries
from voicebot.storage.tickets import CHINA_TIME

_SLOT = timedelta(minutes=30)
_PERCENTILE = 0.95


@dataclass(frozen=True, slots=True)
class Slot:
    """Half an hour of the day; ``begins`` as HH:MM."""

    begins: str
    calls: int
    handed_off: int
    answered: int
    abandoned: int


@dataclass(frozen=True, slots=True)
class DayFigures:
    """One day. Shares are in [0, 1] and None while there is nothing to divide by; times are seconds.

    ``service_level``: of those served or given up, the share that a person answered within the limit.
    ``bot_share``: of all calls, the share that never needed a person. ``turned_away``: callers who were told that all
    lines are busy; they count neither as handed off nor as having given up.
    """

    day: str
    calls: int
    turned_away: int
    handed_off: int
    answered: int
    abandoned: int
    waiting: int
    to_call_back: int
    service_level: float | None
    abandon_rate: float | None
    bot_share: float | None
    wait_mean_s: float | None
    wait_p95_s: float | None
    talk_mean_s: float | None
    reasons: dict[str, int]
    curve: tuple[Slot, ...]


class Figures:
    """Reads the day's figures."""

    def __init__(self, database: Database, clock: Clock, settings: DeskSettings, zone: timezone = CHINA_TIME):
        self._database = database
        self._clock = clock
        self._settings = settings
        self._zone = zone

    async def of(self, day: date | None = None) -> DayFigures:
        """The figures of a day in the city's time; today's when none is given."""
        day = day or self._clock.now().astimezone(self._zone).date()
        begin = datetime.combine(day, time(), self._zone)
        end = begin + timedelta(days=1)
        answered = select(calls.c.answered_at).where(calls.c.answered_at >= begin, calls.c.answered_at < end)
        queued = select(
            entries.c.call_id,
            entries.c.reason,
            entries.c.state,
            entries.c.joined_at,
            entries.c.claimed_at,
            entries.c.left_at,
            entries.c.call_back,
        ).where(entries.c.joined_at >= begin, entries.c.joined_at < end)
        times, rows = await self._database.read(
            lambda connection: (
                list(connection.execute(answered).scalars()),
                list[Row[Any]](connection.execute(queued)),
            )
        )
        return _figures(day, begin, times, rows, self._settings.service_level_s)


def _figures(
    day: date, begin: datetime, times: Sequence[datetime], rows: Sequence[Row[Any]], level_s: float
) -> DayFigures:
    handed_off = [row for row in rows if row.reason != HandOffReason.BUSY.value]
    answered = [row for row in handed_off if row.claimed_at is not None and not row.call_back]
    abandoned = [row for row in handed_off if row.claimed_at is None and row.state == QueueState.ABANDONED.value]
    waits = sorted((row.claimed_at - row.joined_at).total_seconds() for row in answered)
    talks = [(row.left_at - row.claimed_at).total_seconds() for row in answered if row.left_at]
    decided = len(answered) + len(abandoned)
    queued = len({row.call_id for row in rows})
    return DayFigures(
        day=day.isoformat(),
        calls=len(times),
        turned_away=len(rows) - len(handed_off),
        handed_off=len(handed_off),
        answered=len(answered),
        abandoned=len(abandoned),
        waiting=sum(row.state == QueueState.WAITING.value for row in rows),
        to_call_back=sum(row.call_back in ("asked", "missed") for row in rows),
        service_level=_share(sum(wait <= level_s for wait in waits), decided),
        abandon_rate=_share(len(abandoned), decided),
        bot_share=_share(len(times) - queued, len(times)) if len(times) >= queued else None,
        wait_mean_s=_mean(waits),
        wait_p95_s=waits[min(len(waits) - 1, int(len(waits) * _PERCENTILE))] if waits else None,
        talk_mean_s=_mean(talks),
        reasons=dict(Counter(row.reason for row in handed_off).most_common()),
        curve=_curve(begin, times, handed_off, answered, abandoned),
    )


def _curve(
    begin: datetime,
    times: Sequence[datetime],
    rows: Sequence[Row[Any]],
    answered: Sequence[Row[Any]],
    abandoned: Sequence[Row[Any]],
) -> tuple[Slot, ...]:
    def count(instants: Sequence[datetime]) -> Counter[int]:
        return Counter((instant - begin) // _SLOT for instant in instants)

    called = count(times)
    joined, served, gave_up = (count([row.joined_at for row in some]) for some in (rows, answered, abandoned))
    return tuple(
        Slot(f"{begin + slot * _SLOT:%H:%M}", called[slot], joined[slot], served[slot], gave_up[slot])
        for slot in range(timedelta(days=1) // _SLOT)
    )


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 1) if values else None
