"""How well a recogniser hears: character error rate over a manifest of recordings with their texts.

A manifest is JSON Lines, one recording a line: ``file`` (relative to the manifest), ``text``, ``dialect``;
anything else is ignored. Recordings are heard one after another, so that the real-time factor is that of
one caller.
"""

import asyncio
import json
import re
import tomllib
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile

from asr.loops import runs_away
from asr.streaming import StreamingRecogniser
from voicebot.audio.narrowband import Signal, babble, mix, resample, telephone, to_pcm
from voicebot.core.errors import ConfigurationError
from voicebot.core.frames import FRAME_BYTES, SAMPLE_RATE_HZ, AudioFrame
from voicebot.core.ports import Clock, Recogniser
from voicebot.core.speech import HearingContext, Transcript
from voicebot.language.edit_distance import edit_distance
from voicebot.language.numerals import CARDINAL, digit_run, parse_cardinal, plain

_BABBLE_VOICES = 6
_SEED = 12345
_NUMBER = re.compile(CARDINAL)


@dataclass(frozen=True, slots=True)
class Recording:
    """One line of a manifest."""

    path: Path
    text: str
    dialect: str


@dataclass(frozen=True, slots=True)
class Condition:
    """What is done to a recording before it is heard; ``babble_db`` is the speech-to-babble ratio."""

    narrowband: bool = False
    babble_db: float | None = None


@dataclass(slots=True)
class SpeechScore:
    """Counts over all recordings so far."""

    errors: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    characters: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    vocabulary: Collection[str] = ()
    words: int = 0
    words_right: int = 0
    runaway: int = 0
    heard_s: float = 0.0
    spent_s: float = 0.0
    count: int = 0

    def add(self, recording: Recording, text: str, duration_s: float, spent_s: float) -> None:
        """One recording was heard as ``text``."""
        spoken, written = comparable(recording.text), comparable(text)
        self.errors[recording.dialect] += edit_distance(spoken, written)
        self.characters[recording.dialect] += len(spoken)
        for word, times in Counter(words_in(recording.text, self.vocabulary)).items():
            self.words += times
            self.words_right += min(times, text.count(word))
        self.runaway += runs_away(text, len(text), duration_s)
        self.heard_s += duration_s
        self.spent_s += spent_s
        self.count += 1

    def report(self) -> dict[str, object]:
        """Error rates in percent, the number of runaway texts, time spent over time heard, recordings.

        With a vocabulary also ``words``: how many of its words were said, and how many percent of them were written.
        """
        words = {"words": {"right": _percent(self.words_right, self.words), "n": self.words}} if self.vocabulary else {}
        return {
            "cer": _percent(sum(self.errors.values()), sum(self.characters.values())),
            "by_dialect": {
                dialect: _percent(self.errors[dialect], self.characters[dialect]) for dialect in sorted(self.characters)
            },
            "runaway": self.runaway,
            "rtf": round(self.spent_s / self.heard_s, 4) if self.heard_s else 0.0,
            "n": self.count,
            **words,
        }


def words_in(text: str, vocabulary: Collection[str]) -> list[str]:
    """The words of a vocabulary that a text is made of, the longest first at each place."""
    longest = max(map(len, vocabulary), default=0)
    found, at = [], 0
    while at < len(text):
        sizes = range(min(longest, len(text) - at), 0, -1)
        word = next((text[at : at + size] for size in sizes if text[at : at + size] in vocabulary), "")
        found += [word] if word else []
        at += len(word) or 1
    return found


def read_manifest(path: Path) -> list[Recording]:
    """The recordings of a manifest: JSON Lines, or the `manifest.toml` of the fixtures (its Chinese speech).

    Raises `ConfigurationError` with the line that is wrong.
    """
    if path.suffix == ".toml":
        return _read_fixtures(path)
    recordings = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            recordings.append(Recording(path.parent / row["file"], row["text"], row.get("dialect", "mandarin")))
        except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
            raise ConfigurationError(
                f"{path}:{number}: {error!r}",
                code="manifest_invalid",
                remedy='Each line must be a JSON object with "file" and "text".',
            ) from error
    return recordings


def _read_fixtures(path: Path) -> list[Recording]:
    try:
        return [
            Recording(path.parent / row["path"], row["text"], row["dialect"])
            for row in tomllib.loads(path.read_text("utf-8"))["file"]
            if row.get("text") and row.get("language") == "zh" and not row["path"].startswith("noise/")
        ]
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"{path}: {error!r}", code="manifest_invalid", remedy="Make it again with `voicebot fixtures make`."
        ) from error


def read_recording(path: Path) -> tuple[Signal, int]:
    """A WAV or FLAC file as one channel of floats, and its rate in Hz. Raises `ConfigurationError`."""
    try:
        signal, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError) as error:
        raise ConfigurationError(
            f"读不了录音 {path}：{'没有这个文件' if not path.exists() else '不是能读的音频格式'}。",
            code="audio_unreadable",
            remedy="请给 WAV、FLAC 或 OGG 文件（任意采样率）；其他格式请先转换，例如用 sox 或 ffmpeg。",
        ) from error
    if not len(signal):
        raise ConfigurationError(f"录音 {path} 是空的。", code="audio_empty", remedy="请换一个文件。")
    return np.ascontiguousarray(signal.mean(axis=1, dtype=np.float32)), int(rate_hz)


def spoil(signal: Signal, rate_hz: int, condition: Condition, crowd: Sequence[Signal]) -> tuple[Signal, int]:
    """The recording under a condition, and its new rate. ``crowd`` is at 8 kHz; babble makes everything 8 kHz."""
    if condition.babble_db is not None:
        signal, rate_hz = resample(signal, rate_hz, SAMPLE_RATE_HZ), SAMPLE_RATE_HZ
        noise = babble(crowd, len(signal), np.random.default_rng(_SEED))
        signal = mix(signal, noise, condition.babble_db)
    if condition.narrowband:
        signal, rate_hz = telephone(signal, rate_hz), SAMPLE_RATE_HZ
    return signal, rate_hz


async def hear(recogniser: Recogniser, signal: Signal, rate_hz: int, context: HearingContext) -> Transcript:
    """A whole recording: at its own rate when the engine takes it, else as a telephone would bring it."""
    if isinstance(recogniser, StreamingRecogniser):
        return await recogniser.transcribe(signal, rate_hz, context)
    pcm = to_pcm(resample(signal, rate_hz, SAMPLE_RATE_HZ))
    pcm += bytes(-len(pcm) % FRAME_BYTES)
    stream = recogniser.open(context)
    try:
        for at in range(0, len(pcm), FRAME_BYTES):
            stream.push(AudioFrame(pcm[at : at + FRAME_BYTES], at // 2))
        return await stream.finish()
    finally:
        stream.close()


async def evaluate_speech(
    recogniser: Recogniser,
    recordings: Sequence[Recording],
    condition: Condition,
    clock: Clock,
    say: Callable[[Recording, Transcript], None] = lambda recording, heard: None,
    limit: int | None = None,
    vocabulary: Collection[str] = (),
) -> SpeechScore:
    """Hear the first ``limit`` recordings and count, words of ``vocabulary`` too; babble is made of all the others.

    The recogniser must be started; ``say`` is told of each transcript.
    """
    score = SpeechScore(vocabulary=frozenset(vocabulary))
    for number, recording in enumerate(recordings[:limit]):
        crowd = await asyncio.to_thread(crowd_of, recordings, number) if condition.babble_db is not None else []
        signal, rate_hz = await asyncio.to_thread(read_recording, recording.path)
        signal, rate_hz = await asyncio.to_thread(spoil, signal, rate_hz, condition, crowd)
        began = clock.monotonic()
        heard = await hear(recogniser, signal, rate_hz, HearingContext())
        score.add(recording, heard.text, len(signal) / rate_hz, clock.monotonic() - began)
        say(recording, heard)
    return score


def crowd_of(recordings: Sequence[Recording], number: int) -> list[Signal]:
    """Other voices of the manifest, the same ones at every run."""
    others = [at for at in range(len(recordings)) if at != number]
    chosen = np.random.default_rng((_SEED, number)).permutation(others)[:_BABBLE_VOICES]
    voices = []
    for at in chosen:
        signal, rate_hz = read_recording(recordings[at].path)
        voices.append(resample(signal, rate_hz, SAMPLE_RATE_HZ))
    return voices


def comparable(text: str) -> str:
    """What counts in a text: half width, lower case, no punctuation and spaces, numbers as Arabic digits."""
    text = unicodedata.normalize("NFKC", text).lower()
    text = _NUMBER.sub(lambda match: _digits(match[0]), text)
    return "".join(character for character in text if character.isalnum())


def _digits(number: str) -> str:
    if (digits := digit_run(number)) is not None:
        return digits
    value = parse_cardinal(number)
    return number if value is None else plain(value)


def _percent(errors: int, characters: int) -> float:
    return round(100 * errors / characters, 2) if characters else 0.0
