"""Finds articles that may contradict each other: nearly the same question, another owner or another answer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dialog.city.nouns import Article
from dialog.embedding import Embedder

NEAR = 0.965  # cosine; two ways to ask the same thing mostly lie above, two matters of one kind mostly below


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two articles that answer nearly the same question."""

    first: Article
    second: Article
    questions: tuple[str, str]
    likeness: float
    owners_differ: bool


def find_conflicts(articles: Sequence[Article], embedder: Embedder, tenant: str) -> tuple[Conflict, ...]:
    """Each pair of articles at most once, with its nearest questions, the nearest pair first."""
    owner = [n for n, article in enumerate(articles) for _ in (article.title, *article.questions)]
    texts = [text for article in articles for text in (article.title, *article.questions)]
    if not texts:
        return ()
    vectors = embedder.sentences(texts, name=f"questions-{tenant}")
    likeness = vectors @ vectors.T
    found: dict[tuple[int, int], Conflict] = {}
    for i, j in np.argwhere(np.triu(likeness, 1) >= NEAR):
        pair, near = (owner[i], owner[j]), float(likeness[i, j])
        if pair[0] == pair[1] or (pair in found and found[pair].likeness >= near):
            continue
        first, second = articles[pair[0]], articles[pair[1]]
        if first.owner == second.owner and first.portions == second.portions:
            continue
        found[pair] = Conflict(first, second, (texts[i], texts[j]), near, first.owner != second.owner)
    return tuple(sorted(found.values(), key=lambda conflict: -conflict.likeness))
