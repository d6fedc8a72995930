"""The caller's audio as the stack hands it out, brought to 8 kHz mono."""

from typing import Any

import numpy as np
from baresip import AudioInfo, AudioNotActive, AudioRestarted

from voicebot.audio.resample import Resampler
from voicebot.core.frames import SAMPLE_RATE_HZ


class Incoming:
    """Reads what has arrived; never waits."""

    def __init__(self, audio: Any):
        self._audio = audio
        self._resampler = Resampler(SAMPLE_RATE_HZ, SAMPLE_RATE_HZ)
        self._rate_hz = SAMPLE_RATE_HZ
        self._channels = 1
        self.streamed = False
        """Has there ever been a stream, in whichever direction?"""

    def read(self, streams: AudioInfo | None) -> bytes:
        """Everything that arrived since the last call, 8 kHz mono int16; b"" while there is no stream.

        ``streams`` as they are now, every time: a renegotiation may have brought another codec.
        """
        if streams is None:
            return b""
        self.streamed = True
        if not streams.rx_ready or not streams.rx_buffered:
            return b""
        try:
            self._bind(streams.rx_sample_rate, streams.rx_channels)
            native = self._audio.read(streams.rx_buffered)
        except (AudioNotActive, AudioRestarted):
            return b""
        if self._channels > 1:
            native = np.frombuffer(native, "<i2").reshape(-1, self._channels).mean(axis=1).astype("<i2").tobytes()
        return self._resampler.push(native)

    def _bind(self, rate_hz: int, channels: int) -> None:
        if (rate_hz, channels) != (self._rate_hz, self._channels):
            self._resampler = Resampler(rate_hz, SAMPLE_RATE_HZ)
            self._rate_hz, self._channels = rate_hz, channels
