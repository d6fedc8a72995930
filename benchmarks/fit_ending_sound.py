"""Fits the weights of `asr.engines.ending` and of its sum with the words, and says what both are worth.

    python -m benchmarks.fit_ending_sound TRAINING_MANIFEST --held MANIFEST… [--utterances 1500] [--models var/models]

An utterance gives its end and its speaker's own pauses of 80 ms and more (the level falls 28 dB below the loudest);
each is heard through the telephone with as much line noise behind it as begins a pause (140 ms when the shipped weights
were fitted), as the recogniser hears it. The end of speech is moved by up to 40 ms, as the detector errs. A pause
weighs half as much as an end. The manifests under ``--held`` only measure.
"""

import argparse
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

import asr.engines as room
from asr.engines.ending import WEIGHTS, moments
from asr.engines.resampling import at_rate
from asr.engines.speech_model import Stretch
from asr.engines.whisper_decoder import ENCODED_PER_S, RATE_HZ, WhisperDecoder
from asr.engines.whisper_model import WhisperModel, window_for
from asr.settings import AsrSettings
from benchmarks.turn_ends import load, trimmed
from voicebot.audio.level import levels_db
from voicebot.audio.narrowband import Signal, telephone
from voicebot.core.frames import FRAME_SAMPLES, SAMPLE_RATE_HZ, ms_to_samples
from voicebot.core.speech import HearingContext
from voicebot.evaluation.speech import Recording, read_manifest
from voicebot.settings import Settings
from voicebot.turns.completeness import bare
from voicebot.turns.ending import ending_model
from voicebot.turns.settings import TurnSettings

QUIET_DB, PAUSE_FRAMES, PAUSES = 28.0, 4, 2
TAIL_DBFS = (-62.0, -50.0)
JITTER_S = 0.04
WEIGHT_OF_A_PAUSE = 0.5
C = 1e-3  # chosen among 1e-5 to 1e-2


@dataclass(slots=True)
class Heard:
    """What was heard at ends and pauses."""

    sound: list[np.ndarray] = field(default_factory=list)
    words: list[float] = field(default_factory=list)
    is_end: list[bool] = field(default_factory=list)


class Ear:
    """The product's model: encoder states and text of one stretch."""

    def __init__(self, models: Path):
        settings = AsrSettings(cpu_threads=2)
        self._window = window_for(settings, models / settings.model)
        self._decoder = WhisperDecoder(
            models / settings.model,
            device="cpu",
            compute_type=settings.compute_type,
            threads=2,
            workers=1,
            lean_vocabulary=settings.lean_vocabulary,
        )
        self._model = WhisperModel(settings, models / settings.model)
        self._model.load()

    def hear(self, speech: Signal, rng: np.random.Generator, *, words: bool) -> tuple[np.ndarray, float]:
        """Encoder moments at the end of speech, and the score of the words, which cost most of the time."""
        tail = 10 ** (rng.uniform(*TAIL_DBFS) / 20) * rng.standard_normal(ms_to_samples(TurnSettings().pause_ms))
        stretch = Stretch(np.concatenate([speech, tail]).astype(np.float32), SAMPLE_RATE_HZ, HearingContext())
        encoded = self._decoder.encode([at_rate(stretch, RATE_HZ)], self._window.seconds(stretch.duration_s))[0]
        end_s = len(speech) / SAMPLE_RATE_HZ + rng.uniform(-JITTER_S, JITTER_S)
        if not words:
            return moments(encoded, round(end_s * ENCODED_PER_S)), float("nan")
        (heard,) = self._model.hear([stretch])
        text = bare(heard.hypotheses[0].text) if heard.hypotheses else ""
        return moments(encoded, round(end_s * ENCODED_PER_S)), ending_model().score(text)


def pauses(voice: Signal) -> list[int]:
    """Samples at which the speaker's longest own pauses begin."""
    levels = levels_db(voice, FRAME_SAMPLES)
    quiet = np.concatenate([[False], levels < levels.max() - QUIET_DB, [False]])
    edges = np.flatnonzero(quiet[1:] != quiet[:-1]).reshape(-1, 2)
    inner = [(stop - start, start) for start, stop in edges if 0.15 * len(levels) < start and stop < 0.9 * len(levels)]
    return [start * FRAME_SAMPLES for length, start in sorted(inner, reverse=True)[:PAUSES] if length >= PAUSE_FRAMES]


def listen(recordings: Sequence[Recording], count: int, ear: Ear, *, words: bool) -> Heard:
    """Ends and pauses of the first ``count`` utterances that have a pause."""
    rng, heard, used = np.random.default_rng(1), Heard(), 0
    for recording in recordings:
        voice = trimmed(load(recording.path))
        if voice is None:
            continue
        levels = levels_db(voice, FRAME_SAMPLES)
        voice = voice[: (np.flatnonzero(levels > levels.max() - QUIET_DB)[-1] + 1) * FRAME_SAMPLES]
        if not (found := pauses(voice)):
            continue
        line = telephone(voice, SAMPLE_RATE_HZ)
        for stop in [len(line), *found]:
            sound, score = ear.hear(line[:stop], rng, words=words)
            heard.sound.append(sound)
            heard.words.append(score)
            heard.is_end.append(stop == len(line))
        used += 1
        if used % 50 == 0:
            print(f"{used} 条", flush=True)
        if used >= count:
            break
    return heard


def main() -> None:
    """Fit, report, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--held", type=Path, nargs="+", required=True)
    parser.add_argument("--utterances", type=int, default=1500)
    parser.add_argument("--models", type=Path, default=Settings().models_dir)
    options = parser.parse_args()
    ear = Ear(options.models)
    recordings = read_manifest(options.manifest)
    random.Random(2).shuffle(recordings)
    training = listen(recordings, options.utterances, ear, words=False)
    sound, is_end = np.array(training.sound, np.float64), np.array(training.is_end)
    scale = StandardScaler().fit(sound)
    model = LogisticRegression(C=C, max_iter=1000)
    model.fit(scale.transform(sound), is_end, np.where(is_end, 1.0, WEIGHT_OF_A_PAUSE))
    weights = model.coef_[0] / scale.scale_
    bias = float(model.intercept_[0] - weights @ scale.mean_)
    np.savez_compressed(Path(room.__path__[0]) / WEIGHTS, weights=weights.astype(np.float32), bias=bias)
    for manifest in options.held:
        held = listen(read_manifest(manifest), options.utterances, ear, words=True)
        truth = np.array(held.is_end)
        by_sound, by_words = np.array(held.sound) @ weights + bias, np.array(held.words)
        print(manifest.name, f"{truth.sum()} ends, {(~truth).sum()} pauses")
        for name, scores in (
            ("words", by_words),
            ("sound", by_sound),
            *((f"words + {share} sound", by_words + share * by_sound) for share in (0.5, 1.0, 1.5, 2.0)),
        ):
            tenth, twentieth = np.quantile(scores[~truth], [0.9, 0.95])
            print(
                f"  {name:18} area {roc_auc_score(truth, scores):.3f}; ends found at 10 % false "
                f"{(scores[truth] > tenth).mean():.2f}, at 5 % {(scores[truth] > twentieth).mean():.2f} "
                f"(thresholds {tenth:.2f}, {twentieth:.2f})"
            )


if __name__ == "__main__":
    main()
