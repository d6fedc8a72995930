"""Where a voice falls silent, by its level alone, before a detector of speech is sure of it.

A detector goes on hearing a voice for a moment after it ended, and recognition takes longer than the shortest wait
for the end of a turn. So it may begin at the lull; a gap inside a word that looks like one costs a pass, no more.
How much sooner, and how often in vain: ``lulls`` of `benchmarks.turn_ends`.
"""

from enum import StrEnum

from voicebot.core.frames import FRAME_MS, FRAME_SAMPLES
from voicebot.turns.settings import TurnSettings

_FORGET_DB = 0.1  # of the loudest frame, with each frame: quiet words behind a loud one are no lull for long


class LullChange(StrEnum):
    """What a frame did."""

    BEGAN = "began"
    OVER = "over"


class LullDetector:
    """Compares each frame with the loudest one of the turn."""

    def __init__(self, settings: TurnSettings):
        self._drop_db = settings.lull_db
        self._long_enough = round(settings.lull_ms / FRAME_MS)
        self.reset()

    def reset(self) -> None:
        """A turn begins."""
        self._loudest_dbfs = -float("inf")
        self._quiet_frames = 0
        self.began_at = 0  # the first sample of the newest lull

    def push(self, level_dbfs: float, position: int) -> LullChange | None:
        """Take the level of the 20 ms frame at ``position``."""
        self._loudest_dbfs = max(level_dbfs, self._loudest_dbfs - _FORGET_DB)
        if level_dbfs > self._loudest_dbfs - self._drop_db:
            lasted, self._quiet_frames = self._quiet_frames >= self._long_enough, 0
            return LullChange.OVER if lasted else None
        self._quiet_frames += 1
        if self._quiet_frames != self._long_enough:
            return None
        self.began_at = position - (self._quiet_frames - 1) * FRAME_SAMPLES
        return LullChange.BEGAN
