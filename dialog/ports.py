"""What the conversation needs from its neighbours in this room: answers, kinds, places to send a ticket.

Every method is synchronous, quick (a few milliseconds) and safe to call from many calls at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from dialog.understanding.reading import Reading
from voicebot.core.ticket import Dispatch, TicketDraft, TicketType


@dataclass(frozen=True, slots=True)
class KnowledgeHit:
    """The best article for a question. ``portions`` are spoken one after the other.

    ``score`` is the probability in [0, 1] that the article answers the question; ``sure`` says
    whether that is enough to speak it. ``owner`` is a department id.
    """

    article_id: str
    title: str
    portions: tuple[str, ...]
    source: str
    owner: str
    score: float
    sure: bool


class KnowledgeBase(Protocol):
    """The city's articles."""

    def search(self, question: str, day: date) -> KnowledgeHit | None:
        """The best speakable article on that day; None when the base holds nothing that comes near."""


class TypeClassifier(Protocol):
    """Tells the six request types apart."""

    def classify(self, text: str) -> tuple[TicketType, float]:
        """The likeliest type of what was said and its probability in [0, 1]."""


class Categoriser(Protocol):
    """Places a matter in the city's three-level table."""

    def categorise(self, text: str) -> tuple[tuple[str, ...], float]:
        """The likeliest path (three levels, or fewer when unsure, or empty) and its probability in [0, 1]."""

    def alike(self, one: str, other: str) -> float:
        """How surely two descriptions are of one kind of matter, in [0, 1]."""


class Router(Protocol):
    """Finds the department and the unit."""

    def route(self, text: str, draft: TicketDraft) -> Dispatch:
        """Where the ticket goes; ``draft`` has its address, type and category already."""


class PendingReading(Protocol):
    """A reading on its way."""

    def take(self, *, wait: bool) -> Reading:
        """The reading, empty when it is not there or went wrong. ``wait`` until its deadline; never raises."""


class TicketReader(Protocol):
    """An optional language model that reads what the rules did not find."""

    def begin(self, said: Sequence[str]) -> PendingReading:
        """Start to read the caller's sentences; returns at once and never raises."""
