"""Neighbours of the conversation that answer from small tables."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from dialog.ports import KnowledgeHit
from voicebot.core.ticket import Dispatch, TicketDraft, TicketType


@dataclass
class FakeKnowledge:
    """Answers when a word of its table stands in the question."""

    articles: Mapping[str, KnowledgeHit] = field(default_factory=dict)

    def search(self, question: str, day: date) -> KnowledgeHit | None:
        return next((hit for word, hit in self.articles.items() if word in question), None)


@dataclass
class FakeTypes:
    """One type for everything."""

    kind: TicketType = TicketType.HELP
    probability: float = 0.9

    def classify(self, text: str) -> tuple[TicketType, float]:
        return self.kind, self.probability


@dataclass
class FakeCategories:
    """One category for everything."""

    path: tuple[str, ...] = ("城市管理", "市政设施", "路灯")
    probability: float = 0.9

    def categorise(self, text: str) -> tuple[tuple[str, ...], float]:
        return self.path, self.probability

    def alike(self, one: str, other: str) -> float:
        shared = set(one) & set(other)
        return 2 * len(shared) / (len(set(one)) + len(set(other)))


@dataclass
class FakeRouter:
    """One department for everything."""

    department: str = "urban"
    automatic: bool = True

    def route(self, text: str, draft: TicketDraft) -> Dispatch:
        return Dispatch(self.department, node=draft.address.node, confidence=0.9, automatic=self.automatic)


def article(*portions: str, sure: bool = True, article_id: str = "a1") -> KnowledgeHit:
    return KnowledgeHit(article_id, "题目", portions, "来源", "urban", 0.9 if sure else 0.2, sure)
