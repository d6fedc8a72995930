"""A caller and a person who takes the call in the browser: their audio goes to and fro, and the bot is silent.

The caller's side is still heard and written down, so that the person reads along; nothing is answered.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from voicebot.core.frames import ms_to_samples
from voicebot.core.ports import Line
from voicebot.pipeline.state import CallState

_MOST_AHEAD = ms_to_samples(300)  # the agent's audio that waits for the caller's line; more is dropped, not delayed


class Phone(Protocol):
    """An agent's headset in the browser, connected for as long as their page is open."""

    def hear(self, pcm: bytes) -> None:
        """20 ms of what the agent is to hear; never waits."""

    def listen(self, sink: Callable[[bytes], None] | None) -> None:
        """Give what the agent says to ``sink``, 20 ms at a time; None: to nobody."""

    async def over(self) -> None:
        """Wait until the agent's page is gone."""


class Phones(Protocol):
    """The headsets that are connected to this process."""

    def of(self, agent: str) -> Phone | None:
        """The headset of an agent; None when there is none here."""


class Bridge:
    """Joins one line with one headset while `run` lasts."""

    def __init__(self, line: Line, phone: Phone, state: CallState):
        self._line = line
        self._phone = phone
        self._state = state
        # Half a second; what comes while it is full is dropped.
        self._from_agent: asyncio.Queue[bytes] = asyncio.Queue(maxsize=25)

    async def run(self, released: asyncio.Task[str]) -> str:
        """Until the agent is done with the call (what ``released`` says), or "lost" when their page is gone."""
        self._line.flush()
        self._state.bridged = self._to_agent
        self._phone.listen(self._take)
        gone = asyncio.create_task(self._phone.over(), name="headset-gone")
        playing = asyncio.create_task(self._play(), name="headset-plays")
        try:
            await asyncio.wait([released, gone], return_when=asyncio.FIRST_COMPLETED)
            return released.result() if released.done() else "lost"
        finally:
            self._phone.listen(None)
            self._state.bridged = None
            for task in (gone, playing):
                task.cancel()
            await asyncio.gather(gone, playing, return_exceptions=True)

    def _to_agent(self, pcm: bytes) -> None:
        self._phone.hear(self._state.to_agent(pcm) if self._state.to_agent else pcm)

    def _take(self, pcm: bytes) -> None:
        if self._state.agent_said:
            self._state.agent_said(pcm)
        pcm = self._state.to_caller(pcm) if self._state.to_caller else pcm
        played = self._line.played()
        if not self._from_agent.full() and played.written - played.heard - played.flushed < _MOST_AHEAD:
            self._from_agent.put_nowait(pcm)

    async def _play(self) -> None:
        while True:
            await self._line.play(await self._from_agent.get())
