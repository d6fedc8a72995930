"""Where calls are entered at the moment they are answered, so that a process that is killed then leaves a trace."""

from typing import Protocol

from voicebot.core.call import CallEnd, CallStart


class CallBook(Protocol):
    """What the line tells of a call before anybody serves it."""

    async def enter(self, start: CallStart) -> None:
        """The call is about to be answered. Soon over, whatever happens: the caller waits meanwhile."""

    async def close(self, start: CallStart, end: CallEnd) -> None:
        """An entered call is over and nobody has served it."""


class NoBook:
    """For lines that keep no record."""

    async def enter(self, start: CallStart) -> None:
        """Nothing is written."""

    async def close(self, start: CallStart, end: CallEnd) -> None:
        """Nothing is written."""
