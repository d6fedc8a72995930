"""What the desk asks of those who know the city: answers, next questions, a ticket made complete."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from voicebot.core.ticket import TicketDraft


@dataclass(frozen=True, slots=True)
class Passage:
    """A knowledge article as an agent reads it. ``score`` in [0, 1] is how likely it answers."""

    article_id: str
    title: str
    text: str
    source: str
    owner: str
    score: float


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What to say next: a question for what is missing, or a reply that rests on the article ``source``."""

    kind: str
    text: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """Something to choose from: a department, a category."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Service:
    """Something that can be asked for: a leaf of the city's categories."""

    id: str
    path: tuple[str, ...]

    @property
    def name(self) -> str:
        """The narrowest level."""
        return self.path[-1]

    @property
    def group(self) -> str:
        """The widest level."""
        return self.path[0]


@dataclass(frozen=True, slots=True)
class ArticleLine:
    """A knowledge article in a list; ``state`` says in Chinese whether it may be spoken today."""

    id: str
    title: str
    owner: str
    version: int
    valid_to: date
    state: str
    speakable: bool
    questions: int


class DeskHelp(Protocol):
    """Knowledge and wordings of the city. Every method takes some tens of milliseconds of CPU; call it in a thread."""

    def search(self, question: str, limit: int) -> Sequence[Passage]:
        """The articles that come nearest, best first; expired ones never."""

    def suggest(self, draft: TicketDraft, said: Sequence[str]) -> Sequence[Suggestion]:
        """What the agent could ask or say next; ``said`` are the caller's sentences, oldest first."""

    def complete(self, draft: TicketDraft) -> TicketDraft:
        """The draft with title, summary, category and department filled in where they are missing."""

    def departments(self) -> Sequence[Choice]:
        """Who may get a ticket."""

    def articles(self) -> Sequence[ArticleLine]:
        """Every article of the city, those that are not spoken first."""

    def services(self) -> Sequence[Service]:
        """What can be asked for."""
