"""A classifier learnt from labelled texts: several small linear models, each with its own view, added up.

The views: characters; the meaning of the whole; the meaning of its head (title or first sentence); the words of the
table that are said; and what else is known beforehand (`dialog.routing.prior`): which branches of the table lie near,
and the vocabulary of which sectors is used. They err differently, so the sum is better than each of them. The
probability is sharpened or softened by one exponent chosen on held-out folds, so that "90 % sure" is right nine times
out of ten.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from dialog.embedding import Embedder
from dialog.routing.grams import Grams
from dialog.routing.prior import Prior
from voicebot.core.errors import DialogError

Floats = npt.NDArray[np.float32]
Progress = Callable[[str, int, int], None]
Linear = tuple[Floats, Floats]  # weights (labels, features), offsets (labels,)
MAX_CHARS = 300  # more than this is rare in speech and drowns the gist
_MEANT_CHARS = 120  # embedding costs about 1 ms a character
_HEAD = re.compile(r"[^。！？!?\n]{4,40}")
# Inverse regularisation of each view, chosen by five-fold cross-validation on real messages
_CHARACTERS = 100.0
_VIEWS = {"whole": 0.03, "head": 0.03, "words": 0.1, "known": 0.1}
_VOTES = {"known": 2.0}  # of the sum; the others have one: few numbers, so little to overfit
_MOST_SPANNED = 2000  # texts; the cost of their space grows with the cube
_FOLDS = 4
_EXPONENTS = (0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0)


class TrainedClassifier:
    """Labels with probabilities for a text. Immutable; safe for many threads."""

    def __init__(
        self,
        labels: Sequence[str],
        prior: Prior,
        grams: Grams,
        by_characters: Linear,
        by_view: Mapping[str, Linear],
        exponent: float,
    ) -> None:
        self.labels = tuple(labels)
        self.exponent = exponent
        self._prior = prior
        self._grams = grams
        self._by_characters = by_characters
        self._by_view = dict(by_view)

    @classmethod
    def fit(
        cls,
        texts: Sequence[str],
        labels: Sequence[str],
        prior: Prior,
        embedder: Embedder,
        progress: Progress = lambda step, done, total: None,
    ) -> "TrainedClassifier":
        """Learn from labelled texts; ``progress`` is told (step, done, total). Raises `DialogError` on too little data.

        At least two labels are needed; labels with fewer than four texts take no part in the calibration.
        """
        names = sorted(set(labels))
        if len(names) < 2:
            raise DialogError(
                "训练数据里只有一种标签。", code="training_one_label", remedy="请给出至少两种标签的数据。"
            )
        seen = []
        for done, text in enumerate(texts, 1):
            seen.append(_views(text, prior, embedder))
            progress("embed", done, len(texts))
        views = {name: np.stack([one[name] for one in seen]) for name in seen[0]}
        short = [text[:MAX_CHARS] for text in texts]
        target = np.array([names.index(label) for label in labels])
        exponent = _calibrate(short, views, target, names, prior, progress)
        model = _fit(short, views, target, names, prior, exponent)
        progress("fit", 1, 1)
        return model

    def best(self, text: str, embedder: Embedder) -> tuple[tuple[str, float], ...]:
        """(label, probability), likeliest first."""
        views = {name: view[None, :] for name, view in _views(text, self._prior, embedder).items()}
        scores = self.probabilities([text[:MAX_CHARS]], views)[0]
        return tuple((self.labels[i], float(scores[i])) for i in np.argsort(-scores, kind="stable"))

    def probabilities(self, texts: Sequence[str], views: Mapping[str, Floats]) -> Floats:
        """One row of probabilities for each text, shape (texts, labels), from its views (texts, features)."""
        weights, offsets = self._by_characters
        total = _softmax(np.asarray(self._grams.rows(texts) @ weights.T) + offsets)
        for name, (weights, offsets) in self._by_view.items():
            total = total + np.float32(_VOTES.get(name, 1.0)) * _softmax(views[name] @ weights.T + offsets)
        sharp = (total / total.sum(axis=1, keepdims=True)) ** np.float32(self.exponent)
        return np.asarray(sharp / sharp.sum(axis=1, keepdims=True), dtype=np.float32)

    def save(self, path: Path, facts: Mapping[str, object]) -> None:
        """Write the model and what is known of its making to one ``.npz`` file."""
        head = {
            "labels": self.labels,
            "views": ["characters", *self._by_view],
            "exponent": self.exponent,
            "patterns": self._prior.patterns,
            "owner": self._prior.owner,
            "sectors": self._prior.sectors,
            "facts": dict(facts),
        }
        arrays: dict[str, npt.NDArray[np.generic]] = {
            "head": np.array(json.dumps(head, ensure_ascii=False)),
            "grams": np.array(self._grams.names),
            "idf": self._grams.idf,
            "examples": self._prior.vectors,
        }
        for name, (weights, offsets) in {"characters": self._by_characters, **self._by_view}.items():
            arrays |= {f"{name}_weights": weights, f"{name}_offsets": offsets}
        with path.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path) -> tuple["TrainedClassifier", dict[str, object]]:
        """Read a model and its facts; raises `DialogError` when the file is damaged or of an older layout."""
        try:
            with np.load(path, allow_pickle=False) as data:
                head = json.loads(str(data["head"]))
                grams = Grams([str(name) for name in data["grams"]], data["idf"])
                patterns = [(int(g), float(w), str(p)) for g, w, p in head["patterns"]]
                prior = Prior(patterns, data["examples"], head["owner"], head["sectors"])
                linear = {name: (data[f"{name}_weights"], data[f"{name}_offsets"]) for name in head["views"]}
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise DialogError(
                f"派单模型 {path} 读不出来：文件损坏，或是旧版本训练的。",
                code="routing_model_damaged",
                remedy="请运行 voicebot routing rollback，或用 voicebot routing train 重新训练。",
            ) from error
        by_characters = linear.pop("characters")
        model = cls(head["labels"], prior, grams, by_characters, linear, float(head["exponent"]))
        return model, dict(head["facts"])


def _views(text: str, prior: Prior, embedder: Embedder) -> dict[str, Floats]:
    short = text[:_MEANT_CHARS]
    match = _HEAD.search(text)
    whole, head = embedder.sentence(short), embedder.sentence(match[0] if match else short)
    views = {"whole": whole, "head": head, "words": prior.words(text)}
    if prior.has_examples:
        said = prior.sector_words(text[:MAX_CHARS]), prior.sector_words(match[0] if match else short)
        views["known"] = np.concatenate([prior.nearness(whole), prior.nearness(head), *said])
    return views


def _fit(
    texts: Sequence[str],
    views: Mapping[str, Floats],
    target: npt.NDArray[np.int64],
    names: Sequence[str],
    prior: Prior,
    exponent: float,
) -> TrainedClassifier:
    grams = Grams.fit(texts)
    characters = _by_characters(grams.rows(texts), target)
    by_view = {}
    for name in views:
        mean, deviation = views[name].mean(axis=0), views[name].std(axis=0) + 1e-6
        learnt = _learner(_VIEWS[name]).fit((views[name] - mean) / deviation, target)
        by_view[name] = _linear(learnt.coef_ / deviation, learnt.intercept_ - (learnt.coef_ / deviation) @ mean)
    return TrainedClassifier(names, prior, grams, characters, by_view, exponent)


def _by_characters(rows: csr_matrix, target: npt.NDArray[np.int64]) -> Linear:
    """The regression on n-grams, solved in the space that the rows of few texts span: the same weights, sooner."""
    if rows.shape[0] > _MOST_SPANNED:
        learnt = _learner(_CHARACTERS).fit(rows, target)
        return _linear(learnt.coef_, learnt.intercept_)
    values, axes = np.linalg.eigh((rows @ rows.T).toarray().astype(np.float64))
    kept = values > 1e-6 * values.max()
    length, axes = np.sqrt(values[kept]), axes[:, kept]
    learnt = _learner(_CHARACTERS).fit(axes * length, target)
    return _linear(np.asarray((learnt.coef_ / length) @ axes.T @ rows), learnt.intercept_)


def _learner(strength: float) -> LogisticRegression:
    return LogisticRegression(C=strength, max_iter=300, class_weight="balanced")


def _linear(weights: npt.NDArray[np.float64], offsets: npt.NDArray[np.float64]) -> Linear:
    """Two classes come as one row from scikit-learn; give each its own."""
    if len(weights) == 1:
        weights, offsets = np.vstack([-weights, weights]) / 2, np.concatenate([-offsets, offsets]) / 2
    return np.asarray(weights, dtype=np.float32), np.asarray(offsets, dtype=np.float32)


def _softmax(scores: Floats) -> Floats:
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True), dtype=np.float32)


def _calibrate(
    texts: Sequence[str],
    views: Mapping[str, Floats],
    target: npt.NDArray[np.int64],
    names: Sequence[str],
    prior: Prior,
    progress: Progress,
) -> float:
    common = np.flatnonzero(np.bincount(target, minlength=len(names)) >= _FOLDS)
    if len(common) < 2:
        return 1.0
    kept = np.flatnonzero(np.isin(target, common))
    texts, target = [texts[int(i)] for i in kept], np.searchsorted(common, target[kept])
    views, names = {name: view[kept] for name, view in views.items()}, [names[int(i)] for i in common]
    held_out = np.empty((len(texts), len(names)), dtype=np.float32)
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
    for number, (learn, test) in enumerate(folds.split(texts, target), 1):
        part = {name: view[learn] for name, view in views.items()}
        model = _fit([texts[i] for i in learn], part, target[learn], names, prior, 1.0)
        held_out[test] = model.probabilities([texts[i] for i in test], {n: v[test] for n, v in views.items()})
        progress("calibrate", number, _FOLDS)
    right = np.arange(len(target)), target

    def loss(exponent: float) -> float:
        sharp = held_out**exponent
        return float(-np.log((sharp / sharp.sum(axis=1, keepdims=True))[right] + 1e-9).mean())

    return min(_EXPONENTS, key=loss)
