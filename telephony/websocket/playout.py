"""The bot's audio between `Line.play` and a far end that paces it itself and tells by marks what it has played."""

from collections import deque

from telephony.send_buffer import SendBuffer
from voicebot.core.frames import FRAME_BYTES, SAMPLE_RATE_HZ, ms_to_samples
from voicebot.core.ports import Played

MARK_EVERY_SAMPLES = ms_to_samples(100)


class Playout:
    """What was sent and not yet played is on its way; a flush takes it back, and every sample is counted once.

    Pure: ``now`` is in seconds on any clock that does not jump. Between two marks playing is taken to go on in real
    time, and never past a mark that the far end has not reached. A far end that knows no marks is believed to play
    in real time.
    """

    def __init__(self, buffer_ms: int):
        self._buffer = SendBuffer(buffer_ms)
        self._ahead = ms_to_samples(buffer_ms)
        self._sent = 0  # samples sent and not taken back
        self._lost = 0  # samples sent and taken back, or never played
        self._played = 0  # at `_since`
        self._since = 0.0
        # Positions on their way: no more of them than may be ahead, the oldest goes where none ever comes back.
        self._marks: deque[int] = deque(maxlen=2 + self._ahead // MARK_EVERY_SAMPLES)
        self._known = True  # does the far end know marks?
        self._marked = 0  # position of the newest mark sent
        self._marks_work = False
        self._generation = 0
        self._closed = False

    async def play(self, pcm: bytes) -> None:
        """Take audio; waits while the buffer is full."""
        await self._buffer.play(pcm)

    def due(self, now: float) -> tuple[bytes, str]:
        """The audio to send now (whole frames, or nothing), and the id of the mark to send behind it, or ""."""
        heard = self._heard(now)
        if heard == self._sent:
            self._played, self._since = heard, now  # silence until now: what is sent now is played from now on
        pcm = bytearray()
        while self._sent - heard + len(pcm) // 2 < self._ahead and (piece := self._buffer.take()):
            pcm += piece.ljust(FRAME_BYTES, b"\0")
            self._lost -= (FRAME_BYTES - len(piece)) // 2  # the padding was never handed over
        self._sent += len(pcm) // 2
        due = self._sent - self._marked >= MARK_EVERY_SAMPLES or (not pcm and self._sent > self._marked)
        if self._known and due:
            self._marked = self._sent
            self._marks.append(self._sent)
            return bytes(pcm), f"{self._generation}.{self._sent}"
        return bytes(pcm), ""

    def mark(self, correlation_id: str, now: float) -> None:
        """The far end has played all that was sent before this mark; one from before a flush says nothing."""
        generation, _, position = correlation_id.partition(".")
        if generation != str(self._generation) or not position.isdecimal() or int(position) not in self._marks:
            return
        self._marks_work = True
        while self._marks.popleft() != int(position):
            pass
        self._played, self._since = int(position), now

    def refused(self) -> None:
        """The far end did not know a command: where no mark ever came back, it is this one."""
        if not self._marks_work:
            self._known = False
            self._marks.clear()

    def flush(self, now: float) -> Played:
        """Take back what was not played."""
        self._take_back(now)
        self._generation += 1
        self._buffer.flush()
        return self.played(now)

    def played(self, now: float) -> Played:
        """The counts so far."""
        taken = self._buffer.played()
        heard = self._heard(now)
        return Played(taken.written, taken.heard - self._lost - (self._sent - heard), taken.flushed + self._lost)

    def close(self, now: float) -> None:
        """The call is over; what is on its way is not played."""
        self._take_back(now)
        self._closed = True
        self._buffer.close()

    def _take_back(self, now: float) -> None:
        heard = self._heard(now)
        self._lost += self._sent - heard
        self._sent = self._marked = self._played = heard
        self._since = now
        self._marks.clear()

    def _heard(self, now: float) -> int:
        if self._closed:
            return self._sent
        reached = self._played + max(0, int((now - self._since) * SAMPLE_RATE_HZ))
        furthest = self._marks[0] if self._marks_work and self._marks else self._sent
        return min(reached, furthest, self._sent)
