"""A `VoiceDetector` that hears loudness only; enough where a test's speech is a tone and its silence is zeros."""

from voicebot.audio.level import rms_dbfs
from voicebot.core.frames import FRAME_BYTES


class LoudnessDetector:
    """Probability 0.95 for a frame above ``threshold_dbfs``, 0.02 below it."""

    def __init__(self, threshold_dbfs: float = -40.0):
        self._threshold_dbfs = threshold_dbfs
        self.heard = 0

    def push(self, pcm: bytes) -> float:
        if len(pcm) != FRAME_BYTES:
            raise ValueError(f"a frame has {FRAME_BYTES} bytes, not {len(pcm)}")
        self.heard += 1
        return 0.95 if rms_dbfs(pcm) > self._threshold_dbfs else 0.02

    def reset(self) -> None:
        self.heard = 0
