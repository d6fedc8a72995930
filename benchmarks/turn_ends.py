"""False cut-offs against waiting: turns with pauses inside, made from real utterances.

    python benchmarks/turn_ends.py MANIFEST.jsonl [--turns 80] [--json]

A clip is cut at a dip of its level in its middle half and a pause of 300 to 1000 ms (uniform) of its own
background is put there: a hesitation inside a sentence. Every second turn also has a second sentence of the
same speaker behind a pause of 300 to 700 ms. What has been "heard" at a pause is the share of the
text that was spoken by then; it reaches the endpointer only in the columns "with words". The same voices
without any pause put in ("plain") show what everybody waits. The line is the telephone's (band, A-law), the
detector the product's.
"""

import argparse
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from voicebot.audio.narrowband import Signal, telephone, to_pcm
from voicebot.audio.vad import GatedDetector, SileroDetector
from voicebot.core.frames import FRAME_BYTES, FRAME_SAMPLES, ms_to_samples, samples_to_ms
from voicebot.core.turn import TurnEventKind
from voicebot.turns.endpoint import AdaptiveEndpointer
from voicebot.turns.settings import TurnSettings

RATE_HZ = 8000
LEAD_MS, TAIL_MS = 600, 1800


@dataclass(frozen=True, slots=True)
class MadeTurn:
    """Detector's probabilities of one turn; ``pauses`` are (first sample, last sample, text so far)."""

    speech: NDArray[np.float64]
    pauses: tuple[tuple[int, int, str], ...]
    end: int
    text: str


def load(path: Path) -> Signal:
    """Any audio file at 8 kHz."""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
        blocks = [b for frame in container.decode(audio=0) for b in resampler.resample(frame)]
        samples = [np.frombuffer(bytes(b.planes[0])[: 2 * b.samples], "<i2") for b in blocks]
    return np.concatenate(samples).astype(np.float32) / 32768


def levels_db(signal: Signal) -> NDArray[np.float64]:
    """Level of each 20 ms in dB."""
    count = len(signal) // FRAME_SAMPLES
    rows = signal[: count * FRAME_SAMPLES].reshape(count, FRAME_SAMPLES)
    return np.asarray(10 * np.log10(np.mean(np.square(rows), axis=1) + 1e-9))


def trimmed(signal: Signal) -> Signal | None:
    """The clip from its first to its last voiced frame within 30 dB of its loudest; None when too short or noisy."""
    levels = levels_db(signal)
    judge, pcm = SileroDetector(), to_pcm(signal)
    voiced = np.array([judge.push(pcm[at * FRAME_BYTES : (at + 1) * FRAME_BYTES]) for at in range(len(levels))]) >= 0.5
    loud = np.flatnonzero((levels > levels.max() - 30) & voiced)
    quiet = np.percentile(levels, 5)
    if len(loud) < 75 or levels.max() - quiet < 35:
        return None
    return signal[loud[0] * FRAME_SAMPLES : (loud[-1] + 1) * FRAME_SAMPLES]


def make_turns(manifest: Path, count: int, *, plain: bool = False) -> list[MadeTurn]:
    """Turns of different speakers, the same for the same manifest; ``plain`` ones are one clip as it is."""
    rng = np.random.default_rng(5)
    by_speaker: dict[str, list[dict[str, str]]] = {}
    for line in manifest.read_text("utf-8").splitlines():
        entry = json.loads(line)
        by_speaker.setdefault(entry.get("speaker") or entry.get("id") or entry["file"], []).append(entry)
    turns: list[MadeTurn] = []
    for entries in by_speaker.values():
        if len(turns) >= count:
            break
        entry = entries[0]
        voice = trimmed(load(manifest.parent / entry["file"]))
        if voice is None:
            continue
        if plain:
            turns.append(_heard_on_the_line([_hush(rng, LEAD_MS), voice, _hush(rng, TAIL_MS)], (), entry["text"]))
            continue
        second = trimmed(load(manifest.parent / entries[1]["file"])) if len(entries) > 1 and len(turns) % 2 else None
        turns.append(_make(voice, entry["text"], second, entries[1]["text"] if second is not None else "", rng))
    return turns


def _make(voice: Signal, text: str, second: Signal | None, second_text: str, rng: np.random.Generator) -> MadeTurn:
    levels = levels_db(voice)
    middle = slice(len(levels) // 4, 3 * len(levels) // 4)
    cut = (middle.start + int(np.argmin(levels[middle]))) * FRAME_SAMPLES
    text = text.rstrip("。！？.!?")
    pieces = [_hush(rng, LEAD_MS), voice[:cut]]
    pauses: list[tuple[int, int, str]] = []

    def pause(low_ms: float, high_ms: float, so_far: str) -> None:
        start = sum(map(len, pieces))
        pieces.append(_hush(rng, rng.uniform(low_ms, high_ms)))
        pauses.append((start, sum(map(len, pieces)), so_far))

    pause(300, 1000, text[: round(len(text) * cut / len(voice))])
    pieces.append(voice[cut:])
    if second is not None:
        pause(300, 700, text)
        pieces.append(second)
        text += second_text
    pieces.append(_hush(rng, TAIL_MS))
    return _heard_on_the_line(pieces, tuple(pauses), text)


def _hush(rng: np.random.Generator, ms: float) -> Signal:
    return (10 ** (-55 / 20) * rng.standard_normal(ms_to_samples(ms))).astype(np.float32)


def _heard_on_the_line(pieces: Sequence[Signal], pauses: tuple[tuple[int, int, str], ...], text: str) -> MadeTurn:
    end = sum(map(len, pieces[:-1]))
    pcm = to_pcm(telephone(np.concatenate(pieces), RATE_HZ))
    detector = GatedDetector()
    speech = [detector.push(pcm[at : at + FRAME_BYTES]) for at in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES)]
    return MadeTurn(np.array(speech), pauses, end, text)


def judge(turns: Sequence[MadeTurn], settings: TurnSettings, *, words: bool) -> dict[str, float]:
    """Share of turns cut off and of pauses cut, waits at true ends (ms after the last sample), turns not ended."""
    cut_turns, cut_pauses, pauses, waits, missing = 0, 0, 0, [], 0
    for turn in turns:
        endpointer = AdaptiveEndpointer(settings)
        ends: list[int] = []
        for at, value in enumerate(turn.speech):
            position = at * FRAME_SAMPLES
            if words:
                endpointer.hear(_heard(turn, position))
            ends += [e.position for e in endpointer.push(float(value), position) if e.kind is TurnEventKind.ENDED]
        last_frame_out = [position for position in ends if position >= turn.end]
        early = [position for position in ends if position < turn.end]
        cut_turns += bool(early)
        cut_pauses += min(len(early), len(turn.pauses))
        pauses += len(turn.pauses)
        missing += not last_frame_out
        waits += [samples_to_ms(position - turn.end) for position in last_frame_out[:1]]
    return {
        "turns": len(turns),
        "turns_cut_off": round(100 * cut_turns / max(1, len(turns)), 1),
        "pauses_cut": round(100 * cut_pauses / max(1, pauses), 1),
        "wait_p50_ms": round(float(np.median(waits)), 1) if waits else 0.0,
        "wait_p95_ms": round(float(np.percentile(waits, 95)), 1) if waits else 0.0,
        "missing": missing,
    }


def _heard(turn: MadeTurn, position: int, lag_ms: float = 150) -> str:
    """What recognition, on speculation in a pause, would have given by now."""
    lag = ms_to_samples(lag_ms)
    for start, end, text in turn.pauses:
        if start + lag <= position < end:
            return text
    return turn.text if position >= turn.end + lag else ""


def sweep(turns: Sequence[MadeTurn], plain: Sequence[MadeTurn], waits_ms: Iterable[float]) -> list[dict[str, float]]:
    """One row for each base wait, without and with words, and for turns without pauses."""
    rows = []
    for wait_ms in waits_ms:
        settings = TurnSettings(wait_ms=wait_ms)
        silent, worded = judge(turns, settings, words=False), judge(turns, settings, words=True)
        whole = judge(plain, settings, words=True)
        rows.append(
            {
                "wait_ms": wait_ms,
                **silent,
                **{f"{name}_with_words": value for name, value in worded.items()},
                **{f"{name}_plain": value for name, value in whole.items()},
            }
        )
    return rows


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--turns", type=int, default=80)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    turns = make_turns(arguments.manifest, arguments.turns)
    plain = make_turns(arguments.manifest, arguments.turns, plain=True)
    rows = sweep(turns, plain, (300, 400, 500, 600, 700, 800, 1000))
    if arguments.json:
        print(json.dumps(rows))
        return
    print("wait ms | cut off %, median, p95 ms without words | with words | plain turns")
    for row in rows:
        print(
            f"{row['wait_ms']:7} | {row['turns_cut_off']:5} {row['wait_p50_ms']:7} {row['wait_p95_ms']:7} | "
            f"{row['turns_cut_off_with_words']:5} {row['wait_p50_ms_with_words']:7} {row['wait_p95_ms_with_words']:7}"
            f" | {row['turns_cut_off_plain']:5} {row['wait_p50_ms_plain']:7} {row['wait_p95_ms_plain']:7}"
        )


if __name__ == "__main__":
    main()
