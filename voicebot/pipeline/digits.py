"""Keys become answers: collected until #, enough of them, or a pause. Pure; time is handed in."""

from voicebot.core.speech import Expect

_PAUSE_MS = {Expect.DIGITS: 2500.0}
_USUAL_PAUSE_MS = 1500.0
_ENOUGH = {Expect.RATING: 1, Expect.YES_NO: 1, Expect.DIGITS: 12}  # an area code and a number, at most
_MOST = 32  # more keys than any answer has: handed on at once, so a stuck key cannot grow without limit


class DigitCollector:
    """Collects the keys of one call."""

    def __init__(self) -> None:
        self._keys = ""
        self._last_ms = 0.0

    def press(self, key: str, now_ms: float, expects: Expect) -> str:
        """A key went down; returns the collected keys when they are complete, else ""."""
        self._last_ms = now_ms
        if key == "#" and self._keys:
            return self._take()
        self._keys += key
        if len(self._keys) >= _ENOUGH.get(expects, _MOST):
            return self._take()
        return ""

    def tick(self, now_ms: float, expects: Expect) -> str:
        """Time goes on; returns the collected keys when the pause says that there will be no more."""
        if self._keys and now_ms - self._last_ms >= _PAUSE_MS.get(expects, _USUAL_PAUSE_MS):
            return self._take()
        return ""

    def _take(self) -> str:
        keys, self._keys = self._keys, ""
        return keys
