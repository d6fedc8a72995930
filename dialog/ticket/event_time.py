"""When something happened, relative to the day of the call.

Spoken times are vague; the range is as wide as what was said: 上个月二十号 is that day, 昨天晚上十点以后
from ten to six in the morning, 三天了 from three days ago on, still going on. Days of the lunar calendar
and times of no certain day (夜里两三点) keep only their words.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from dialog.ticket.moments import lasting
from dialog.ticket.time_rules import RULES, SURE
from voicebot.core.ticket import EventTime

_WISHED = re.compile("要求|希望|请|能不能|能否|建议|最好|赶紧|尽快|得叫|[让叫](?:他们?|你们)|什么时候|啥时候|多会儿")
_REFINED = re.compile("[，,。吧呢嘛啊嗯呃]*(?:应该|大概|好像|可能|就|具体|准确说|也)?(?:就?是|在)?[，,]?")
_OFFICE = re.compile("[^，。]{0,4}(?:上班|办公|开门|营业|值班|下班)(?:吗|不|么|没|时间|的时间)")


@dataclass(frozen=True, slots=True)
class _Said:
    """A time at ``text[start:end]``: how sure it is one of the matter, how closely it tells it."""

    start: int
    end: int
    sure: int
    exact: int
    habit: bool
    lasts: bool
    time: EventTime


def find_time(text: str, now: datetime) -> EventTime | None:
    """The time that ``text`` speaks of; ``now`` is local time with its zone. None when it names none.

    The first of the surest holds, unless the next words put it more exactly (国庆前后，应该是十月三号晚上).
    """
    found = _outermost(list(_all(text, now)))
    if not found:
        return None
    surest = max(said.sure for said in found)
    best = next(said for said in found if said.sure == surest)
    for said in found:
        if said.start >= best.end and said.exact > best.exact and _REFINED.fullmatch(text, best.end, said.start):
            best = said
    if best.habit:  # how long it has gone on says more than at what hour of the day it does
        best = next((said for said in found if said.lasts and said.sure == surest), best)
    return best.time


def time_spans(text: str, now: datetime) -> list[tuple[int, int]]:
    """Where ``text`` names times."""
    return [(said.start, said.end) for said in _outermost(list(_all(text, now)))]


def _all(text: str, now: datetime) -> Iterator[_Said]:
    for rule in RULES:
        for match in rule.pattern.finditer(text):
            time = rule.read(match, now)
            if time is None or _OFFICE.match(text, match.end("s")):
                continue
            clause = re.split("[，。！？；,]", text[: match.start("s")])[-1]
            sure = rule.sure if not _WISHED.search(clause) else min(rule.sure, SURE - 2)
            yield _Said(match.start("s"), match.end("s"), sure, rule.exact, rule.habit, rule.read is lasting, time)


def _outermost(found: list[_Said]) -> list[_Said]:
    """In order, without those that overlap a longer one."""
    kept: list[_Said] = []
    for said in sorted(found, key=lambda s: (s.start - s.end, -s.sure)):
        if all(said.end <= k.start or said.start >= k.end for k in kept):
            kept.append(said)
    return sorted(kept, key=lambda s: s.start)
