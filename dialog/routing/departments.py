"""Which department is responsible, how sure that is, and on what it rests."""

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np

from dialog.city.nouns import City, UnitLevel
from dialog.embedding import Embedder
from dialog.routing.categories import CategoryClassifier
from dialog.routing.store import ModelStore
from voicebot.core.ticket import Dispatch, TicketDraft

_BUILT_IN = "rules"
_MEANING_WEIGHT = 25.0
_KEYWORD_WEIGHT = 1.5  # for a keyword of two characters; longer ones say more
_MAX_KEYWORDS = 5.0
_CATEGORY_WEIGHT = 3.0
_NAME_WEIGHT = 2.0
_SHARPNESS = 2.2  # makes "80 % sure" right 95 times in 100 on benchmarks/data/dispatch.jsonl
_TRAINED_WEIGHT = 0.7  # of the probability; the rest stays with the catalogue


@dataclass(frozen=True, slots=True)
class _Ground:
    """One thing that speaks for a department."""

    department: int
    points: float
    reason: str
    basis: str


class DepartmentRouter:
    """Weighs the duty catalogue (words and examples), the category's default and names that were spoken.

    What belongs to a department never goes further down than the district: the grass roots do not get what they
    have no power to settle.
    """

    def __init__(self, city: City, embedder: Embedder, folder: Path) -> None:
        self._city = city
        self._embedder = embedder
        self._threshold = city.thresholds.routing_automatic
        self._categories = CategoryClassifier(city, embedder, folder)
        store = ModelStore(folder, "department")
        self._trained, self._version = store.load(), store.current or _BUILT_IN
        self._number = {d.id: i for i, d in enumerate(city.departments)}
        examples = [(number, text) for number, rule in enumerate(city.catalogue) for text in rule.examples]
        self._examples = tuple(examples)
        self._vectors = embedder.sentences([text for _, text in examples], name=f"catalogue-{city.tenant}")
        words = tomllib.loads(files("dialog.routing").joinpath("words.toml").read_text(encoding="utf-8"))
        self._words: dict[str, str] = words["reason"]

    def route(self, text: str, draft: TicketDraft) -> Dispatch:
        """Where the ticket goes; automatic at or above the city's threshold, else with the best two to choose from."""
        grounds = self._grounds(text, draft)
        scores = np.zeros(len(self._city.departments), dtype=np.float64)
        for ground in grounds:
            scores[ground.department] += ground.points
        odds = np.exp(_SHARPNESS * (scores - scores.max()))
        probabilities = odds / odds.sum()
        if self._trained is not None:
            probabilities = self._with_trained(text, probabilities)
        first, second = (int(i) for i in np.argsort(-probabilities, kind="stable")[:2])
        confidence = float(probabilities[first])
        automatic = confidence >= self._threshold
        reason, basis = self._because(first, grounds)
        if not automatic:
            reason += self._words["unsure"].format(confidence=confidence, threshold=self._threshold)
        return Dispatch(
            department=self._city.departments[first].id,
            node=self._city.node_at(draft.address.node, UnitLevel.DISTRICT),
            confidence=round(confidence, 4),
            reason=reason,
            basis=basis,
            model=self._version,
            automatic=automatic,
            alternatives=() if automatic else (self._city.departments[first].id, self._city.departments[second].id),
        )

    def _grounds(self, text: str, draft: TicketDraft) -> list[_Ground]:
        return [*self._by_rules(text), *self._by_category(text, draft), *self._by_name(text)]

    def _by_rules(self, text: str) -> list[_Ground]:
        near = self._vectors @ self._embedder.sentence(text)
        middle = float(near.mean())
        closest: dict[int, tuple[float, str]] = {}
        for (number, example), likeness in zip(self._examples, near, strict=True):
            if likeness > closest.get(number, (0.0, ""))[0]:
                closest[number] = (float(likeness), example)
        best: dict[int, _Ground] = {}
        for number, rule in enumerate(self._city.catalogue):
            said = [keyword for keyword in rule.keywords if keyword in text]
            department = self._number[rule.department]
            name, basis = self._city.departments[department].name, f"{rule.id} {rule.basis}"
            words = min(_KEYWORD_WEIGHT * sum(len(word) - 1 for word in said), _MAX_KEYWORDS)
            likeness, example = closest.get(number, (middle, ""))
            points = words + _MEANING_WEIGHT * (likeness - middle)
            if points > best.get(department, _Ground(department, 0.0, "", "")).points:
                template = self._words["rule" if said else "example"]
                reason = template.format(words="、".join(said), example=example, rule=rule.id, department=name)
                best[department] = _Ground(department, points, reason, basis)
        return list(best.values())

    def _by_category(self, text: str, draft: TicketDraft) -> list[_Ground]:
        known = self._city.category_by_path.get(draft.category)
        if known is not None:
            shares = {known: 1.0}
        else:
            probabilities = self._categories.probabilities(text)
            shares = {self._city.categories[int(i)]: float(probabilities[i]) for i in np.argsort(-probabilities)[:8]}
        totals: dict[int, tuple[float, str]] = {}
        for category, share in shares.items():
            department = self._number[category.department]
            points, name = totals.get(department, (0.0, category.level3))
            totals[department] = (points + share * _CATEGORY_WEIGHT, name)
        return [
            _Ground(
                department,
                points,
                self._words["category"].format(category=name, department=self._city.departments[department].name),
                "",
            )
            for department, (points, name) in totals.items()
        ]

    def _by_name(self, text: str) -> list[_Ground]:
        return [
            _Ground(i, _NAME_WEIGHT, self._words["name"].format(department=department.name), "")
            for i, department in enumerate(self._city.departments)
            if any(name in text for name in (department.name, *department.aliases))
        ]

    def _with_trained(self, text: str, built_in: np.ndarray) -> np.ndarray:
        assert self._trained is not None  # noqa: S101  the caller asked
        learnt = np.zeros(len(built_in))
        for label, probability in self._trained.best(text, self._embedder):
            if label in self._number:
                learnt[self._number[label]] = probability
        return (1 - _TRAINED_WEIGHT) * built_in + _TRAINED_WEIGHT * learnt

    def _because(self, department: int, grounds: list[_Ground]) -> tuple[str, str]:
        mine = sorted((g for g in grounds if g.department == department), key=lambda g: -g.points)
        basis = next((g.basis for g in mine if g.basis), "")
        if mine:
            return mine[0].reason, basis
        return self._words["trained"].format(department=self._city.departments[department].name), basis
