"""How well questions find their articles, and how well the bot knows that it does not know.

Rows: ``{"question": text, "article": id or null}``; null means that nothing should be answered.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from dialog.knowledge.index import KnowledgeIndex


@dataclass(frozen=True, slots=True)
class KnowledgeRow:
    """A question and the id of the article that answers it, None when none does."""

    question: str
    article: str | None


@dataclass(frozen=True, slots=True)
class KnowledgeScores:
    """``r1`` and ``r3`` over the answerable rows, before abstaining; abstaining over all rows.

    ``answered_right`` is the share of the answers given aloud that were the right article.
    """

    r1: float
    r3: float
    abstain_precision: float
    abstain_recall: float
    answered_right: float
    n: int
    misses: tuple[dict[str, object], ...]


def evaluate_knowledge(index: KnowledgeIndex, rows: Sequence[KnowledgeRow], day: date) -> KnowledgeScores:
    """Ask every question as on ``day``."""
    first = third = abstained = rightly = spoken = right = 0
    misses: list[dict[str, object]] = []
    for row in rows:
        hits = index.ranked(row.question, day, 3)
        found = [hit.article_id for hit in hits]
        sure = bool(hits) and hits[0].sure
        if row.article is not None:
            first += found[:1] == [row.article]
            third += row.article in found
        abstained += not sure
        rightly += not sure and row.article is None
        spoken += sure
        right += sure and found[:1] == [row.article]
        if sure != (row.article is not None) or (sure and found[0] != row.article):
            score = round(hits[0].score, 3) if hits else 0.0
            misses.append({"question": row.question, "article": row.article, "found": found, "score": score})
    answerable = sum(row.article is not None for row in rows)
    return KnowledgeScores(
        r1=_share(first, answerable),
        r3=_share(third, answerable),
        abstain_precision=_share(rightly, abstained),
        abstain_recall=_share(rightly, len(rows) - answerable),
        answered_right=_share(right, spoken),
        n=len(rows),
        misses=tuple(misses),
    )


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
