"""Holds a conversation in text: the caller's sentences in, what the bot did out."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from dialog.city import load_city
from dialog.city.nouns import City
from dialog.flow import DialogTools, HotlineDialog
from dialog.ports import KnowledgeHit
from dialog.settings import DialogSettings
from tests.fakes.dialog import FakeCategories, FakeKnowledge, FakeRouter, FakeTypes, article
from voicebot.core.actions import (
    Action,
    Ask,
    FileTicket,
    HandOff,
    HandOffQueued,
    LookUpTickets,
    Say,
    TicketFiled,
    TicketsFound,
)
from voicebot.core.call import CallStart, Channel
from voicebot.core.speech import Transcript
from voicebot.core.ticket import Ticket, TicketDraft, TicketState

NOW = datetime(2026, 11, 25, 2, tzinfo=UTC)  # ten o'clock on a Wednesday in Luoyang
CALLER = "13800138000"
ONE_BREATH = "我在涧西区南昌路三号院，路灯坏了三天了，你们管不管"
ARTICLES: Mapping[str, KnowledgeHit] = {
    "身份证": article("身份证丢了可以到派出所补办。", "请带上户口本。", "工本费四十元。", article_id="idcard"),
    "护照": article("护照在出入境窗口办。", article_id="passport"),
    "公积金": article("不该说出来。", sure=False),
}


@cache
def example_city() -> City:
    return load_city(Path(__file__).resolve().parent.parent.parent / "cities" / "luoyang")


@cache
def _rules() -> DialogTools:
    return DialogTools.build(
        example_city(),
        FakeKnowledge(ARTICLES),
        FakeRouter(),
        FakeTypes(),
        FakeCategories(),
        DialogSettings(),
        lambda: NOW,
    )


def tools() -> DialogTools:
    return _rules()


class Talk:
    """One call. ``did`` holds every action, those that follow from filing and queueing included."""

    def __init__(self, number: str = CALLER, using: DialogTools | None = None, *, files: bool = True) -> None:
        self.dialog = HotlineDialog(using or tools(), CallStart("c1", Channel.SIP, NOW, "luoyang", number))
        self.did: list[Action] = []
        self.files = files
        self.answers = TicketsFound(())  # what the record knows near a matter
        self.take(self.dialog.greet())

    def take(self, actions: Sequence[Action]) -> list[Action]:
        """Play the machine: file what is to be filed, queue what is handed over."""
        done: list[Action] = []
        for action in actions:
            done.append(action)
            if isinstance(action, FileTicket) and self.files:
                done += self.take(self.dialog.outcome(TicketFiled(ticket(action.draft, action.sequence))))
            if isinstance(action, LookUpTickets) and action.near is not None:
                done += self.take(self.dialog.outcome(self.answers))
            if isinstance(action, HandOff) and self.files:
                done += self.take(self.dialog.outcome(HandOffQueued(1)))
        self.did += done
        return done

    def say(self, *sentences: str, confidence: float = 1.0) -> list[Action]:
        """The caller says this; returns what the bot did about the last sentence."""
        done: list[Action] = []
        for text in sentences:
            done = self.take(self.dialog.hear(Transcript(text, text, 0, 0, confidence=(confidence,) * len(text))))
        return done

    @property
    def drafts(self) -> list[TicketDraft]:
        """Tickets filed so far."""
        unique = {a.sequence: a.draft for a in self.did if isinstance(a, FileTicket)}
        return list(unique.values())


def ticket(draft: TicketDraft, sequence: int = 1, number: str = "") -> Ticket:
    return Ticket(
        number or f"LY20261125000{sequence}", "c1", sequence, "luoyang", "sip", NOW, TicketState.ACCEPTED, draft
    )


def words(actions: Sequence[Action]) -> str:
    return "".join(action.text for action in actions if isinstance(action, Say | Ask))


def keys(actions: Sequence[Action]) -> list[str]:
    return [action.key for action in actions if isinstance(action, Say | Ask)]
