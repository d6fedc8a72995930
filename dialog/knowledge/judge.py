"""Decides whether the best article really answers what was said, or whether it is better to abstain.

Meaning alone does not tell (AUC .955 on benchmarks/data/knowledge_questions.jsonl). So the likeness to the article is
set against the likeness to the next article and to things that articles cannot answer, and joined with shared words and
with whether the caller asks or reports something.
"""

import math
import re
import tomllib
from dataclasses import dataclass
from importlib.resources import files

_FILES = files("dialog.knowledge")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for the best article.

    ``near``, ``next_best`` and ``elsewhere`` are likenesses in meaning, in [-1, 1], to the article, to the next one and
    to what no article answers, ``shared`` is a share in [0, 1].
    """

    near: float
    next_best: float
    elsewhere: float
    shared: float
    asks: bool
    procedure: bool
    reports: int
    other: bool

    def features(self) -> tuple[float, ...]:
        """The numbers that the weights apply to."""
        ahead, lead = self.near - self.next_best, self.near - self.elsewhere
        return (self.near, ahead, lead, self.shared, self.asks, self.procedure, self.reports, self.other)


# Logistic regression, made by benchmarks/fit_knowledge_judge.py
WEIGHTS = (-11.691, 7.301, 9.679, 13.028, 1.077, -0.259, 0.024, -2.873)
INTERCEPT = 0.651


def probability(evidence: Evidence) -> float:
    """The probability in [0, 1] that the article answers."""
    z = INTERCEPT + sum(w * x for w, x in zip(WEIGHTS, evidence.features(), strict=True))
    return 1.0 / (1.0 + math.exp(-z))


def elsewhere_examples() -> tuple[str, ...]:
    """Things people say that no article answers."""
    return tuple(tomllib.loads(_FILES.joinpath("elsewhere.toml").read_text(encoding="utf-8"))["examples"])


class Manner:
    """Tells by the wording whether somebody asks, asks for a procedure, reports something, or wants something else."""

    def __init__(self) -> None:
        signs = tomllib.loads(_FILES.joinpath("signs.toml").read_text(encoding="utf-8"))
        self._signs = {kind: [re.compile(p) for p in patterns] for kind, patterns in signs.items()}

    def count(self, kind: str, text: str) -> int:
        """How many of the signs of a kind the text shows."""
        return sum(sign.search(text) is not None for sign in self._signs[kind])
