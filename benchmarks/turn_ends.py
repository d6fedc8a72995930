"""False cut-offs against waiting: turns with pauses inside, made from real utterances.

    python -m benchmarks.turn_ends MANIFEST [--turns 160] [--models var/models] [--json]

A clip is cut at a dip of its level between its first and last fifth and a pause of 300 to 1000 ms (uniform) of noise
is put there: a hesitation inside a sentence. Every second turn also has a second sentence behind a pause of 300 to
700 ms. When there are fewer clips than turns, clips are used again, cut elsewhere. ``inside_cut`` counts the first kind
of pause alone, which is the one that can be told from an end. In the column "with words" the endpointer is told, as in
a call, what the product's recogniser makes of the audio up to each silence and how finished the voice sounds, 180 ms
after the silence was seen; in "without words" it is told nothing. The same clips without a pause put in ("plain") show
what everybody waits, and how often a pause of the speaker's own cut them off. No question was asked, so that an answer
like an address alone counts as a sentence that may go on. The line is the telephone's (band, A-law) and the detector
the product's. Waits are from the last sample of speech to the decision. ``lulls``: at how many of the pauses that the
endpointer saw the level had told of them before, by how much, and how many falls of the level were no pause.
"""

import argparse
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from asr.engines.speech_model import Stretch
from asr.engines.whisper_model import WhisperModel
from asr.settings import AsrSettings
from benchmarks.provenance import provenance
from voicebot.audio.level import levels_db, rms_dbfs
from voicebot.audio.narrowband import Signal, telephone, to_pcm
from voicebot.audio.vad import GatedDetector, SileroDetector
from voicebot.core.frames import FRAME_BYTES, FRAME_SAMPLES, ms_to_samples, samples_to_ms
from voicebot.core.speech import HearingContext
from voicebot.core.turn import TurnEvent, TurnEventKind
from voicebot.evaluation.speech import Recording, read_manifest
from voicebot.models import ModelStore
from voicebot.settings import Settings
from voicebot.turns.endpoint import AdaptiveEndpointer
from voicebot.turns.settings import TurnSettings

RATE_HZ = 8000
LEAD_MS, TAIL_MS = 600, 1800
PASS_MS = 180.0  # of a final pass on one thread
WAITS_MS = (500, 650, 800)
PATIENT = TurnSettings(wait_ms=2 * TAIL_MS, max_wait_ms=2 * TAIL_MS)
Ear = Callable[[Signal, float], tuple[str, float | None]]
"""Audio with so many seconds of silence at its end to its text, and how finished it sounds."""


@dataclass(frozen=True, slots=True)
class Overheard:
    """What the endpointer is told from one sample on, until the voice goes on at another.

    ``heard_to`` is the last sample that the text knows.
    """

    begin: int
    until: int
    heard_to: int
    text: str
    ending: float | None


@dataclass(frozen=True, slots=True)
class MadeTurn:
    """Detector's probabilities and levels of one turn; ``pauses`` are (first sample, last sample)."""

    speech: NDArray[np.float64]
    levels_dbfs: NDArray[np.float64]
    pauses: tuple[tuple[int, int], ...]
    end: int
    overheard: tuple[Overheard, ...]


def load(path: Path) -> Signal:
    """Any audio file at 8 kHz."""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
        blocks = [b for frame in container.decode(audio=0) for b in resampler.resample(frame)]
        samples = [np.frombuffer(bytes(b.planes[0])[: 2 * b.samples], "<i2") for b in blocks]
    return np.concatenate(samples).astype(np.float32) / 32768


def trimmed(signal: Signal) -> Signal | None:
    """The clip from its first to its last voiced frame within 30 dB of its loudest; None when too short or noisy."""
    levels = levels_db(signal, FRAME_SAMPLES)
    judge, pcm = SileroDetector(), to_pcm(signal)
    voiced = np.array([judge.push(pcm[at * FRAME_BYTES : (at + 1) * FRAME_BYTES]) for at in range(len(levels))]) >= 0.5
    loud = np.flatnonzero((levels > levels.max() - 30) & voiced)
    quiet = np.percentile(levels, 5)
    if len(loud) < 75 or levels.max() - quiet < 35:
        return None
    return signal[loud[0] * FRAME_SAMPLES : (loud[-1] + 1) * FRAME_SAMPLES]


def make_turns(recordings: Sequence[Recording], count: int, ear: Ear, *, plain: bool = False) -> list[MadeTurn]:
    """Turns of different clips, the same for the same manifest; ``plain`` ones are one clip as it is."""
    rng = np.random.default_rng(5)
    clips = [clip for recording in recordings if (clip := trimmed(load(recording.path))) is not None]
    turns: list[MadeTurn] = []
    for number in range(min(count, len(clips)) if plain else count):
        voice = clips[number % len(clips)]
        if plain:
            turns.append(_heard_on_the_line([_hush(rng, LEAD_MS), voice, _hush(rng, TAIL_MS)], (), ear))
            continue
        second = clips[(number + 1) % len(clips)] if number % 2 else None
        turns.append(_make(voice, second, number // len(clips), rng, ear))
    return turns


def _make(voice: Signal, second: Signal | None, dip: int, rng: np.random.Generator, ear: Ear) -> MadeTurn:
    cut = _dips(voice)[dip] * FRAME_SAMPLES
    pieces = [_hush(rng, LEAD_MS), voice[:cut]]
    pauses: list[tuple[int, int]] = []

    def pause(low_ms: float, high_ms: float) -> None:
        start = sum(map(len, pieces))
        pieces.append(_hush(rng, rng.uniform(low_ms, high_ms)))
        pauses.append((start, sum(map(len, pieces))))

    pause(300, 1000)
    pieces.append(voice[cut:])
    if second is not None:
        pause(300, 700)
        pieces.append(second)
    pieces.append(_hush(rng, TAIL_MS))
    return _heard_on_the_line(pieces, pauses, ear)


def _dips(voice: Signal, apart: int = 15) -> list[int]:
    """The quietest 20 ms between the first and the last fifth, then the next quietest at some distance, and so on."""
    levels = levels_db(voice, FRAME_SAMPLES)
    first, last = len(levels) // 5, 4 * len(levels) // 5
    found: list[int] = []
    for at in first + np.argsort(levels[first:last]):
        if all(abs(int(at) - other) >= apart for other in found):
            found.append(int(at))
    return found + found  # a short clip may have but one


def _hush(rng: np.random.Generator, ms: float) -> Signal:
    return (10 ** (-55 / 20) * rng.standard_normal(ms_to_samples(ms))).astype(np.float32)


def _heard_on_the_line(pieces: Sequence[Signal], pauses: Iterable[tuple[int, int]], ear: Ear) -> MadeTurn:
    end = sum(map(len, pieces[:-1]))
    signal = telephone(np.concatenate(pieces), RATE_HZ)
    pcm = to_pcm(signal)
    detector = GatedDetector()
    speech = [detector.push(pcm[at : at + FRAME_BYTES]) for at in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES)]
    levels = [rms_dbfs(pcm[at : at + FRAME_BYTES]) for at in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES)]
    overheard = tuple(_overheard(signal, speech, levels, ear))
    return MadeTurn(np.array(speech), np.array(levels), tuple(pauses), end, overheard)


def _overheard(signal: Signal, speech: Sequence[float], levels: Sequence[float], ear: Ear) -> Iterator[Overheard]:
    """What recognition, on speculation at each lull and silence that the endpointer sees, makes of the turn so far."""
    endpointer, start, paused = AdaptiveEndpointer(PATIENT), 0, None
    for at, (value, level) in enumerate(zip(speech, levels, strict=True)):
        for event in endpointer.push(value, at * FRAME_SAMPLES, level):
            if event.kind is TurnEventKind.STARTED:
                start = event.position
            elif event.kind in (TurnEventKind.HUSHED, TurnEventKind.PAUSED):
                if paused is None or paused.position < event.speech_end:
                    paused = event
            elif event.kind is TurnEventKind.RESUMED and paused is not None:
                yield _at(paused, event.position, signal, start, ear)
                paused = None
    if paused is not None:
        yield _at(paused, len(signal), signal, start, ear)


def _at(paused: TurnEvent, until: int, signal: Signal, start: int, ear: Ear) -> Overheard:
    text, ending = ear(signal[start : paused.position], (paused.position - paused.speech_end) / RATE_HZ)
    return Overheard(paused.position + ms_to_samples(PASS_MS), until, paused.position, text, ending)


def judge(turns: Sequence[MadeTurn], settings: TurnSettings, *, words: bool) -> dict[str, float]:
    """Share of turns cut off and of pauses cut, waits at true ends (ms after the last sample), turns not ended."""
    cut_turns, cut_pauses, cut_inside, pauses, waits, missing = 0, 0, 0, 0, [], 0
    for turn in turns:
        endpointer = AdaptiveEndpointer(settings)
        ends: list[int] = []
        for at, value in enumerate(turn.speech):
            position = at * FRAME_SAMPLES
            for heard in turn.overheard if words else ():
                if heard.begin <= position < heard.until:
                    endpointer.hear(heard.text, heard.ending, heard.heard_to)
            ends += [e.position for e in endpointer.push(float(value), position) if e.kind is TurnEventKind.ENDED]
        last_frame_out = [position for position in ends if position >= turn.end]
        early = [position for position in ends if position < turn.end]
        cut_turns += bool(early)
        cut_inside += any(turn.pauses[0][0] <= position <= turn.pauses[0][1] for position in early if turn.pauses)
        cut_pauses += min(len(early), len(turn.pauses))
        pauses += len(turn.pauses)
        missing += not last_frame_out
        waits += [samples_to_ms(position - turn.end) for position in last_frame_out[:1]]
    return {
        "turns": len(turns),
        "turns_cut_off": round(100 * cut_turns / max(1, len(turns)), 1),
        "inside_cut": round(100 * cut_inside / max(1, len(turns)), 1),
        "pauses_cut": round(100 * cut_pauses / max(1, pauses), 1),
        "wait_p50_ms": round(float(np.median(waits)), 1) if waits else 0.0,
        "wait_p95_ms": round(float(np.percentile(waits, 95)), 1) if waits else 0.0,
        "missing": missing,
    }


def lulls(turns: Sequence[MadeTurn]) -> dict[str, float]:
    """What a fall of the level knows of the pauses that the detector finds later."""
    leads_ms: list[float] = []
    pauses = in_vain = 0
    for turn in turns:
        endpointer, hushed = AdaptiveEndpointer(PATIENT), None
        for at, (speech, level) in enumerate(zip(turn.speech, turn.levels_dbfs, strict=True)):
            for event in endpointer.push(float(speech), at * FRAME_SAMPLES, float(level)):
                if event.kind is TurnEventKind.HUSHED:
                    hushed = event
                    continue
                pauses += event.kind is TurnEventKind.PAUSED
                if event.kind is TurnEventKind.PAUSED and hushed and hushed.position >= event.speech_end:
                    leads_ms.append(samples_to_ms(event.position - hushed.position))
                else:
                    in_vain += hushed is not None
                hushed = None
    return {
        "pauses": pauses,
        "told_before": len(leads_ms),
        "lead_ms_p50": round(float(np.median(leads_ms)), 1) if leads_ms else 0.0,
        "in_vain": in_vain,
    }


def sweep(turns: Sequence[MadeTurn], plain: Sequence[MadeTurn], waits_ms: Iterable[float]) -> dict[str, Any]:
    """One entry for each base wait, without and with words, and for turns without pauses."""
    rows = {}
    for wait_ms in waits_ms:
        settings = TurnSettings(wait_ms=wait_ms)
        rows[str(wait_ms)] = {
            "without_words": judge(turns, settings, words=False),
            "with_words": judge(turns, settings, words=True),
            "plain": judge(plain, settings, words=True),
        }
    return rows


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--turns", type=int, default=160)
    parser.add_argument("--models", type=Path, default=Settings().models_dir)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    settings = AsrSettings()
    model = WhisperModel(settings, ModelStore(options.models).path(settings.model))
    model.load()

    def ear(signal: Signal, silence_s: float) -> tuple[str, float | None]:
        (heard,) = model.hear([Stretch(signal, RATE_HZ, HearingContext(), silence_s=silence_s)])
        return heard.hypotheses[0].text if heard.hypotheses else "", heard.ending

    recordings = read_manifest(options.manifest)
    turns = make_turns(recordings, options.turns, ear)
    plain = make_turns(recordings, options.turns, ear, plain=True)
    waits_ms = sorted({*WAITS_MS, round(TurnSettings().wait_ms)})
    report = {
        "wait_ms": sweep(turns, plain, waits_ms),
        "shipped_wait_ms": TurnSettings().wait_ms,
        "lulls": lulls([*turns, *plain]),
    }
    if options.json:
        print(json.dumps({**report, **provenance(options.manifest)}))
        return
    for wait_ms, columns in report["wait_ms"].items():
        for name, row in columns.items():
            print(f"{wait_ms:>5} ms {name:14}", row)
    print("lulls", report["lulls"])


if __name__ == "__main__":
    main()
