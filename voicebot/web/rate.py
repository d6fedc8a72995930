"""How often one address or one person may ask."""

from collections import OrderedDict

from voicebot.core.ports import Clock

_REMEMBERED = 10_000  # askers; the one who has been quiet longest is forgotten, and begins with a full measure again


class RateLimit:
    """A token bucket for each asker: ``burst`` at once, ``per_minute`` in the long run."""

    def __init__(self, clock: Clock, *, per_minute: float, burst: int):
        self._clock = clock
        self._per_s = per_minute / 60
        self._burst = float(burst)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allows(self, asker: str) -> bool:
        """Whether one more request is within the measure; it counts when it is."""
        now = self._clock.monotonic()
        left, at = self._buckets.pop(asker, (self._burst, now))
        left = min(self._burst, left + (now - at) * self._per_s)
        allowed = left >= 1
        self._buckets[asker] = (left - 1 if allowed else left, now)
        if len(self._buckets) > _REMEMBERED:
            self._buckets.popitem(last=False)
        return allowed
