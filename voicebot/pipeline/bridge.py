"""A caller and a person who takes the call in the browser, perhaps with a third party: each hears the others.

The bot is silent; the caller's side is still heard and written down, so that the person reads along.
"""

import asyncio
from collections import deque
from types import TracebackType

from voicebot.audio.mixing import mixed
from voicebot.core.frames import SILENT_FRAME, ms_to_samples
from voicebot.core.ports import Line
from voicebot.pipeline.phone import Phone
from voicebot.pipeline.state import CallState
from voicebot.pipeline.utterance import Utterance

_MOST_AHEAD = ms_to_samples(300)  # audio that waits for the caller's line; more is dropped, not delayed
_MOST_SAID = 10  # frames of one person's that wait for the caller's next one; when there are more the oldest goes


class _Seat:
    """Somebody in the call besides the caller."""

    def __init__(self, phone: Phone):
        self.phone = phone
        self._said: deque[bytes] = deque(maxlen=_MOST_SAID)
        phone.listen(self._said.append)

    def next(self) -> bytes:
        return self._said.popleft() if self._said else SILENT_FRAME

    def leave(self) -> None:
        self.phone.listen(None)


class Bridge:
    """Joins one line with one headset, and with a third party's phone, for as long as the block is open.

    The caller's frames are the clock: with each of them everybody else's newest 20 ms are laid over each other, and
    everybody gets what the others said.
    """

    def __init__(self, line: Line, phone: Phone, state: CallState):
        self._line = line
        self._state = state
        self._phone = phone
        self._agent: _Seat | None = None
        self._third: _Seat | None = None
        self._announcement: Utterance | None = None
        # Half a second; what comes while it is full is dropped.
        self._to_caller: asyncio.Queue[bytes] = asyncio.Queue(maxsize=25)
        self._playing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Bridge":
        self._line.flush()
        self.agent_joins(self._phone)
        self._state.bridged = self._hear
        self._playing = asyncio.create_task(self._play(), name="bridge-plays")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._state.bridged = None
        self.agent_leaves()
        self.third_leaves()
        if self._playing is not None:
            self._playing.cancel()
            await asyncio.gather(self._playing, return_exceptions=True)

    def third_joins(self, phone: Phone) -> None:
        """A third party is there; what is being announced is cut short."""
        self._third, self._announcement = _Seat(phone), None

    def third_leaves(self) -> None:
        """The third party is gone; caller and agent speak on."""
        if self._third is not None:
            self._third.leave()
        self._third = None

    def agent_joins(self, phone: Phone) -> None:
        """The agent is there, or there again."""
        self._agent = _Seat(phone)

    def agent_leaves(self) -> None:
        """The agent is gone; caller and third party speak on."""
        if self._agent is not None:
            self._agent.leave()
        self._agent = None

    def announce(self, words: Utterance | None) -> None:
        """Say something to caller and agent as it is being made; None: not any longer."""
        self._announcement = words

    def _hear(self, caller: bytes) -> None:
        """20 ms of the caller's."""
        state = self._state
        agent = self._agent.next() if self._agent is not None else SILENT_FRAME
        third = self._third.next() if self._third is not None else b""
        words = (self._announcement.next_frame() if self._announcement is not None else None) or b""
        if state.agent_said:
            state.agent_said(mixed(mixed(agent, third), words))
        said = state.to_caller(agent) if state.to_caller else agent
        self._send(mixed(mixed(said, third), words))
        if self._third is not None:
            self._third.phone.hear(mixed(caller, said))
        if self._agent is not None:
            heard = mixed(mixed(caller, third), words)
            self._agent.phone.hear(state.to_agent(heard) if state.to_agent else heard)

    def _send(self, pcm: bytes) -> None:
        played = self._line.played()
        if not self._to_caller.full() and played.written - played.heard - played.flushed < _MOST_AHEAD:
            self._to_caller.put_nowait(pcm)

    async def _play(self) -> None:
        while True:
            await self._line.play(await self._to_caller.get())
