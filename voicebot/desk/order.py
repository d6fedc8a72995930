"""Whose turn it is, and how long it may take. Pure: the time is handed in."""

from datetime import datetime, timedelta

from voicebot.core.call import HandOffRequest
from voicebot.desk.settings import DeskSettings

_ORDINARY = 5
_DANGER_AHEAD = timedelta(days=36_500)  # danger comes before whoever has waited however long
_ENTERPRISE_STEPS = 2
_REPEAT_STEPS = 1
GENERAL = "general"
ENTERPRISE = "enterprise"


def turn_at(request: HandOffRequest, joined_at: datetime, earlier_tries: int, settings: DeskSettings) -> datetime:
    """The instant that orders the queue, the earliest first: when the call joined, moved forward for what is urgent.

    Each step of priority is worth some waiting, so that nobody who waits long enough is passed for ever.
    ``earlier_tries`` counts this caller's calls of the last day that nobody served.
    """
    if request.priority == 0:
        return joined_at - _DANGER_AHEAD
    steps = _ORDINARY - request.priority
    if request.skill == ENTERPRISE or (request.draft is not None and request.draft.enterprise):
        steps += _ENTERPRISE_STEPS
    if earlier_tries:
        steps += _REPEAT_STEPS
    return joined_at - timedelta(seconds=steps * settings.priority_step_s)


def expected_wait_s(position: int, agents: int, ready: int, handling_s: float) -> float | None:
    """Seconds until a call at ``position`` (from 1) is taken by ``agents``, of whom ``ready`` have no call.

    None when nobody is on duty.
    """
    return None if agents == 0 else max(0, position - ready) * handling_s / agents
