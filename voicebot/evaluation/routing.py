"""How well a trained router places texts. Rows: ``{"text": …, "category": …}``, optionally with a ``title``."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dialog.embedding import Embedder
from dialog.routing.trained import TrainedClassifier
from voicebot.evaluation import baselines

_PRECISION = 0.95


@dataclass(frozen=True, slots=True)
class RoutingScores:
    """``coverage_at_95`` is the share of texts above the lowest confidence at which 95 % of them are right."""

    accuracy: float
    top2: float
    coverage_at_95: float
    n: int
    baseline: dict[str, object]


def evaluate_routing(
    model: TrainedClassifier, embedder: Embedder, texts: Sequence[str], labels: Sequence[str]
) -> RoutingScores:
    """Score the model; `baseline_scores` fills in ``baseline``."""
    ranked = [model.best(text, embedder) for text in texts]
    right = np.array([best[0][0] == label for best, label in zip(ranked, labels, strict=True)])
    second = [label in (best[0][0], best[1][0]) for best, label in zip(ranked, labels, strict=True)]
    confidence = np.array([best[0][1] for best in ranked])
    return RoutingScores(
        accuracy=round(float(right.mean()), 4),
        top2=round(float(np.mean(second)), 4),
        coverage_at_95=coverage(right, confidence),
        n=len(texts),
        baseline={},
    )


def coverage(right: np.ndarray, confidence: np.ndarray) -> float:
    """The largest share of the surest texts of which at least 95 % are right."""
    order = np.argsort(-confidence, kind="stable")
    precision = np.cumsum(right[order]) / np.arange(1, len(right) + 1)
    enough = np.flatnonzero(precision >= _PRECISION)
    return round(float((enough[-1] + 1) / len(right)), 4) if len(enough) else 0.0


def baseline_scores(
    train_texts: Sequence[str], train_labels: Sequence[str], texts: Sequence[str], labels: Sequence[str]
) -> dict[str, object]:
    """Accuracy of the best baseline (TF-IDF with a linear SVC) and of each simpler one."""

    def accuracy(predicted: Sequence[str]) -> float:
        return round(float(np.mean([p == label for p, label in zip(predicted, labels, strict=True)])), 4)

    svc = accuracy(baselines.linear_svc(train_texts, train_labels, texts))
    return {
        "accuracy": svc,
        "tfidf_svc": svc,
        "keywords": accuracy(baselines.keyword_rules(train_texts, train_labels, texts)),
        "majority": accuracy(baselines.majority(train_labels, texts)),
    }
