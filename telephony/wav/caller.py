"""The far end of a `WavLine`: speaks what it is given, keeps what it hears."""

import asyncio
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from voicebot.core.call import CallEnd
from voicebot.core.frames import FRAME_BYTES, FRAME_SAMPLES

if TYPE_CHECKING:
    from telephony.wav.line import WavLine

_KEY_S = 0.22  # 100 ms down, 120 ms up: an unhurried hand
_NOISE_SEED = 12345  # the same call sounds the same each time


class WavCaller:
    """A `CallerLeg` on a `WavLine`."""

    def __init__(self, line: "WavLine", noise_rms: float):
        self._line = line
        self._noise_rms = noise_rms
        self._noise = np.random.default_rng(_NOISE_SEED)
        self._speech = bytearray()
        self._heard = bytearray()

    async def connect(self) -> None:
        """The call is answered at once."""
        self._line.answer()

    def say(self, pcm: bytes) -> int:
        """Speak 8 kHz int16 PCM, behind what is still being said; returns the position at which it starts."""
        at = self._line.position + len(self._speech) // 2
        self._speech += pcm
        return at

    @property
    def saying(self) -> bool:
        """Is something still being said?"""
        return bool(self._speech)

    async def press(self, digits: str) -> None:
        """Press keys, one after the other."""
        for digit in digits:
            self._line.press(digit)
            await asyncio.sleep(_KEY_S)

    def received(self, since: int = 0) -> NDArray[np.int16]:
        """Everything heard from a position on; silence where nothing came."""
        return np.frombuffer(bytes(self._heard[2 * since :]), "<i2").astype(np.int16)

    @property
    def position(self) -> int:
        """Samples since answer, now."""
        return self._line.position

    async def hang_up(self) -> None:
        """Put the receiver down."""
        self._line.close(CallEnd.CALLER_HUNG_UP)

    @property
    def ended(self) -> bool:
        """Is the call over, whoever ended it?"""
        return self._line.end is not None

    def next_frame(self) -> bytes:
        """The next 20 ms of the caller's side: speech on top of the line's noise."""
        speech = bytes(self._speech[:FRAME_BYTES]).ljust(FRAME_BYTES, b"\0")
        del self._speech[:FRAME_BYTES]
        if not self._noise_rms:
            return speech
        noise = self._noise.normal(0.0, self._noise_rms, FRAME_SAMPLES)
        mixed = np.frombuffer(speech, "<i2") + np.rint(noise)
        return bytes(np.clip(mixed, -32768, 32767).astype("<i2").tobytes())

    def hear(self, pcm: bytes) -> None:
        """Take 20 ms from the bot."""
        self._heard += pcm
