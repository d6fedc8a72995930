"""What one 20 ms frame costs on its way in and out: codec, resampling, level, gate, ring; no model.

    python -m benchmarks.audio_core MANIFEST [--frames 180000] [--json]

Figures are CPU microseconds of this process, so that neighbours who take the processor count little. They
still share its caches: the load stands beside the result. A stage takes many frames in a row, so that the
clock costs nothing; on a call, where stages alternate, caches are colder and a frame costs more.
180,000 frames are an hour of one call; ``parts`` are the means of its ten tenths, and ``drift`` is the median
of the last three over that of the first three.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import TypeVar

from benchmarks.provenance import provenance
from voicebot.audio.g711 import decode_a_law, encode_a_law
from voicebot.audio.level import NoiseFloor, rms_dbfs
from voicebot.audio.narrowband import telephone, to_pcm
from voicebot.audio.resample import Resampler
from voicebot.audio.ring import SampleRing
from voicebot.audio.vad import WebrtcGate
from voicebot.core.frames import FRAME_BYTES, FRAME_SAMPLES, SAMPLE_RATE_HZ, AudioFrame
from voicebot.evaluation.speech import read_manifest, read_recording

WIDE_HZ = 16_000
RING_S = 30
CLIPS = 20
TENTHS = 10
T = TypeVar("T")


def octets(manifest: Path) -> list[bytes]:
    """Recorded speech as A-law frames of 160 octets."""
    frames = []
    for recording in islice(read_manifest(manifest), CLIPS):
        pcm = to_pcm(telephone(*read_recording(recording.path)))
        frames += [encode_a_law(pcm[at : at + FRAME_BYTES]) for at in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES)]
    return frames


class Core:
    """All stages of one call; what they keep from frame to frame lives as long as the call."""

    def __init__(self) -> None:
        self._widen, self._narrow = Resampler(SAMPLE_RATE_HZ, WIDE_HZ), Resampler(WIDE_HZ, SAMPLE_RATE_HZ)
        self._floor, self._gate, self._ring = NoiseFloor(), WebrtcGate(), SampleRing(RING_S * SAMPLE_RATE_HZ)
        self._position = 0

    def run(self, frames: list[bytes]) -> dict[str, float]:
        """Take the frames through every stage; CPU microseconds a frame by stage, and in ``all``."""
        spent: dict[str, float] = {}

        def stage(name: str, work: Callable[[], T]) -> T:
            began = time.process_time_ns()
            done = work()
            spent[name] = (time.process_time_ns() - began) / 1000 / len(frames)
            return done

        heard = stage("decode", lambda: [decode_a_law(frame) for frame in frames])
        stage("level", lambda: [self._floor.push(rms_dbfs(pcm)) for pcm in heard])
        stage("gate", lambda: [self._gate.push(pcm) for pcm in heard])
        stage("ring", lambda: self._keep(heard))
        wide = stage("widen", lambda: [self._widen.push(pcm) for pcm in heard])
        narrow = stage("narrow", lambda: [self._narrow.push(pcm) for pcm in wide])
        stage("encode", lambda: [encode_a_law(pcm) for pcm in narrow])
        spent["all"] = sum(spent.values())
        return spent

    def _keep(self, heard: list[bytes]) -> None:
        for pcm in heard:
            self._ring.push(AudioFrame(pcm, self._position))
            self._position += FRAME_SAMPLES


def measure(manifest: Path, count: int) -> dict[str, object]:
    """Microseconds a frame by stage over ``count`` frames, rounded up to whole tenths."""
    source, core = octets(manifest), Core()
    size = -(-count // TENTHS)
    core.run(source[:100])  # tables and thread pools are made at the first use
    tenths = [core.run([source[(part * size + at) % len(source)] for at in range(size)]) for part in range(TENTHS)]
    parts = [tenth["all"] for tenth in tenths]
    return {
        "frame_us": {name: round(statistics.mean(tenth[name] for tenth in tenths), 2) for name in tenths[0]},
        "parts": [round(part, 2) for part in parts],
        "drift": round(statistics.median(parts[-3:]) / statistics.median(parts[:3]), 3),
        "frames": size * TENTHS,
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--frames", type=int, default=180_000)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.frames < TENTHS:
        parser.error(f"--frames 至少为 {TENTHS}。")
    report = measure(arguments.manifest, arguments.frames)
    if arguments.json:
        print(json.dumps({**report, **provenance(arguments.manifest)}))
        return
    for name, value in report.items():
        print(f"{name:10} {value}")


if __name__ == "__main__":
    main()
