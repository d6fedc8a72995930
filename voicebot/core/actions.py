"""What a dialog wants done, and what it is told about the outcome. A dialog itself does no I/O."""

from dataclasses import dataclass

from voicebot.core.call import HandOffReason
from voicebot.core.speech import Expect
from voicebot.core.ticket import Near, Ticket, TicketDraft


@dataclass(frozen=True, slots=True)
class Say:
    """Speak a text. ``key`` names the text in the city's data, ``source`` the knowledge article it rests on.

    A mandatory notice (``interruptible=False``) is spoken to its end whatever the caller does.
    """

    text: str
    key: str = ""
    interruptible: bool = True
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """Speak a question and listen for the kind of answer it expects.

    A ``secret`` answer is left out of the recording.
    """

    text: str
    expects: Expect = Expect.ANYTHING
    key: str = ""
    interruptible: bool = True
    secret: bool = False


@dataclass(frozen=True, slots=True)
class FileTicket:
    """File a confirmed ticket; the dialog hears of it through `TicketFiled` or `FilingFailed`."""

    draft: TicketDraft
    sequence: int = 1


@dataclass(frozen=True, slots=True)
class LookUpTickets:
    """Find earlier tickets by number, by calling number, or near a matter; answered by `TicketsFound`."""

    number: str = ""
    phone: str = ""
    near: Near | None = None


@dataclass(frozen=True, slots=True)
class HandOff:
    """Put the call into the human queue; answered by `HandOffQueued` or `HandOffFailed`."""

    reason: HandOffReason
    skill: str = "general"
    priority: int = 5
    summary: str = ""
    emergency: str = ""


@dataclass(frozen=True, slots=True)
class Rate:
    """The caller rated the call, 1 (worst) to 5 (best)."""

    stars: int


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call after what is being said has been heard."""

    reason: str = "done"


@dataclass(frozen=True, slots=True)
class NoteUnanswered:
    """The knowledge base has no sure answer: the editors should see the question."""

    question: str
    nearest_article: str = ""
    score: float = 0.0


Action = Say | Ask | FileTicket | LookUpTickets | HandOff | Rate | NoteUnanswered | HangUp


@dataclass(frozen=True, slots=True)
class TicketFiled:
    """The ticket is in the database."""

    ticket: Ticket


@dataclass(frozen=True, slots=True)
class FilingFailed:
    """The ticket could not be stored; its draft is kept with the call."""

    sequence: int
    code: str


@dataclass(frozen=True, slots=True)
class TicketsFound:
    """Earlier tickets, newest first; empty when there are none or the look-up failed."""

    tickets: tuple[Ticket, ...]
    failed: bool = False


@dataclass(frozen=True, slots=True)
class HandOffQueued:
    """The call waits for a person; ``position`` counts from 1, ``wait_s`` is the expected wait where one is known."""

    position: int
    wait_s: float | None = None


@dataclass(frozen=True, slots=True)
class HandOffFailed:
    """The queue could not take the call."""

    code: str


@dataclass(frozen=True, slots=True)
class HandOffTaken:
    """A person has taken the call: it is put through now, or they will call back from a telephone of their own.

    ``at_once``: they are on the line this moment, with nothing left to announce.
    """

    put_through: bool
    at_once: bool = False


@dataclass(frozen=True, slots=True)
class HandOffReturned:
    """The person who spoke with the caller has given the call back; ``tickets`` are those of this call by now."""

    tickets: tuple[Ticket, ...] = ()


@dataclass(frozen=True, slots=True)
class QueueMoved:
    """A call that waits for a person has another place by now; both as in `HandOffQueued`."""

    position: int
    wait_s: float | None = None


Outcome = (
    TicketFiled
    | FilingFailed
    | TicketsFound
    | HandOffQueued
    | HandOffFailed
    | HandOffTaken
    | HandOffReturned
    | QueueMoved
)
