"""Recordings with their text: reading manifests, decoding audio, keeping speakers apart."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from voicebot.audio.narrowband import resample
from voicebot.core.errors import ConfigurationError

RATE_HZ = 16_000  # what Whisper hears

Signal = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Clip:
    """One utterance: a file, or ``signal`` (float32, 16 kHz)."""

    id: str
    text: str
    speaker: str
    licence: str
    path: Path | None = None
    signal: Signal | None = None
    synthesised: bool = False


def read_manifest(path: Path) -> list[Clip]:
    """Clips of a JSON-lines manifest: ``file`` (relative to it), ``text``; maybe ``id``, ``speaker``, ``licence``,
    and ``synthesised`` (true for a machine's voice).

    A clip without a speaker is its own speaker. Raises `ConfigurationError` with file and line.
    """
    clips = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            file = path.parent / entry["file"]
            clip_id = str(entry.get("id") or entry["file"])
            clips.append(
                Clip(
                    id=clip_id,
                    text=str(entry["text"]),
                    speaker=str(entry.get("speaker") or clip_id),
                    licence=str(entry.get("licence") or "unknown"),
                    path=file,
                    synthesised=bool(entry.get("synthesised")),
                )
            )
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise ConfigurationError(
                f"{path}:{number}: not a clip ({error}).",
                code="manifest_invalid",
                remedy='Each line needs at least {"file": ..., "text": ...}.',
            ) from error
    return clips


def load(clip: Clip) -> Signal:
    """The clip as float32 mono at 16 kHz; any format that libsndfile reads. Raises `ConfigurationError`."""
    if clip.signal is not None:
        return clip.signal
    try:
        channels, rate_hz = soundfile.read(clip.path, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError) as error:
        raise ConfigurationError(
            f"{clip.path} cannot be decoded: {error}.",
            code="clip_unreadable",
            remedy="Correct the manifest or remove the file.",
        ) from error
    return resample(np.ascontiguousarray(channels.mean(axis=1, dtype=np.float32)), rate_hz, RATE_HZ)


def split_by_speaker(clips: Sequence[Clip], share: float) -> tuple[list[Clip], list[Clip]]:
    """Training clips and validation clips with no speaker in both; the split depends on speakers' names alone.

    Synthesised clips all train: a machine's voice says nothing about unseen people. Speakers are taken for
    validation in the order of their hash until ``share`` of the human clips is reached; one that alone holds
    more than half of that share is passed over.
    """
    human = [clip for clip in clips if not clip.synthesised]
    wanted = share * len(human)
    held: set[str] = set()
    count = 0
    for speaker in sorted({clip.speaker for clip in human}, key=lambda name: hashlib.sha256(name.encode()).digest()):
        size = sum(clip.speaker == speaker for clip in human)
        if count < wanted and size <= max(1.0, wanted / 2):
            held.add(speaker)
            count += size
    return (
        [clip for clip in clips if clip.synthesised or clip.speaker not in held],
        [clip for clip in human if clip.speaker in held],
    )
