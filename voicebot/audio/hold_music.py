"""Something quiet to wait by: a slow pentatonic tune, computed so that it belongs to nobody."""

import wave
from functools import cache
from pathlib import Path

import numpy as np

from voicebot.core.errors import ConfigurationError
from voicebot.core.frames import SAMPLE_RATE_HZ

_LEVEL_DBFS = -30.0
_BEAT_S = 0.6
_A4_HZ, _SEMITONE = 440.0, 2 ** (1 / 12)
# Semitones from A4, gong mode on C; None is a rest. Everything stays within a telephone's band.
_TUNE = (3, 5, 7, 10, 12, 10, 7, None, 5, 7, 10, 7, 5, 3, 0, None, 3, 7, 10, 12, 15, 12, 10, None, 7, 5, 3, 5, 3, None)
_DECAY_S = 0.9
_RING_S = 1.5


@cache
def tune() -> bytes:
    """8 kHz int16 PCM, `_LEVEL_DBFS` RMS, to be repeated from its beginning."""
    beat = round(_BEAT_S * SAMPLE_RATE_HZ)
    samples = np.zeros(beat * len(_TUNE))
    time_s = np.arange(round(_RING_S * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    for number, step in enumerate(_TUNE):
        if step is None:
            continue
        pitch_hz = _A4_HZ * _SEMITONE**step
        note = np.sin(2 * np.pi * pitch_hz * time_s) + 0.3 * np.sin(4 * np.pi * pitch_hz * time_s)
        note *= np.exp(-time_s / _DECAY_S * 3) * np.minimum(1, time_s / 0.01)
        places = (number * beat + np.arange(len(note))) % len(samples)  # the last notes ring into the first
        np.add.at(samples, places, note)
    samples *= 32768 * 10 ** (_LEVEL_DBFS / 20) / np.sqrt(np.mean(samples**2))
    pcm: bytes = np.clip(np.rint(samples), -32768, 32767).astype("<i2").tobytes()
    return pcm


def hold_music(choice: str) -> bytes:
    """``none`` (empty), ``builtin``, or a WAV file: 8 kHz, mono, 16 bit. Raises `ConfigurationError` with a remedy."""
    if choice == "none":
        return b""
    if choice == "builtin":
        return tune()
    try:
        with wave.open(str(Path(choice)), "rb") as file:
            form = (file.getframerate(), file.getnchannels(), file.getsampwidth())
            pcm = file.readframes(file.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        raise ConfigurationError(
            f"等待音乐 {choice} 读不了：{error}。",
            code="hold_music_unreadable",
            remedy="desk.hold_music 请写 none、builtin，或一个 WAV 文件。",
        ) from error
    if form != (SAMPLE_RATE_HZ, 1, 2) or not pcm:
        raise ConfigurationError(
            f"等待音乐 {choice} 不是 8 kHz、单声道、16 位的 WAV。",
            code="hold_music_form",
            remedy=f"请转换：ffmpeg -i {choice} -ar 8000 -ac 1 -c:a pcm_s16le 新文件.wav",
        )
    return pcm
