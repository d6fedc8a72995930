"""The other end of a line: what a scenario needs to play a caller."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class CallerLeg(Protocol):
    """One caller. Positions are samples at 8 kHz since the call was answered."""

    async def connect(self) -> None:
        """Call and wait for the answer; raises `LineError` when there is none."""

    def say(self, pcm: bytes) -> int:
        """Speak 8 kHz int16 PCM, behind what is still being said; returns the position at which it starts."""

    @property
    def saying(self) -> bool:
        """Is something still being said?"""

    async def press(self, digits: str) -> None:
        """Press keys, one after the other."""

    def received(self, since: int = 0) -> NDArray[np.int16]:
        """Everything heard from a position on; silence where nothing came."""

    @property
    def position(self) -> int:
        """Samples since answer, now."""

    async def hang_up(self) -> None:
        """End the call; calling it twice does no harm."""

    @property
    def ended(self) -> bool:
        """Is the call over, whoever ended it?"""
