"""What the city already knows about its matters, as numbers that a small training set can build on.

A group is a branch of the table (or a request type): the words it is known by and the meanings of its examples.
A text gets, for each group, how many of its words it says and how near it comes to its examples. A sector is a field of
public affairs with its everyday vocabulary, the same in every city: it lets a model recognise words that its few
training texts never used.
"""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from dialog.city.nouns import City
from dialog.embedding import Embedder

Floats = npt.NDArray[np.float32]
_SHARPNESS = 60.0  # e5 cosines of short sentences differ by hundredths
_FLOOR = 1e-3


class Prior:
    """Groups of weighted patterns and of example vectors (examples, 384), and the words of each sector.

    Kept with the model that was built on it.
    """

    def __init__(
        self,
        patterns: Sequence[tuple[int, float, str]],
        vectors: Floats,
        owner: Sequence[int],
        sectors: Sequence[Sequence[str]] = (),
    ) -> None:
        self.patterns = tuple(patterns)
        self.vectors = vectors
        self.owner = tuple(owner)
        self.sectors = tuple(tuple(words) for words in sectors)
        self._compiled = [(group, weight, re.compile(pattern)) for group, weight, pattern in self.patterns]
        self._groups = 1 + max((*self.owner, *(group for group, _, _ in self.patterns)))
        self._member = np.zeros((len(self.owner), self._groups), dtype=np.float32)
        self._member[np.arange(len(self.owner)), list(self.owner)] = 1.0

    @property
    def has_examples(self) -> bool:
        """Is there anything to be near to?"""
        return bool(self.owner)

    def words(self, text: str) -> Floats:
        """The words said of each group, shape (groups,)."""
        counts = np.zeros(self._groups, dtype=np.float32)
        for group, weight, pattern in self._compiled:
            if pattern.search(text):
                counts[group] += weight
        return np.log1p(counts)

    def sector_words(self, text: str) -> Floats:
        """How much each sector's words are said, longer words counting for more, shape (sectors,)."""
        said = [sum((len(word) - 1) * text.count(word) for word in words) for words in self.sectors]
        return np.log1p(np.array(said, dtype=np.float32))

    def nearness(self, vector: Floats) -> Floats:
        """The logarithm of the share of each group among the examples that lie near, shape (groups,)."""
        cosines = _SHARPNESS * (self.vectors @ vector)
        odds = np.exp(cosines - cosines.max())
        return np.asarray(np.log(odds @ self._member / odds.sum() + _FLOOR), dtype=np.float32)


def table_prior(city: City, embedder: Embedder) -> Prior:
    """One group for each branch of the second level of the city's table, and the sectors of every city."""
    branches = sorted({c.path[:2] for c in city.categories})
    owner = [branches.index(c.path[:2]) for c in city.categories]
    patterns = [
        (group, float(len(word) - 1), re.escape(word))
        for category, group in zip(city.categories, owner, strict=True)
        for word in (category.level3, *category.keywords)
        if len(word) > 1
    ]
    table = tomllib.loads(files("dialog.routing").joinpath("sectors.toml").read_text(encoding="utf-8"))
    sectors = [words.split() for words in table["words"].values()]
    return Prior(patterns, category_vectors(city, embedder), owner, sectors)


def category_vectors(city: City, embedder: Embedder) -> Floats:
    """The meaning of each leaf of the city's table, shape (leaves, 384)."""
    texts = [f"{c.level3}：{'、'.join(c.keywords)}" if c.keywords else f"{c.level2}{c.level3}" for c in city.categories]
    return embedder.sentences(texts, name=f"categories-{city.tenant}")


@dataclass(frozen=True, slots=True)
class TypeRule:
    """How a request type is told by its wordings and examples."""

    name: str
    weight: float
    patterns: tuple[str, ...]
    examples: tuple[str, ...]
    head_start: float = 0.0


def type_rules() -> tuple[TypeRule, ...]:
    """One rule for each of the six request types."""
    text = files("dialog.routing").joinpath("request_types.toml").read_text(encoding="utf-8")
    return tuple(
        TypeRule(row["name"], row["weight"], tuple(row["patterns"]), tuple(row["examples"]), row.get("head_start", 0.0))
        for row in tomllib.loads(text)["type"]
    )


def type_prior() -> Prior:
    """One group for each wording of the rules; no examples, which tell the matter rather than the type."""
    wordings = [wording for rule in type_rules() for wording in rule.patterns]
    patterns = [(group, 1.0, wording) for group, wording in enumerate(wordings)]
    return Prior(patterns, np.empty((0, 384), dtype=np.float32), ())
