"""How well voices are told from noise at 8 kHz: webrtcvad alone, Silero alone, and the two together.

    python -m benchmarks.vad MANIFEST [--clips 30] [--json]

Labels come from the clean recording at its own rate: a 20 ms frame is speech when Silero at 16 kHz says 0.5
or more and its level is within 35 dB of the clip's loudest, and silence when Silero says at most 0.15 for it
and for 200 ms around it; everything between is left out. The detectors hear something else: the clips one
after the other with 1.5 s of background between them, in noise, through the telephone band and A-law.
All three use the same rule to switch: on above a threshold, off after 100 ms below a lower one.
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.provenance import provenance
from voicebot.audio.narrowband import Signal, babble, mix, resample, telephone, to_pcm
from voicebot.audio.vad import GatedDetector, SileroDetector, WebrtcGate, silero_session
from voicebot.core.frames import FRAME_BYTES, FRAME_SAMPLES, SAMPLE_RATE_HZ
from voicebot.core.ports import VoiceDetector
from voicebot.evaluation.speech import read_manifest, read_recording

WIDE_HZ = 16_000
BETWEEN_S = 1.5
CONDITIONS: tuple[tuple[str, float | None], ...] = (
    ("clean", None),
    ("pink", 20.0),
    ("pink", 10.0),
    ("white", 10.0),
    ("babble", 15.0),
    ("babble", 10.0),
)
ON, OFF, HOLD_FRAMES = 0.5, 0.35, 5


@dataclass(frozen=True, slots=True)
class Labels:
    """Frames that are surely speech and surely not."""

    speech: NDArray[np.bool_]
    silence: NDArray[np.bool_]


def label(wide: Signal) -> Labels:
    """Labels of a clean 16 kHz recording, one for each 20 ms."""
    count = len(wide) // 320
    levels = 10 * np.log10(np.mean(np.square(wide[: count * 320].reshape(count, 320)), axis=1) + 1e-10)
    probabilities = wide_probabilities(wide)
    at = np.minimum(np.arange(count) * 320 // 512, len(probabilities) - 1)
    voiced = probabilities[at]
    speech = (voiced >= 0.5) & (levels >= levels.max() - 35)
    near = np.convolve(voiced > 0.15, np.ones(21), "same") > 0
    return Labels(speech, ~near)


def wide_probabilities(wide: Signal) -> NDArray[np.float64]:
    """Silero at 16 kHz on windows of 512 samples."""
    state, context, out = np.zeros((2, 1, 128), np.float32), np.zeros(64, np.float32), []
    for start in range(0, len(wide) - 511, 512):
        window = wide[start : start + 512]
        heard = np.concatenate((context, window))[None, :].astype(np.float32)
        result, state = silero_session().run(None, {"input": heard, "state": state, "sr": np.array(WIDE_HZ, np.int64)})
        context = window[-64:]
        out.append(float(result[0, 0]))
    return np.array(out or [0.0])


def background(kind: str, length: int, voices: Sequence[Signal], rng: np.random.Generator) -> Signal:
    """Noise at 8 kHz."""
    if kind == "babble":
        return babble(voices, length, rng)
    spectrum = np.fft.rfft(rng.standard_normal(length))
    if kind == "pink":
        spectrum /= np.sqrt(np.maximum(np.fft.rfftfreq(length), 1 / length))
    wave = np.fft.irfft(spectrum, length)
    return (0.1 * wave / np.std(wave)).astype(np.float32)


def decide(probabilities: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Switch on above `ON`, off after `HOLD_FRAMES` below `OFF`."""
    out, on, low = np.zeros(len(probabilities), bool), False, 0
    for at, value in enumerate(probabilities):
        low = 0 if value >= OFF else low + 1
        if value >= ON:
            on = True
        elif low >= HOLD_FRAMES:
            on = False
        out[at] = on
    return out


def listen(detector: VoiceDetector, pcm: bytes) -> tuple[NDArray[np.float64], float]:
    """Probabilities of all frames, and CPU microseconds a frame."""
    frames = [pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES)]
    began = time.thread_time()
    heard = np.array([detector.push(frame) for frame in frames])
    return heard, (time.thread_time() - began) * 1e6 / max(1, len(frames))


def measure(manifest: Path, clips: int) -> dict[str, dict[str, dict[str, float]]]:
    """Miss and false alarm in percent and CPU for each condition and detector."""
    rng = np.random.default_rng(8)
    recordings = read_manifest(manifest)
    recordings = recordings[:: max(1, len(recordings) // clips)][:clips]
    wides = []
    for recording in recordings:
        samples, rate_hz = read_recording(recording.path)
        wides.append(resample(samples, rate_hz, WIDE_HZ))
    voices = [resample(wide, WIDE_HZ, SAMPLE_RATE_HZ) for wide in wides]
    gap = round(BETWEEN_S * SAMPLE_RATE_HZ)
    speech_labels, silence_labels, parts = [], [], []
    for wide, voice in zip(wides, voices, strict=True):
        labels = label(wide)
        whole = len(labels.speech) * FRAME_SAMPLES
        parts += [np.zeros(gap, np.float32), voice[:whole] / (np.abs(voice).max() + 1e-9) * 0.4]
        speech_labels += [np.zeros(gap // FRAME_SAMPLES, bool), labels.speech]
        silence_labels += [np.ones(gap // FRAME_SAMPLES, bool), labels.silence]
    line = np.concatenate(parts).astype(np.float32)
    speech, silence = np.concatenate(speech_labels), np.concatenate(silence_labels)
    # a word's echo reaches into the gap behind it
    silence &= ~(np.convolve(speech, np.ones(21), "same") > 0)
    report: dict[str, dict[str, dict[str, float]]] = {}
    for kind, snr_db in CONDITIONS:
        heard = line
        if snr_db is not None:
            # the ratio counts while somebody speaks, not over the gaps
            noise = background(kind, len(line), voices, rng)
            busy = float(np.mean(speech)) or 1.0
            heard = mix(line, noise, snr_db + 10 * np.log10(busy) * -1)
        pcm = to_pcm(telephone(heard, SAMPLE_RATE_HZ))
        name = kind if snr_db is None else f"{kind} {snr_db:.0f} dB"
        report[name] = {}
        for detector in (WebrtcGate(), SileroDetector(), GatedDetector()):
            probabilities, cost_us = listen(detector, pcm)
            on = decide(probabilities[: len(speech)])
            report[name][type(detector).__name__] = {
                "miss": round(100 * float(np.mean(~on[speech])), 2),
                "false_alarm": round(100 * float(np.mean(on[silence])), 2),
                "cpu_us": round(cost_us, 1),
            }
    return report


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--clips", type=int, default=30)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    report = measure(arguments.manifest, arguments.clips)
    if arguments.json:
        print(json.dumps({"conditions": report, "clips": arguments.clips, **provenance(arguments.manifest)}))
        return
    print(f"{'condition':14}{'detector':18}{'miss %':>8}{'false alarm %':>15}{'µs a frame':>12}")
    for condition, detectors in report.items():
        for name, figures in detectors.items():
            print(f"{condition:14}{name:18}{figures['miss']:8}{figures['false_alarm']:15}{figures['cpu_us']:12}")


if __name__ == "__main__":
    main()
