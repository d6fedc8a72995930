"""An adapter: what training changed, in a few MB, with a card; and how it is merged into a model.

A matrix's change is the product of two thin factors, stored in int8 with one scale for each column of the left and
each row of the right. Vectors (biases, norms) are stored whole, in fp16. Needs numpy only.
"""

import hashlib
import json
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from asr.adaptation.ct2_file import Array, Ct2File
from asr.window import Window
from voicebot.core.errors import ModelError

_LEFT, _RIGHT, _WHOLE, _CARD = "left", "right", "whole", "card"


@dataclass(frozen=True, slots=True)
class Adapter:
    """Changes by tensor name: ``factors`` as (rows, r) and (r, columns) float32, ``vectors`` whole; and the card."""

    factors: Mapping[str, tuple[Array, Array]]
    vectors: Mapping[str, Array]
    card: Mapping[str, Any]

    def change(self, name: str, weight: float = 1.0) -> Array | None:
        """The change of a tensor, float32, times ``weight``; None when it is left alone."""
        if name in self.vectors:
            return np.asarray(self.vectors[name] * np.float32(weight), np.float32)
        if name in self.factors:
            left, right = self.factors[name]
            return np.asarray(left @ right * np.float32(weight), np.float32)
        return None


def rounded(columns: Array) -> Array:
    """A factor as it comes back from int8 with one scale for each column."""
    codes, scales = _quantise(columns)
    return np.asarray(codes * scales.astype(np.float32), np.float32)


def _quantise(columns: Array) -> tuple[Array, Array]:
    """Int8 codes and one fp16 scale for each column."""
    scales = np.maximum(np.abs(columns).max(axis=0) / 127, 1e-7).astype(np.float16)
    codes = np.clip(np.rint(columns / scales.astype(np.float32)), -127, 127).astype(np.int8)
    return codes, scales


def save_adapter(adapter: Adapter, path: Path) -> None:
    """Write an adapter as ``.npz`` with its card inside; ``path`` appears whole or not at all."""
    arrays: dict[str, Array] = {_CARD: np.frombuffer(json.dumps(adapter.card, ensure_ascii=False).encode(), np.uint8)}
    for name, vector in adapter.vectors.items():
        arrays[f"{name}|{_WHOLE}"] = vector.astype(np.float16)
    for name, (left, right) in adapter.factors.items():
        arrays[f"{name}|{_LEFT}"], arrays[f"{name}|{_LEFT}_scales"] = _quantise(left)
        arrays[f"{name}|{_RIGHT}"], arrays[f"{name}|{_RIGHT}_scales"] = _quantise(right.T)
    partial = path.with_suffix(".partial.npz")
    np.savez_compressed(partial, allow_pickle=False, **arrays)
    partial.replace(path)


def load_adapter(path: Path) -> Adapter:
    """Read what `save_adapter` wrote. Raises `ModelError`."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {key: stored[key] for key in stored.files}
        card = json.loads(bytes(arrays.pop(_CARD)).decode())
        vectors, factors = {}, {}
        for key in arrays:
            name, _, kind = key.partition("|")
            if kind == _WHOLE:
                vectors[name] = arrays[key].astype(np.float32)
            elif kind == _LEFT:
                left = arrays[key] * arrays[f"{name}|{_LEFT}_scales"].astype(np.float32)
                right = arrays[f"{name}|{_RIGHT}"] * arrays[f"{name}|{_RIGHT}_scales"].astype(np.float32)
                factors[name] = (left, right.T)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ModelError(
            f"{path} is not an adapter: {error}.",
            code="adapter_unreadable",
            remedy="Make it again with `voicebot adapt` or install the product again.",
        ) from error
    return Adapter(factors, vectors, card)


def merge_adapter(base_dir: Path, adapter_file: Path, out_dir: Path) -> None:
    """Write a model folder to ``out_dir``: the base with the adapter's changes at the weight its card names.

    Raises `ModelError` when the base is not the one the adapter was made for.
    """
    adapter = load_adapter(adapter_file)
    model_file = base_dir / "model.bin"
    if not model_file.is_file():
        raise ModelError(
            f"There is no model in {base_dir}.", code="model_missing", remedy="Fetch it with `voicebot models pull`."
        )
    if sha256(model_file) != adapter.card.get("base_sha256"):
        raise ModelError(
            f"{adapter_file.name} was not made for the model in {base_dir}.",
            code="adapter_base_mismatch",
            remedy="Use the base model that the adapter's card names.",
        )
    out_dir.mkdir(parents=True, exist_ok=True)
    for file in base_dir.iterdir():
        if file.is_file() and file.name != "model.bin":
            shutil.copy2(file, out_dir / file.name)
    write_merged(Ct2File(model_file), adapter, out_dir / "model.bin", float(adapter.card["weight"]))
    if window := adapter.card.get("window"):
        Window(**window).write(out_dir)


def write_merged(base: Ct2File, adapter: Adapter, target: Path, weight: float) -> None:
    """Write ``model.bin`` of the base with ``weight`` times the adapter's changes."""

    def changed(name: str, tensor: Array) -> Array | None:
        change = adapter.change(name, weight)
        return None if change is None else tensor.astype(np.float32) + change

    base.rewrite(target, changed)


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
