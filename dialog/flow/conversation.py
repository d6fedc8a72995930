"""What every step of the conversation works with: the tools, the memory, and ways to say something."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from dialog import handoff
from dialog.city.nouns import City
from dialog.flow.states import TABLE, State
from dialog.memory import Memory
from dialog.ports import Categoriser, KnowledgeBase, Router, TicketReader, TypeClassifier
from dialog.settings import DialogSettings
from dialog.texts import Texts
from dialog.ticket.extractor import Found, TicketExtractor
from dialog.understanding.danger_model import DangerModel, Vectorise
from dialog.understanding.emergencies import EmergencyFinder
from dialog.understanding.english import EnglishReader
from dialog.understanding.intents import Intent, IntentFinder
from dialog.understanding.refusals import RefusalFinder
from voicebot.core.actions import Action, Ask, Say
from voicebot.core.call import CallStart, HandOffReason
from voicebot.core.speech import DialectNotice, Expect
from voicebot.language.spoken_numbers import find_phone


@dataclass(frozen=True)
class DialogTools:
    """What all calls of a city share. Made once at start; safe for many calls at once."""

    city: City
    knowledge: KnowledgeBase
    router: Router
    types: TypeClassifier
    categories: Categoriser
    settings: DialogSettings
    now: Callable[[], datetime]
    intents: IntentFinder
    emergencies: EmergencyFinder
    english: EnglishReader
    refusals: RefusalFinder
    extractor: TicketExtractor
    texts: dict[str, Texts]
    record: Texts
    reader: TicketReader | None = None

    @classmethod
    def build(
        cls,
        city: City,
        knowledge: KnowledgeBase,
        router: Router,
        types: TypeClassifier,
        categories: Categoriser,
        settings: DialogSettings,
        now: Callable[[], datetime],
        vectorise: Vectorise | None = None,
        reader: TicketReader | None = None,
    ) -> "DialogTools":
        """Build the rules around what other rooms hand in. ``now`` gives timezone-aware time of day.

        ``vectorise`` (a sentence's embedding) gives danger a second ear; without it phrases alone decide. ``reader``
        (a language model) looks for what the extractor did not find; without it the rules work alone.
        """
        intents = IntentFinder()
        return cls(
            city=city,
            knowledge=knowledge,
            router=router,
            types=types,
            categories=categories,
            settings=settings,
            now=now,
            intents=intents,
            emergencies=EmergencyFinder(DangerModel(vectorise) if vectorise else None),
            english=EnglishReader(city),
            refusals=RefusalFinder(),
            extractor=TicketExtractor(city, intents),
            texts={"zh": Texts("zh", city.prompts, hotline=city.hotline), "en": Texts("en", hotline=city.hotline)},
            record=Texts("record"),
            reader=reader,
        )


@dataclass(frozen=True, slots=True)
class Heard:
    """One caller turn, understood as far as it goes without its state."""

    text: str
    intents: frozenset[Intent]
    confidence: float = 1.0
    said: str = ""  # the English sentence, when ``text`` is its Chinese rendering


@dataclass(slots=True)
class Conversation:
    """One call: its start, its memory, the shared tools."""

    tools: DialogTools
    start: CallStart
    memory: Memory = field(default_factory=Memory)

    @property
    def line_phone(self) -> str:
        """The calling number when it is one that can be called back."""
        return find_phone(self.start.caller_number, Expect.DIGITS) or ""

    @property
    def texts(self) -> Texts:
        """The wordings in the caller's language."""
        return self.tools.texts[self.memory.language]

    def find(self, text: str, expects: Expect = Expect.ANYTHING) -> Found:
        """What a sentence says of a ticket."""
        return self.tools.extractor.find(text, self.tools.now(), expects)

    def words(self, key: str, **values: str) -> str:
        """The next wording of a key."""
        turn = self.memory.used[key]
        self.memory.used[key] += 1
        return self.texts.get(key, turn, **values)

    def say(self, key: str, *, interruptible: bool = True, **values: str) -> Say:
        """A sentence that asks nothing."""
        return Say(self.words(key, **values), key=key, interruptible=interruptible)

    def ask(self, key: str, state: State, **values: str) -> Ask:
        """A question; from here on the conversation stands in ``state``."""
        return self.ask_text(self.words(key, **values), key, state)

    def ask_text(self, text: str, key: str, state: State) -> Ask:
        """The same with words that were put together."""
        self.memory.state = state
        secret = state is State.STATUS_IDENTITY and self.tools.settings.pause_recording
        return Ask(text, expects=TABLE[state].expects, key=key, secret=secret)

    def hand_off(self, reason: HandOffReason, key: str, skill: str = "general") -> list[Action]:
        """Say so and put the call into the human queue."""
        self.memory.state = State.QUEUED
        if self.memory.language == "en" and skill == "general":
            skill = "english"
        return [self.say(key), handoff.hand_off(self.memory, self.tools.record, reason, skill)]

    def hand_off_to_dialect(self, notice: DialectNotice) -> list[Action]:
        """Say so in the dialect pack's own words and ask for a person with its skill."""
        self.memory.state = State.QUEUED
        hand = handoff.hand_off(self.memory, self.tools.record, HandOffReason.DIALECT, notice.seat_skill)
        return [self.say_dialect(notice), hand]

    @staticmethod
    def say_dialect(notice: DialectNotice) -> Say:
        """What a caller is told about their dialect; the words come from its pack."""
        return Say(notice.text, key="dialect")

    def change_draft(self, **changes: object) -> None:
        """Replace fields of the ticket in hand."""
        assert self.memory.draft is not None  # noqa: S101  steps that change a draft have one
        self.memory.draft = replace(self.memory.draft, **changes)  # type: ignore[arg-type]
