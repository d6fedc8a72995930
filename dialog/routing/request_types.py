"""The request type: 咨询 求助 投诉 举报 建议 表扬. By rules and examples until a model has been trained."""

import re
from pathlib import Path

import numpy as np

from dialog.city.nouns import City
from dialog.embedding import Embedder
from dialog.routing.prior import type_rules
from dialog.routing.store import ModelStore
from voicebot.core.ticket import TicketType

_MEANING_WEIGHT = 10.0  # e5 cosines of short sentences differ by hundredths
_RULE_WEIGHT = 1.3


class RequestTypeClassifier:
    """Tells the request types apart; uses the trained model of ``folder`` when there is one."""

    def __init__(self, city: City, embedder: Embedder, folder: Path) -> None:
        self._embedder = embedder
        self._trained = ModelStore(folder, "type").load()
        rules = type_rules()
        self._types = tuple(TicketType(rule.name) for rule in rules)
        self._rules = [(rule.weight, [re.compile(pattern) for pattern in rule.patterns]) for rule in rules]
        self._head_start = np.array([rule.head_start for rule in rules])
        examples = [(number, text) for number, rule in enumerate(rules) for text in rule.examples]
        self._owner = np.array([number for number, _ in examples])
        self._vectors = embedder.sentences([text for _, text in examples], name="request-types")

    def classify(self, text: str) -> tuple[TicketType, float]:
        """The likeliest type of what was said and its probability in [0, 1]."""
        if self._trained is not None:
            label, probability = self._trained.best(text, self._embedder)[0]
            return TicketType(label), probability
        near = np.full(len(self._types), -1.0, dtype=np.float32)
        np.maximum.at(near, self._owner, self._vectors @ self._embedder.sentence(text))
        rules = np.array([w * sum(p.search(text) is not None for p in patterns) for w, patterns in self._rules])
        scores = _MEANING_WEIGHT * (near - near.mean()) + _RULE_WEIGHT * rules + self._head_start
        odds = np.exp(scores - scores.max())
        best = int(odds.argmax())
        return self._types[best], float(odds[best] / odds.sum())
