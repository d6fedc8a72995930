"""Our recogniser beside faster-whisper's own ``transcribe()`` and pipecat's Whisper service: one model, one run.

    python -m benchmarks.recogniser MANIFEST [--limit N] [--models FOLDER] [--json]

MANIFEST is JSON Lines or `audio_fixtures/manifest.toml`. All contenders hear with the same Whisper base; "ours"
without and with the correction by sound for the example city, and "product" with the adapted model as well.
Every recording passes the telephone (300-3400 Hz, 8 kHz, A-law) and is heard by each contender in turn, so
that a busy machine is busy for all of them. ``cer`` in percent; ``cpu_rtf`` is processor time over audio time,
which counts every thread; ``ms`` is what a caller waits for the text of a whole utterance. ``invented`` counts the
sounds without speech in ``audio_fixtures/noise`` (hum, ringback, music, silence, knocks) for which there was a text;
babble and garble are left out, where words are there to be heard.
"""

import argparse
import asyncio
import json
import os
import time
import tomllib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from faster_whisper import WhisperModel as FasterWhisper
from pipecat.frames.frames import TranscriptionFrame
from pipecat.services.whisper.stt import WhisperSTTService
from pipecat.transcriptions.language import Language

from asr.engines.whisper import WhisperRecogniser
from asr.loops import runs_away
from asr.settings import AsrSettings
from benchmarks.provenance import provenance
from dialog.city import load_city
from voicebot.app.build import build_corrector
from voicebot.audio.narrowband import Signal, from_pcm, resample, to_pcm
from voicebot.core.frames import SAMPLE_RATE_HZ
from voicebot.core.speech import HearingContext
from voicebot.evaluation.callers import read_audio
from voicebot.evaluation.speech import (
    Condition,
    Recording,
    comparable,
    edit_distance,
    read_manifest,
    read_recording,
    spoil,
)
from voicebot.models import ModelStore
from voicebot.settings import Settings

WIDE_HZ = 16_000
FIXTURES = Path(__file__).resolve().parent.parent / "audio_fixtures"
SPEECHLESS = ("line", "ringback", "music", "silence", "knocks")
PROMPT = "以下是普通话的句子。"  # without it the others write traditional characters and lose by script alone
Hear = Callable[[Signal], Awaitable[str]]
"""A telephone recording at 8 kHz to its text."""


@dataclass(slots=True)
class Tally:
    """What one contender has done so far."""

    errors: int = 0
    characters: int = 0
    runaway: int = 0
    invented: int = 0
    audio_s: float = 0.0
    cpu_s: float = 0.0
    ms: list[float] = field(default_factory=list)

    def row(self) -> dict[str, float]:
        """The figures of one contender."""
        return {
            "cer": round(100 * self.errors / max(1, self.characters), 2),
            "runaway": self.runaway,
            "invented": self.invented,
            "cpu_rtf": round(self.cpu_s / self.audio_s, 4),
            "p50_ms": round(float(np.percentile(self.ms, 50)), 1),
            "p95_ms": round(float(np.percentile(self.ms, 95)), 1),
        }


async def measure(recordings: list[Recording], models: ModelStore, threads: int = 1) -> dict[str, object]:
    """All contenders over all recordings."""
    settings = AsrSettings(workers=1, cpu_threads=threads)
    folder = models.path(settings.base_model)
    corrector = build_corrector(models, load_city(Settings().city_dir))
    own = {
        "ours": WhisperRecogniser(settings, folder),
        "ours_corrected": WhisperRecogniser(settings, folder, corrector),
        "product": WhisperRecogniser(settings, models.path(settings.model), corrector),
    }
    for recogniser in own.values():
        await recogniser.start()
    plain = FasterWhisper(str(folder), device="cpu", compute_type="int8", cpu_threads=threads)
    service = WhisperSTTService(
        device="cpu",
        compute_type="int8",
        settings=WhisperSTTService.Settings(
            model=str(folder), language=Language.ZH, no_speech_prob=0.6, initial_prompt=PROMPT
        ),
    )

    def by(recogniser: WhisperRecogniser) -> Hear:
        async def hear(signal: Signal) -> str:
            return (await recogniser.transcribe(signal, SAMPLE_RATE_HZ, HearingContext())).text

        return hear

    async def by_faster_whisper(signal: Signal) -> str:
        def transcribe() -> str:
            segments, _ = plain.transcribe(
                resample(signal, SAMPLE_RATE_HZ, WIDE_HZ), language="zh", initial_prompt=PROMPT
            )
            return "".join(segment.text for segment in segments)

        return await asyncio.to_thread(transcribe)

    async def by_pipecat(signal: Signal) -> str:
        pcm = to_pcm(resample(signal, SAMPLE_RATE_HZ, WIDE_HZ))
        return "".join([frame.text async for frame in service.run_stt(pcm) if isinstance(frame, TranscriptionFrame)])

    contenders: dict[str, Hear] = {
        **{name: by(recogniser) for name, recogniser in own.items()},
        "faster_whisper_transcribe": by_faster_whisper,
        "pipecat_whisper_service": by_pipecat,
    }
    tallies = {name: Tally() for name in contenders}
    try:
        for recording in recordings:
            signal, _ = spoil(*read_recording(recording.path), Condition(narrowband=True), ())
            for name, hear in contenders.items():
                await _hear(tallies[name], hear, recording, signal)
        sounds = [from_pcm(read_audio(path)) for path in speechless()]
        for sound in sounds:
            for name, hear in contenders.items():
                tallies[name].invented += bool(comparable(await hear(sound)))
    finally:
        for recogniser in own.values():
            await recogniser.stop()
    return {
        "contenders": {name: tally.row() for name, tally in tallies.items()},
        "n": len(recordings),
        "speechless": len(sounds),
        "model": folder.name,
        "threads": threads,
    }


def speechless() -> list[Path]:
    """Sounds of a line on which nobody speaks."""
    files = tomllib.loads((FIXTURES / "manifest.toml").read_text("utf-8"))["file"]
    return [FIXTURES / row["path"] for row in files if row["kind"] in SPEECHLESS]


async def _hear(tally: Tally, hear: Hear, recording: Recording, signal: Signal) -> None:
    began, cpu = time.perf_counter(), time.process_time()
    text = await hear(signal)
    tally.ms.append((time.perf_counter() - began) * 1000)
    tally.cpu_s += time.process_time() - cpu
    tally.audio_s += len(signal) / SAMPLE_RATE_HZ
    spoken = comparable(recording.text)
    tally.errors += edit_distance(spoken, comparable(text))
    tally.characters += len(spoken)
    tally.runaway += runs_away(text, len(text), len(signal) / SAMPLE_RATE_HZ)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--limit", type=int, default=None)
    parser.add_argument("--models", type=Path, default=Settings().models_dir)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    # pipecat's service leaves the number of threads to OpenMP; all contenders get the same.
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    recordings = read_manifest(options.manifest)[: options.limit]
    report = asyncio.run(measure(recordings, ModelStore(options.models), options.threads))
    if options.json:
        print(json.dumps({**report, **provenance(options.manifest)}, ensure_ascii=False))
        return
    contenders = report["contenders"]
    assert isinstance(contenders, dict)  # noqa: S101  built above
    for name, row in contenders.items():
        print(f"{name:28}", row)
    print({key: value for key, value in report.items() if key != "contenders"})


if __name__ == "__main__":
    main()
