"""A classifier learnt from labelled texts: two linear models, one of characters and one of meaning, added up.

They err differently, so the sum is better than either (figures: docs/evaluation). The probability is sharpened or
softened by one exponent, chosen on held-out folds, so that "90 % sure" means right nine times out of ten.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from dialog.embedding import Embedder
from dialog.routing.grams import Grams
from voicebot.core.errors import DialogError

Floats = npt.NDArray[np.float32]
Progress = Callable[[str, int, int], None]
MAX_CHARS = 300  # more than this is rare in speech and drowns the gist
_CHARACTER_C = 10.0
_MEANING_C = 0.1
_FOLDS = 4
_EXPONENTS = (0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0)


class TrainedClassifier:
    """Labels with probabilities for a text. Immutable; safe for many threads."""

    def __init__(
        self, labels: Sequence[str], grams: Grams, weights: tuple[Floats, Floats, Floats, Floats], exponent: float
    ) -> None:
        self.labels = tuple(labels)
        self._grams = grams
        self._weights = weights
        self.exponent = exponent

    @classmethod
    def fit(
        cls,
        texts: Sequence[str],
        labels: Sequence[str],
        embedder: Embedder,
        progress: Progress = lambda step, done, total: None,
    ) -> "TrainedClassifier":
        """Learn from labelled texts; ``progress`` is told (step, done, total). Raises `DialogError` on too little data.

        At least two labels are needed; calibration needs three texts for each, without them the exponent stays 1.
        """
        names = sorted(set(labels))
        if len(names) < 2:
            raise DialogError(
                "训练数据里只有一种标签。", code="training_one_label", remedy="请给出至少两种标签的数据。"
            )
        short = [text[:MAX_CHARS] for text in texts]
        vectors = np.empty((len(short), 384), dtype=np.float32)
        for i, text in enumerate(short):
            vectors[i] = embedder.sentence(text)
            progress("embed", i + 1, len(short))
        target = np.array([names.index(label) for label in labels])
        exponent = _calibrate(short, vectors, target, len(names), progress)
        model = cls._fit(short, vectors, target, names)
        progress("fit", 1, 1)
        return cls(names, model._grams, model._weights, exponent)

    @classmethod
    def _fit(
        cls, texts: Sequence[str], vectors: Floats, target: npt.NDArray[np.int64], names: Sequence[str]
    ) -> "TrainedClassifier":
        grams = Grams.fit(texts)
        by_character = LogisticRegression(C=_CHARACTER_C, max_iter=300).fit(grams.rows(texts), target)
        mean, deviation = vectors.mean(axis=0), vectors.std(axis=0) + 1e-6
        by_meaning = LogisticRegression(C=_MEANING_C, max_iter=500).fit((vectors - mean) / deviation, target)
        meaning = by_meaning.coef_ / deviation
        offset = by_meaning.intercept_ - meaning @ mean
        weights = (
            _both(by_character.coef_),
            _both(by_character.intercept_[:, None])[:, 0],
            _both(meaning),
            _both(offset[:, None])[:, 0],
        )
        return cls(names, grams, weights, 1.0)

    def probabilities(self, text: str, embedder: Embedder) -> Floats:
        """One probability for each of ``labels``, shape (labels,)."""
        short = text[:MAX_CHARS]
        return np.asarray(self._score([short], embedder.sentence(short)[None, :])[0], dtype=np.float32)

    def best(self, text: str, embedder: Embedder) -> tuple[tuple[str, float], ...]:
        """(label, probability), likeliest first."""
        scores = self.probabilities(text, embedder)
        return tuple((self.labels[i], float(scores[i])) for i in np.argsort(-scores, kind="stable"))

    def _score(self, texts: Sequence[str], vectors: Floats) -> Floats:
        characters, character_offset, meaning, meaning_offset = self._weights
        total = _softmax(np.asarray(self._grams.rows(texts) @ characters.T) + character_offset)
        total = total + _softmax(vectors @ meaning.T + meaning_offset)
        sharp = (total / 2) ** np.float32(self.exponent)
        return np.asarray(sharp / sharp.sum(axis=1, keepdims=True), dtype=np.float32)

    def save(self, path: Path, facts: dict[str, object]) -> None:
        """Write the model and what is known of its making to one ``.npz`` file."""
        head = json.dumps({"labels": self.labels, "exponent": self.exponent, "facts": facts}, ensure_ascii=False)
        a, b, c, d = self._weights
        with path.open("wb") as file:
            np.savez_compressed(
                file, head=np.array(head), grams=np.array(self._grams.names), idf=self._grams.idf, a=a, b=b, c=c, d=d
            )

    @classmethod
    def load(cls, path: Path) -> tuple["TrainedClassifier", dict[str, object]]:
        """Read a model and its facts; raises `DialogError` when the file is damaged."""
        try:
            with np.load(path, allow_pickle=False) as data:
                head = json.loads(str(data["head"]))
                grams = Grams([str(name) for name in data["grams"]], data["idf"])
                weights = (data["a"], data["b"], data["c"], data["d"])
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise DialogError(
                f"派单模型 {path} 读不出来。", code="routing_model_damaged", remedy="请运行 voicebot routing rollback。"
            ) from error
        return cls(head["labels"], grams, weights, float(head["exponent"])), dict(head["facts"])


def _both(rows: npt.NDArray[np.float64]) -> Floats:
    """Two classes come as one row from scikit-learn; give each its own."""
    return np.asarray(np.vstack([-rows, rows]) if len(rows) == 1 else rows, dtype=np.float32)


def _softmax(scores: Floats) -> Floats:
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True), dtype=np.float32)


def _calibrate(
    texts: Sequence[str], vectors: Floats, target: npt.NDArray[np.int64], labels: int, progress: Progress
) -> float:
    counts = np.bincount(target, minlength=labels)
    if counts.min() < _FOLDS:
        return 1.0
    held_out = np.empty((len(texts), labels), dtype=np.float32)
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
    for number, (learn, test) in enumerate(folds.split(texts, target), 1):
        model = TrainedClassifier._fit([texts[i] for i in learn], vectors[learn], target[learn], range_names(labels))
        held_out[test] = model._score([texts[i] for i in test], vectors[test])
        progress("calibrate", number, _FOLDS)
    right = np.arange(len(target)), target

    def loss(exponent: float) -> float:
        sharp = held_out**exponent
        return float(-np.log((sharp / sharp.sum(axis=1, keepdims=True))[right] + 1e-9).mean())

    return min(_EXPONENTS, key=loss)


def range_names(count: int) -> list[str]:
    """Stand-in labels for the folds of calibration."""
    return [str(i) for i in range(count)]
