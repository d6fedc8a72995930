"""How well request types are told apart. Rows: ``{"text": …, "type": …}``, optionally with a ``title``."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sklearn.metrics import f1_score

from voicebot.evaluation.routing import baseline_scores


@dataclass(frozen=True, slots=True)
class RequestTypeScores:
    """``macro_f1`` is the mean F1 over the types that occur in the rows."""

    accuracy: float
    macro_f1: float
    n: int
    baseline: dict[str, object]


def evaluate_request_type(
    classify: Callable[[str], str], texts: Sequence[str], labels: Sequence[str]
) -> RequestTypeScores:
    """Score a classifier; ``baseline`` stays empty without training data."""
    predicted = [classify(text) for text in texts]
    right = sum(p == label for p, label in zip(predicted, labels, strict=True))
    macro = f1_score(labels, predicted, labels=sorted(set(labels)), average="macro", zero_division=0)
    return RequestTypeScores(round(right / len(texts), 4), round(float(macro), 4), len(texts), {})


def type_baselines(
    train_texts: Sequence[str], train_labels: Sequence[str], texts: Sequence[str], labels: Sequence[str]
) -> dict[str, object]:
    """The same baselines as for routing."""
    return baseline_scores(train_texts, train_labels, texts, labels)
