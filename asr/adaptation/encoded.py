"""Encoder outputs, computed once and kept on disk, so that training touches the decoder alone."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asr.adaptation.clips import RATE_HZ, Clip, Signal, load
from asr.window import Window

_FEATURES_PER_S = 100


def window_features(window: Window, samples: int) -> int:
    """Mel frames handed to the encoder for so many samples at 16 kHz; an even number, for the encoder halves it."""
    return 2 * -(-round(window.seconds(samples / RATE_HZ) * _FEATURES_PER_S) // 2)


def spoken_frames(samples: int) -> int:
    """Encoder frames (20 ms) up to one second behind the end of so many samples."""
    return -(-samples * _FEATURES_PER_S // (2 * RATE_HZ)) + _FEATURES_PER_S // 2


@dataclass(frozen=True, slots=True)
class EncodedSet:
    """Encoder outputs of a set of clips: ``rows[offsets[i]:offsets[i + 1]]`` (float16, width of the model) is clip i.

    ``spoken[i]`` counts the frames up to one second behind the clip's end; the rest of its window is silence.
    """

    texts: tuple[str, ...]
    offsets: NDArray[np.int64]
    spoken: NDArray[np.int64]
    rows: NDArray[np.float16]

    def __len__(self) -> int:
        return len(self.texts)

    def frames(self, index: int) -> int:
        """Length of one clip in encoder frames (20 ms each)."""
        return int(self.offsets[index + 1] - self.offsets[index])

    def clip(self, index: int, frames: int) -> NDArray[np.float16]:
        """The first ``frames`` of one clip's encoder output, (frames, width)."""
        return self.rows[self.offsets[index] : self.offsets[index] + frames]


class Encoder:
    """The int8 encoder of a CTranslate2 Whisper model."""

    def __init__(self, base_dir: Path, threads: int, window: Window):
        from faster_whisper import WhisperModel  # heavy; only training comes here

        self._window = window
        self._model: Any = WhisperModel(str(base_dir), device="cpu", compute_type="int8", cpu_threads=threads)

    def encode(self, signal: Signal) -> NDArray[np.float16]:
        """Encoder output (frames, width) of one clip in the window the service would use."""
        count = window_features(self._window, len(signal))
        features = self._model.feature_extractor(signal)[:, :count]
        quiet = float(features.min())  # behind the end, as the service pads
        features = np.pad(features, ((0, 0), (0, count - features.shape[1])), constant_values=quiet)
        output = self._model.encode(np.ascontiguousarray(features, np.float32))
        return np.asarray(np.asarray(output)[0], np.float16)


def encode_clips(
    clips: Sequence[Clip],
    encoder: Encoder,
    change: Callable[[Signal, np.random.Generator], Signal],
    folder: Path,
    *,
    limits_s: tuple[float, float],
    seed: int,
    progress: Callable[[int, int], None],
) -> EncodedSet:
    """Encode every clip whose length is within ``limits_s`` into ``folder`` and open the result."""
    folder.mkdir(parents=True, exist_ok=True)
    texts: list[str] = []
    lengths: list[int] = []
    spoken: list[int] = []
    with (folder / "rows.f16").open("wb") as out:
        for done, clip in enumerate(clips, 1):
            signal = change(load(clip), np.random.default_rng((seed, done)))
            if limits_s[0] <= len(signal) / RATE_HZ <= limits_s[1]:
                encoded = encoder.encode(signal)
                out.write(encoded.tobytes())
                texts.append(clip.text)
                lengths.append(len(encoded))
                spoken.append(min(len(encoded), spoken_frames(len(signal))))
                width = encoded.shape[1]
            progress(done, len(clips))
    (folder / "index.json").write_text(
        json.dumps(
            {"texts": texts, "lengths": lengths, "spoken": spoken, "width": width if texts else 0}, ensure_ascii=False
        ),
        encoding="utf-8",
    )
    return open_encoded(folder)


def open_encoded(folder: Path) -> EncodedSet:
    """Open what `encode_clips` has written; rows stay on disk. Raises OSError."""
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    offsets = np.concatenate(([0], np.cumsum(index["lengths"]))).astype(np.int64)
    rows: NDArray[np.float16] = np.zeros((0, 1), np.float16)
    if index["texts"]:
        rows = np.memmap(folder / "rows.f16", np.float16, "r").reshape(-1, index["width"])
    return EncodedSet(tuple(index["texts"]), offsets, np.array(index["spoken"], np.int64), rows)
