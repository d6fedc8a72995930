"""The bot's audio on its way to the caller, and what is known of its fate."""

import asyncio
from typing import Any

import numpy as np
from baresip import AudioInfo, AudioNotActive, AudioRestarted

from voicebot.audio.resample import Resampler
from voicebot.core.frames import FRAME_SAMPLES, SAMPLE_RATE_HZ, ms_to_samples
from voicebot.core.ports import Clock, Played

_FLUSH_S = 0.04  # the stack throws its buffer away at its next 20 ms tick, together with what is written until then
_RETRY_S = 0.01


class Outgoing:
    """Keeps the stack's send buffer short, so that a barge-in has little to throw away and counts stay true.

    Every sample handed to `play` ends up as heard or as flushed. One writer at a time.
    """

    def __init__(self, audio: Any, clock: Clock, buffer_ms: int):
        self._audio = audio
        self._clock = clock
        self._bound_samples = ms_to_samples(buffer_ms)
        self._resampler = Resampler(SAMPLE_RATE_HZ, SAMPLE_RATE_HZ)
        self._rate_hz = 0  # of the stack's stream; 0 until there is one
        self._channels = 1
        self._scale = 2  # bytes in the stack for each sample of ours
        self._written = 0
        self._flushed = 0
        self._pending = 0  # handed to `play` and not yet to the stack
        self._buffered = 0  # in the stack, as last seen
        self._generation = 0
        self._flush_until: float | None = None
        self._flushed_bytes_before = 0
        self._closed = False

    async def play(self, pcm: bytes) -> None:
        """Hand over 8 kHz PCM; waits while the buffer is full. After `close` everything counts as flushed."""
        samples = len(pcm) // 2
        self._written += samples
        self._pending += samples
        generation = self._generation
        rest = pcm
        try:
            while rest and generation == self._generation and not self._closed:
                room = self._room()
                if room < min(FRAME_SAMPLES, len(rest) // 2):
                    await asyncio.sleep(max(_RETRY_S, (FRAME_SAMPLES - room) / SAMPLE_RATE_HZ if room else _RETRY_S))
                    continue
                piece, rest = rest[: room * 2], rest[room * 2 :]
                self._pending -= len(piece) // 2
                self._write(piece)
        finally:
            if generation == self._generation:  # cancelled or closed half way; a flush has already counted it
                self._pending -= len(rest) // 2
                self._flushed += len(rest) // 2

    def flush(self) -> Played:
        """Throw away what has not been sent."""
        self._generation += 1
        self.observe()
        self._flushed += self._pending + self._buffered
        self._pending = 0
        if self._buffered:
            self._buffered = 0
            try:
                self._flushed_bytes_before = self._audio.stats().tx_flushed_bytes
                self._audio.flush_tx()
            except (AudioNotActive, AudioRestarted):
                return self._counts()
            self._flush_until = self._clock.monotonic() + _FLUSH_S
        return self._counts()

    def played(self) -> Played:
        """The counts so far."""
        self.observe()
        return self._counts()

    def observe(self) -> None:
        """Look at the stack's buffer."""
        if self._closed or self._flushing():
            return
        try:
            streams = self._audio.info()
        except AudioNotActive:
            streams = None
        self._take(streams)

    def see(self, streams: AudioInfo | None) -> None:
        """The stack's streams as they are now, None when there are none.

        Told every 20 ms, so that little is uncertain when a stream is replaced.
        """
        if not self._closed and not self._flushing():
            self._take(streams)

    def _take(self, streams: AudioInfo | None) -> None:
        if streams is None:
            self._stream_lost()
        elif streams.tx_ready:
            self._bind(streams.tx_sample_rate, streams.tx_channels)
            self._buffered = -(-streams.tx_buffered // self._scale)

    def close(self) -> None:
        """The call is over; what was not sent never will be."""
        if not self._closed:
            self._closed = True
            self._stream_lost()

    def _counts(self) -> Played:
        heard = self._written - self._flushed - self._pending - self._buffered
        return Played(self._written, heard, self._flushed)

    def _room(self) -> int:
        if self._flushing():
            return 0
        self.observe()
        return max(0, self._bound_samples - self._buffered) if self._rate_hz else 0

    def _flushing(self) -> bool:
        if self._flush_until is None:
            return False
        try:
            done = self._audio.stats().tx_flushed_bytes > self._flushed_bytes_before
        except AudioNotActive:
            done = True
        if done or self._clock.monotonic() >= self._flush_until:
            self._flush_until = None
        return self._flush_until is not None

    def _bind(self, rate_hz: int, channels: int) -> None:
        if (rate_hz, channels) != (self._rate_hz, self._channels):
            self._resampler = Resampler(SAMPLE_RATE_HZ, rate_hz)
            self._rate_hz, self._channels = rate_hz, channels
            self._scale = rate_hz // SAMPLE_RATE_HZ * channels * 2

    def _write(self, pcm: bytes) -> None:
        samples = len(pcm) // 2
        native = self._resampler.push(pcm)
        if self._channels > 1:
            native = np.repeat(np.frombuffer(native, "<i2"), self._channels).tobytes()
        try:
            self._audio.write(native)
        except (AudioNotActive, AudioRestarted):
            self._stream_lost()
            self._flushed += samples
            return
        self._buffered += samples

    def _stream_lost(self) -> None:
        self._flushed += self._buffered
        self._buffered = 0
