"""The recording, as a line around the line: what the caller said, and what the caller really heard."""

from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Protocol

from voicebot.core.call import CallEnd, CallStart
from voicebot.core.frames import AudioFrame
from voicebot.core.ports import Line, Played


class Recorder(Protocol):
    """Takes both directions by position; never blocks."""

    def caller(self, position: int, pcm: bytes) -> None:
        """The caller's audio at a position in samples since answer."""

    def bot(self, position: int, pcm: bytes) -> None:
        """The bot's audio as it left for the caller."""

    async def close(self) -> None:
        """Finish the file."""


class Recorders:
    """Several as one."""

    def __init__(self, *recorders: Recorder):
        self._recorders = recorders

    def caller(self, position: int, pcm: bytes) -> None:
        """To each."""
        for recorder in self._recorders:
            recorder.caller(position, pcm)

    def bot(self, position: int, pcm: bytes) -> None:
        """To each."""
        for recorder in self._recorders:
            recorder.bot(position, pcm)

    async def close(self) -> None:
        """Each."""
        for recorder in self._recorders:
            await recorder.close()


class RecordedLine:
    """A `Line` that records. The bot's audio is written where it was played, and only as far as it was heard.

    At each caller frame the line tells how many samples have left since the last one; so both
    tracks share the line's own clock and cannot drift apart. While ``secret`` is true the caller's track is silent.
    """

    def __init__(self, line: Line, recorder: Recorder, secret: Callable[[], bool] = lambda: False):
        self._line = line
        self._secret = secret
        self._recorder = recorder
        # Bounded by the line's own back-pressure: `play` waits while its buffer of some 200 ms is full.
        self._pending: deque[bytes] = deque()
        self._seen = line.played()

    @property
    def start(self) -> CallStart:
        """What is known of the call."""
        return self._line.start

    @property
    def end(self) -> CallEnd | None:
        """Why the call is over; None while it lasts."""
        return self._line.end

    async def frames(self) -> AsyncIterator[AudioFrame]:
        """The caller's audio, recorded on its way."""
        async for frame in self._line.frames():
            self._recorder.caller(frame.position, bytes(len(frame.pcm)) if self._secret() else frame.pcm)
            self._settle(frame.position)
            yield frame

    def digits(self) -> AsyncIterator[str]:
        """Keys the caller presses."""
        return self._line.digits()

    async def play(self, pcm: bytes) -> None:
        """Hand over audio; it is recorded once it has left."""
        self._pending.append(pcm)
        await self._line.play(pcm)

    def flush(self) -> Played:
        """Throw away what has not left; what was thrown away is not recorded."""
        played = self._line.flush()
        heard = played.heard - self._seen.heard
        self._pending = deque([self._take(heard)] if heard > 0 else [])
        self._seen = Played(played.written, self._seen.heard, played.flushed)
        return played

    def played(self) -> Played:
        """The line's counts."""
        return self._line.played()

    async def transfer(self, target: str) -> str:
        """Blind transfer."""
        return await self._line.transfer(target)

    async def hang_up(self) -> None:
        """End the call."""
        await self._line.hang_up()

    def _settle(self, position: int) -> None:
        if not self._pending:  # nothing can have been heard that was not played
            return
        played = self._line.played()
        samples = played.heard - self._seen.heard
        if samples > 0:
            self._recorder.bot(position, self._take(samples))
        self._seen = played

    def _take(self, samples: int) -> bytes:
        wanted, parts = samples * 2, []
        while wanted and self._pending:
            part = self._pending.popleft()
            if len(part) > wanted:
                self._pending.appendleft(part[wanted:])
                part = part[:wanted]
            parts.append(part)
            wanted -= len(part)
        return b"".join(parts)
