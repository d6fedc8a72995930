"""Noises for fixtures, computed rather than recorded, the same at every making. Float32 in [-1, 1] at 8 kHz."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from scipy.signal import butter, sosfilt

from voicebot.audio.narrowband import Signal, babble, from_pcm
from voicebot.audio.tones import ringback
from voicebot.core.frames import SAMPLE_RATE_HZ

NoiseKind = Literal["line", "babble", "ringback", "music", "silence", "knocks", "garble"]
_MELODY_HZ = (523, 587, 659, 784, 880, 784, 659, 587)  # a pentatonic scale, up and down


def make_noise(kind: NoiseKind, seconds: float, talkers: Sequence[Signal]) -> Signal:
    """``seconds`` of a noise; ``talkers`` are the voices of babble."""
    rng = np.random.default_rng(12345)
    count = int(seconds * SAMPLE_RATE_HZ)
    time_s = np.arange(count) / SAMPLE_RATE_HZ
    if kind == "ringback":
        return from_pcm(ringback(seconds * 1000))[:count]
    if kind == "babble":
        return (babble(talkers, count, rng) * 0.5).astype(np.float32)
    if kind == "silence":
        return (rng.standard_normal(count) * 10 ** (-62 / 20)).astype(np.float32)
    if kind == "line":  # mains hum with its overtones, and hiss
        hum = sum(np.sin(2 * np.pi * 50 * n * time_s) / n for n in (1, 2, 3, 5, 7, 9))
        return (0.01 * np.asarray(hum) + 0.01 * rng.standard_normal(count)).astype(np.float32)
    if kind == "garble":
        return _garble(talkers, count, rng)
    if kind == "music":
        return _music(time_s)
    return _knocks(count, rng)


def _garble(talkers: Sequence[Signal], count: int, rng: np.random.Generator) -> Signal:
    """Voices without words: two talkers at once, backwards, in pieces of 60 ms whose order is lost."""
    piece = 60 * SAMPLE_RATE_HZ // 1000
    voices = np.stack([np.resize(talker[::-1], count) for talker in talkers[:2]]).mean(axis=0)
    pieces = voices[: count // piece * piece].reshape(-1, piece).copy()
    rng.shuffle(pieces)
    faded: Signal = (pieces * np.hanning(piece) ** 0.25).reshape(-1).astype(np.float32)
    return faded


def _music(time_s: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Signal:
    """Notes of half a second with two overtones and a plucked envelope, over a drone."""
    within = time_s % 0.5
    pitch_hz = np.take(_MELODY_HZ, (time_s / 0.5).astype(int), mode="wrap")
    note = sum(np.sin(2 * np.pi * pitch_hz * n * within) / n for n in (1, 2, 3)) * np.exp(-4 * within)
    drone = np.sin(2 * np.pi * 262 * time_s)
    return (0.12 * np.asarray(note) + 0.04 * drone).astype(np.float32)


def _knocks(count: int, rng: np.random.Generator) -> Signal:
    """Short bursts of band noise, as of coughs, a door, a cup: sounds that are no words."""
    sound = rng.standard_normal(count) * 10 ** (-62 / 20)
    for start_s, length_s, low_hz, high_hz, level in (
        (0.8, 0.22, 300, 1800, 0.25),
        (1.15, 0.3, 300, 1500, 0.2),
        (3.0, 0.06, 150, 900, 0.4),
        (3.25, 0.06, 150, 900, 0.4),
        (5.2, 0.03, 1200, 3400, 0.3),
        (6.6, 0.25, 400, 2200, 0.22),
    ):
        start, length = int(start_s * SAMPLE_RATE_HZ), int(length_s * SAMPLE_RATE_HZ)
        band = butter(2, (low_hz, high_hz), "band", fs=SAMPLE_RATE_HZ, output="sos")
        burst = sosfilt(band, rng.standard_normal(length)) * np.exp(-6 * np.arange(length) / length)
        sound[start : start + length] += level * burst / max(1e-9, float(np.abs(burst).max()))
    return sound.astype(np.float32)
