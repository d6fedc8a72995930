"""Where the pipeline reports what it sees; the metrics stand behind it."""

from typing import Protocol


class Observer(Protocol):
    """The few things worth counting in a call."""

    def call_started(self, channel: str) -> None:
        """A call was answered."""

    def call_ended(self, end: str, duration_s: float) -> None:
        """A call is over."""

    def reply(self, stage: str, latency_ms: float) -> None:
        """Milliseconds from the end of the caller's speech to an instant of the reply."""

    def ticket_filed(self, ticket_type: str) -> None:
        """A ticket is in the database."""

    def handed_off(self, reason: str) -> None:
        """A call went into the human queue."""

    def answered(self) -> None:
        """A question was answered from the knowledge base."""

    def underruns(self, count: int) -> None:
        """Holes in the bot's voice because its audio came too late."""

    def fault(self, stage: str, code: str) -> None:
        """A part failed, and the designed answer was given."""


class SilentObserver:
    """Counts nothing; for calls that are a scenario's and not the city's."""

    def call_started(self, channel: str) -> None:
        """A call was answered."""

    def call_ended(self, end: str, duration_s: float) -> None:
        """A call is over."""

    def reply(self, stage: str, latency_ms: float) -> None:
        """A reply was given."""

    def ticket_filed(self, ticket_type: str) -> None:
        """A ticket is in the database."""

    def handed_off(self, reason: str) -> None:
        """A call went into the human queue."""

    def answered(self) -> None:
        """A question was answered."""

    def underruns(self, count: int) -> None:
        """Audio came too late."""

    def fault(self, stage: str, code: str) -> None:
        """A part failed."""
