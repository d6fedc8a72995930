"""The caller's audio on the call's own time line: one 20 ms frame for every 20 ms since answer."""

from voicebot.core.frames import FRAME_BYTES, FRAME_SAMPLES, SILENT_FRAME, AudioFrame

_GRACE_FRAMES = 3  # a frame may be 60 ms late before silence takes its place: the RTP of a stalled peer comes in bursts
_MOST_WAITING_FRAMES = 6  # 120 ms: a peer whose clock runs fast, or audio that piled up while nobody read
_KEPT_FRAMES = 2


class Alignment:
    """Pure: bytes and positions in, frames out. Gaps become silence, a surplus is dropped, so nothing drifts.

    A frame's position is at most 60 ms behind the moment it arrived at, and never ahead of it.
    """

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._next = 0
        self.filled_samples = 0
        self.dropped_samples = 0

    def push(self, pcm: bytes) -> None:
        """Take audio as it arrives, of any even length."""
        self._waiting += pcm
        if len(self._waiting) > _MOST_WAITING_FRAMES * FRAME_BYTES:
            surplus = len(self._waiting) - _KEPT_FRAMES * FRAME_BYTES
            del self._waiting[:surplus]
            self.dropped_samples += surplus // 2

    def due(self, now_samples: int) -> list[AudioFrame]:
        """The frames that have ended by ``now_samples``, in order and without a hole."""
        frames = []
        while self._next + FRAME_SAMPLES <= now_samples:
            if len(self._waiting) >= FRAME_BYTES:
                pcm = bytes(self._waiting[:FRAME_BYTES])
                del self._waiting[:FRAME_BYTES]
            elif self._next + (1 + _GRACE_FRAMES) * FRAME_SAMPLES <= now_samples:
                pcm = SILENT_FRAME
                self.filled_samples += FRAME_SAMPLES
            else:
                break
            frames.append(AudioFrame(pcm, self._next))
            self._next += FRAME_SAMPLES
        return frames
