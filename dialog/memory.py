"""What a conversation remembers. The only thing about a call that changes; one per call, used by one task."""

from collections import Counter, deque
from dataclasses import dataclass, field

from dialog.flow.states import State
from dialog.ports import KnowledgeHit, PendingReading
from voicebot.core.actions import Action
from voicebot.core.call import HandOffReason
from voicebot.core.ticket import Address, Ticket, TicketDraft


@dataclass(slots=True)
class Memory:
    """State, draft, and everything said that still matters."""

    state: State = State.LISTENING
    language: str = "zh"
    draft: TicketDraft | None = None
    earlier: TicketDraft | None = None  # the last ticket of this call that was filed
    sequence: int = 0  # tickets of this call that were filed or are being filed
    filed: list[str] = field(default_factory=list)
    topics: deque[str] = field(default_factory=lambda: deque(maxlen=5))  # what waits its turn; a sixth topic is dropped
    said: deque[str] = field(default_factory=lambda: deque(maxlen=40))  # caller's sentences, for the summary
    turns: int = 0
    failures: int = 0  # turns in a row that led nowhere
    abuses: int = 0
    asked: Counter[str] = field(default_factory=Counter)  # questions of the ticket in hand, by key
    used: Counter[str] = field(default_factory=Counter)  # wordings, by key, to vary them
    last_reply: tuple[Action, ...] = ()
    unheard_number: str = ""  # a ticket number that the caller talked over
    hit: KnowledgeHit | None = None
    portions: deque[str] = field(default_factory=lambda: deque(maxlen=64))  # articles are far shorter
    question: str = ""
    tickets: tuple[Ticket, ...] = ()
    looked_up: str = ""
    reading: PendingReading | None = None  # of the ticket in hand
    told: deque[str] = field(default_factory=lambda: deque(maxlen=20))  # what was said of the ticket in hand
    requests: int = 0  # readings of this call
    repeated: Ticket | None = None  # an earlier ticket that this one may belong to
    handed_off: HandOffReason | None = None
    emergency: str = ""
    served: bool = False  # a person has seen to the caller
    waiting: bool = False
    prompts: int = 0
    prompted_ms: float = 0.0
    silence_ms: float = 0.0

    def forget_ticket(self) -> None:
        """The ticket in hand is done; what was asked for it is asked again for the next."""
        self.earlier, self.draft, self.repeated = self.draft or self.earlier, None, None
        self.reading = None
        self.told.clear()
        self.asked.clear()

    @property
    def previous_address(self) -> Address | None:
        """The place of the last ticket, when it had one."""
        return self.earlier.address if self.earlier is not None and self.earlier.address.spoken else None
