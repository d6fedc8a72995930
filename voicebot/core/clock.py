"""Time, handed in so that tests decide what time it is."""

import time
from datetime import UTC, datetime


class SystemClock:
    """The machine's clocks; the only place in the product that reads them."""

    def now(self) -> datetime:
        """Current time of day, timezone-aware UTC; may jump when the machine's clock is set."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds on a clock that never jumps; only differences mean something."""
        return time.monotonic()
