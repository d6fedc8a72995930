"""Measures how each voice's channels are levelled, by length of clause, and writes ``voicebot/tts/kokoro/norms.npz``.

    python -m benchmarks.fit_voice_norms MODELS/kokoro [--voices zf_xiaoxiao ...] [--held-out 3]

The published network speaks clauses of the example city (3 of each length); a line is fitted through the statistics of
each channel. Every ``held-out``-th clause is left out and used to print how far the lines miss.
"""

import argparse
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import soxr

from dialog.city.loader import load_city
from voicebot.core.frames import SAMPLE_RATE_HZ
from voicebot.tts.kokoro.graphs import Published
from voicebot.tts.kokoro.layers import NORMS
from voicebot.tts.kokoro.norms import length_features
from voicebot.tts.kokoro.sound import RATE_HZ
from voicebot.tts.loudness import speaking_rms
from voicebot.tts.pronunciation import Pronunciation
from voicebot.tts.sentences import split_clauses
from voicebot.tts.settings import KOKORO_VOICES

CITY = Path("cities/luoyang")
OUT = Path("voicebot/tts/kokoro/norms.npz")
STYLE_WIDTH = 256


def clauses(of_each_length: int) -> list[str]:
    """Clauses of the city's articles and of a clerk's small talk, short to long, always the same."""
    by_length: dict[int, list[str]] = {}
    small_talk = ("好的，", "对，", "请讲。", "好的，请稍等。", "您请说。", "谢谢您，", "请问在哪里？", "再见。")
    spoken = (article for article in load_city(CITY).articles if article.speakable(date(2026, 6, 1)))
    articles = (portion for article in spoken for portion in article.portions)
    for text in (*small_talk, *articles):
        for clause in split_clauses(text):
            by_length.setdefault(len(clause), []).append(clause)
    rng = np.random.default_rng(7)
    return [
        same[index]
        for _, same in sorted(by_length.items())
        for index in rng.permutation(len(same))[:of_each_length]
    ]  # fmt: skip


def measure(folder: Path, voice: str, texts: Sequence[str], network: bytes) -> dict[str, np.ndarray]:
    """Features (n, 2), means and log variances (n, 9216), level (n,) of a voice saying ``texts``."""
    published = Published(onnx.load_model_from_string((folder / "model.onnx").read_bytes()))
    names = [published.mean_and_variance(norm) for norm in NORMS]
    session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
    outputs = [output.name for output in session.get_outputs()]
    pronunciation = Pronunciation(folder / "vocab.json")
    style = np.fromfile(folder / "voices" / f"{voice}.bin", "<f4").reshape(-1, STYLE_WIDTH)
    rows: dict[str, list[np.ndarray]] = {"features": [], "mean": [], "log_variance": [], "rms": []}
    for text in texts:
        tokens = pronunciation.tokens(text)
        inputs = {
            "tokens": np.array([[0, *tokens, 0]], np.int64),
            "style": style[len(tokens)][None],
            "speed": np.ones(1, np.float32),
        }
        got = dict(zip(outputs, session.run(None, inputs), strict=True))
        rows["features"].append(length_features(got[outputs[0]].shape[2]))
        rows["mean"].append(np.concatenate([got[mean].reshape(-1) for mean, _ in names]))
        rows["log_variance"].append(np.log(np.concatenate([got[var].reshape(-1) for _, var in names]) + 1e-8))
        narrow = soxr.resample(got["audio"].reshape(-1), RATE_HZ, SAMPLE_RATE_HZ)
        rows["rms"].append(np.float32(speaking_rms(narrow, SAMPLE_RATE_HZ)))
    return {name: np.array(values, np.float32) for name, values in rows.items()}


def main() -> None:
    """Measure, fit, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--voices", nargs="+", default=KOKORO_VOICES)
    parser.add_argument("--of-each-length", type=int, default=3)
    parser.add_argument("--held-out", type=int, default=3)
    args = parser.parse_args()
    texts = clauses(args.of_each_length)
    model = onnx.load_model_from_string((args.folder / "model.onnx").read_bytes())
    network = Published(model).with_statistics().SerializeToString()
    table = dict(np.load(OUT)) if OUT.exists() else {}
    for voice in args.voices:
        rows = measure(args.folder, voice, texts, network)
        held_out = np.arange(len(texts)) % args.held_out == 0
        missed = {}
        for name in ("mean", "log_variance"):
            line, *_ = np.linalg.lstsq(rows["features"][~held_out], rows[name][~held_out], rcond=None)
            missed[name] = float(np.abs(rows["features"][held_out] @ line - rows[name][held_out]).mean())
            table[f"{voice}.{name}"] = line.astype(np.float16)
        table[f"{voice}.rms"] = np.float32(np.sqrt(np.mean(np.square(rows["rms"]))))
        print(
            f"{voice}: {len(texts)} clauses, log deviation missed by {missed['log_variance'] / 2:.3f}, mean by "
            f"{missed['mean']:.3f}, level {table[f'{voice}.rms']:.3f}",
            flush=True,
        )
        np.savez_compressed(OUT, **table)


if __name__ == "__main__":
    main()
