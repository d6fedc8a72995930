"""What the browser plays: the bot's audio as a media track that paces itself."""

import asyncio
from fractions import Fraction

import av
import numpy as np
from aiortc import MediaStreamTrack

from telephony.send_buffer import SendBuffer
from voicebot.core.frames import FRAME_BYTES, FRAME_MS, FRAME_SAMPLES, SAMPLE_RATE_HZ

_LATE_S = 0.1  # a stall is made up for, by at most so much


class SendingTrack(MediaStreamTrack):
    """20 ms of 8 kHz audio every 20 ms, silence when there is nothing to say; what is taken counts as heard."""

    kind = "audio"

    def __init__(self, outgoing: SendBuffer):
        super().__init__()
        self._outgoing = outgoing
        self._samples = 0
        self._due_s: float | None = None

    async def recv(self) -> av.AudioFrame:
        """The next frame, at its time."""
        loop = asyncio.get_running_loop()
        if self._due_s is None:
            self._due_s = loop.time()
        else:
            self._due_s = max(self._due_s + FRAME_MS / 1000, loop.time() - _LATE_S)
            await asyncio.sleep(self._due_s - loop.time())
        pcm = self._outgoing.take().ljust(FRAME_BYTES, b"\0")
        frame = av.AudioFrame.from_ndarray(np.frombuffer(pcm, "<i2").reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE_HZ
        frame.pts = self._samples
        frame.time_base = Fraction(1, SAMPLE_RATE_HZ)
        self._samples += FRAME_SAMPLES
        return frame
