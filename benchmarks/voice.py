"""How soon the embedded voice is heard, and what it costs, beside the same network run a clause at a time.

    python -m benchmarks.voice MANIFEST [--voice zf_xiaoxiao] [--texts 40] [--threads 1] [--json]

Says the texts of a manifest, short to long, none of them from a cache. ``first_ms`` is the time from the text to its
first sound at 8 kHz, silence cut off, ``rtf`` processor time over the time of what is left, ``cer`` what the recogniser
makes of the voice after the telephone (%): a voice that is quick and not understood would be no gain.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from asr.engines.speech_model import Stretch
from asr.engines.whisper_model import WhisperModel
from asr.settings import AsrSettings
from benchmarks.provenance import provenance
from voicebot.audio.narrowband import telephone
from voicebot.core.speech import HearingContext
from voicebot.evaluation.speech import comparable, read_manifest
from voicebot.language.edit_distance import edit_distance
from voicebot.tts.kokoro import KokoroModel
from voicebot.tts.kokoro.norms import norms_of
from voicebot.tts.kokoro.sound import RATE_HZ
from voicebot.tts.loudness import Narrowed
from voicebot.tts.pronunciation import Pronunciation
from voicebot.tts.sentences import split_clauses

Samples = NDArray[np.float32]
Speak = Callable[[str], Iterator[Samples]]
TELEPHONE_HZ = 8000


def streamed(folder: Path, voice: str, threads: int) -> Speak:
    """Ours: the front for the clause, then the generator in stretches."""
    model = KokoroModel(folder, threads)
    model.load()
    speaker = model.voice(voice)
    return lambda clause: model.render(clause, speaker, 1.0)


def published(folder: Path, voice: str, threads: int) -> Speak:
    """The network as it is published: a clause at a time."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # as ours: spinning counts as work
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"])
    pronunciation = Pronunciation(folder / "vocab.json")
    style = np.fromfile(folder / "voices" / f"{voice}.bin", "<f4").reshape(-1, 256)

    def speak(clause: str) -> Iterator[Samples]:
        tokens = pronunciation.tokens(clause)
        inputs = {
            "tokens": np.array([[0, *tokens, 0]], np.int64),
            "style": style[len(tokens)][None],
            "speed": np.ones(1, np.float32),
        }
        yield session.run(None, inputs)[0].reshape(-1)

    return speak


def measure(speak: Speak, voice: str, texts: Sequence[str], ear: WhisperModel) -> dict[str, float]:
    """Figures of one way to speak."""
    for _ in speak("您好。"):
        pass
    firsts, spent, spoken, wrong, written = [], 0.0, 0.0, 0, 0
    for text in texts:
        began, processor = time.perf_counter(), time.process_time()
        pieces: list[Samples] = []
        heard_at = None
        for clause in split_clauses(text):
            narrowed = Narrowed(RATE_HZ, -20.0, norms_of(voice).rms)
            for piece in speak(clause):
                pcm = narrowed.push(piece)
                spoken += len(pcm) / 2 / TELEPHONE_HZ
                if pcm and heard_at is None:
                    heard_at = time.perf_counter()
                pieces.append(piece)
            spoken += len(narrowed.finish()) / 2 / TELEPHONE_HZ
        firsts.append(1000 * ((heard_at or time.perf_counter()) - began))
        spent += time.process_time() - processor
        samples = np.concatenate(pieces)
        (heard,) = ear.hear([Stretch(telephone(samples, RATE_HZ), TELEPHONE_HZ, HearingContext())])
        said = comparable(text)
        wrong += edit_distance(said, comparable(heard.hypotheses[0].text if heard.hypotheses else ""))
        written += len(said)
    percentiles = statistics.quantiles(firsts, n=100, method="inclusive")
    return {
        "first_ms_p50": round(percentiles[49], 1),
        "first_ms_p95": round(percentiles[94], 1),
        "first_ms_p99": round(percentiles[98], 1),
        "rtf": round(spent / spoken, 3),
        "cer": round(100 * wrong / written, 2),
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--models", type=Path, default=Path("var/models"))
    parser.add_argument("--voice", default="zf_xiaoxiao")
    parser.add_argument("--texts", type=int, default=40)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.texts < 2:
        parser.error("--texts 至少为 2。")
    ear = WhisperModel(AsrSettings(), arguments.models / "whisper-base-telephone-zh")
    ear.load()
    texts = sorted(dict.fromkeys(recording.text for recording in read_manifest(arguments.manifest)), key=len)
    texts = [texts[at * len(texts) // arguments.texts] for at in range(min(arguments.texts, len(texts)))]
    contenders = {}
    for name, make in (("heard while it is made", streamed), ("published network", published)):
        speak = make(arguments.models / "kokoro", arguments.voice, arguments.threads)
        contenders[name] = measure(speak, arguments.voice, texts, ear)
    report = {"contenders": contenders, "n": len(texts), "voice": arguments.voice, "threads": arguments.threads}
    if arguments.json:
        print(json.dumps({**report, **provenance(arguments.manifest)}))
        return
    for name, figures in contenders.items():
        print(name, figures)


if __name__ == "__main__":
    main()
