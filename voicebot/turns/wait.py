"""How long a silence must last before it is the end of the turn."""

from collections import deque

from voicebot.core.speech import Expect
from voicebot.turns.completeness import Completeness
from voicebot.turns.settings import TurnSettings

_REMEMBERED_PAUSES = 12  # of this caller; the oldest goes
_ENOUGH_PAUSES = 2
_PAUSE_MARGIN = 1.15


class CallerPauses:
    """The pauses this caller makes inside a turn."""

    def __init__(self) -> None:
        self._pauses_ms: deque[float] = deque(maxlen=_REMEMBERED_PAUSES)

    def add(self, pause_ms: float) -> None:
        """The caller went on after so long a silence."""
        self._pauses_ms.append(pause_ms)

    @property
    def usual_ms(self) -> float:
        """A wait that would have survived most of them; 0 while too few are known."""
        if len(self._pauses_ms) < _ENOUGH_PAUSES:
            return 0.0
        ranked = sorted(self._pauses_ms)
        return ranked[int(0.8 * (len(ranked) - 1) + 0.5)] * _PAUSE_MARGIN


def base_wait_ms(settings: TurnSettings, expects: Expect) -> float:
    """The wait that fits the question."""
    return {
        Expect.ANYTHING: settings.wait_ms,
        Expect.YES_NO: settings.wait_yes_no_ms,
        Expect.DIGITS: settings.wait_digits_ms,
        Expect.ADDRESS: settings.wait_address_ms,
        Expect.NAME: settings.wait_name_ms,
        Expect.TIME: settings.wait_time_ms,
        Expect.RATING: settings.wait_rating_ms,
    }[expects]


def choose_wait_ms(settings: TurnSettings, expects: Expect, completeness: Completeness, usual_pause_ms: float) -> float:
    """The wait for this turn: the question's, longer for a caller who pauses long, changed by what the words say.

    Complete words shorten it whatever the caller's habits, since a habit of pausing inside sentences says
    little about the end of one.
    """
    wait_ms = base_wait_ms(settings, expects)
    if completeness is Completeness.COMPLETE:
        wait_ms *= settings.complete_factor
    else:
        wait_ms = max(wait_ms, usual_pause_ms)
        if completeness is Completeness.UNFINISHED:
            wait_ms *= settings.unfinished_factor
    return min(settings.max_wait_ms, max(settings.min_wait_ms, wait_ms))
