"""Clean recordings made to sound like the telephone: band, A-law, noise behind the voice, lost packets.

For measuring and for training; a live call never comes here. Signals are float32 in [-1, 1].
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, resample_poly, sosfilt

from voicebot.audio.g711 import decode_a_law, encode_a_law
from voicebot.core.frames import FRAME_SAMPLES, SAMPLE_RATE_HZ

Signal = NDArray[np.float32]

_BAND = butter(3, (300 / (SAMPLE_RATE_HZ / 2), 3400 / (SAMPLE_RATE_HZ / 2)), "band", output="sos")  # ITU-T G.712


def to_pcm(signal: Signal) -> bytes:
    """Float to int16 PCM, clipped."""
    return np.clip(np.rint(signal * 32767), -32768, 32767).astype("<i2").tobytes()


def from_pcm(pcm: bytes) -> Signal:
    """Int16 PCM to float."""
    return np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32768)


def resample(signal: Signal, source_hz: int, target_hz: int) -> Signal:
    """A whole recording at another rate."""
    if source_hz == target_hz:
        return signal
    divisor = int(np.gcd(source_hz, target_hz))
    resampled: Signal = resample_poly(signal, target_hz // divisor, source_hz // divisor).astype(np.float32)
    return resampled


def telephone(signal: Signal, source_hz: int, *, band: bool = True) -> Signal:
    """The recording at 8 kHz as it leaves a telephone: 300-3400 Hz when ``band``, through A-law and back."""
    narrow = resample(signal, source_hz, SAMPLE_RATE_HZ)
    if band:
        narrow = sosfilt(_BAND, narrow).astype(np.float32)
    return from_pcm(decode_a_law(encode_a_law(to_pcm(narrow))))


def power(signal: Signal) -> float:
    """Mean square."""
    return float(np.mean(np.square(signal, dtype=np.float64))) if len(signal) else 0.0


def mix(voice: Signal, noise: Signal, snr_db: float, *, start: int = 0) -> Signal:
    """Voice with noise behind it at a ratio over the whole voice; the noise goes round, read from ``start``."""
    if not len(noise) or power(noise) == 0:
        return voice
    behind = np.take(noise, np.arange(start, start + len(voice)), mode="wrap")
    scale = np.sqrt(power(voice) / max(power(behind), 1e-12) * 10 ** (-snr_db / 10))
    return (voice + np.float32(scale) * behind).astype(np.float32)


def babble(voices: Sequence[Signal], length: int, rng: np.random.Generator) -> Signal:
    """Everybody talking at once, ``length`` samples, RMS 0.1: all equally loud, looped from a random start."""
    crowd = np.zeros(length, np.float64)
    for voice in voices:
        if power(voice) > 0:
            start = int(rng.integers(len(voice)))
            crowd += np.take(voice, np.arange(start, start + length), mode="wrap") / np.sqrt(power(voice))
    level = np.sqrt(np.mean(crowd**2)) if length else 0.0
    return (crowd * (0.1 / level) if level > 0 else crowd).astype(np.float32)


def lose(signal: Signal, lost: Sequence[int]) -> Signal:
    """The 8 kHz signal with the listed 20 ms packets (from 0) silent, as a receiver without concealment plays it."""
    broken = signal.copy()
    for packet in lost:
        broken[packet * FRAME_SAMPLES : (packet + 1) * FRAME_SAMPLES] = 0
    return broken
