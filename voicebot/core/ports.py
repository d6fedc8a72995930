"""The ports between the rooms. Each is the few methods that a neighbour uses, no more.

One contract test per port runs over the fake and over every real implementation.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from voicebot.core.actions import Action, Outcome
from voicebot.core.call import CallEnd, CallStart, HandOffRequest, QueueEntry
from voicebot.core.frames import AudioFrame
from voicebot.core.speech import Expect, HearingContext, Transcript
from voicebot.core.ticket import Near, Ticket, TicketDraft, TicketEvent
from voicebot.core.turn import Turn, TurnEvent


class Clock(Protocol):
    """Time of day and a monotonic clock."""

    def now(self) -> datetime:
        """Current time of day, timezone-aware UTC."""

    def monotonic(self) -> float:
        """Seconds on a clock that never jumps."""


@dataclass(frozen=True, slots=True)
class Played:
    """How much of what was handed to a line has been sent to the far end, in samples since answer.

    ``written`` counts every sample ever handed to `Line.play`, ``heard`` those that left for the
    caller, ``flushed`` those that were thrown away by `Line.flush`.
    """

    written: int
    heard: int
    flushed: int


class Line(Protocol):
    """One answered call, as audio and digits. Audio is 8 kHz mono int16 in both directions."""

    @property
    def start(self) -> CallStart:
        """What is known of the call."""

    def frames(self) -> AsyncIterator[AudioFrame]:
        """The caller's audio, 20 ms at a time, gaps filled; ends when the call is over."""

    def digits(self) -> AsyncIterator[str]:
        """Keys the caller presses (0-9, *, #, A-D), on key down; ends when the call is over."""

    async def play(self, pcm: bytes) -> None:
        """Hand over audio to be sent; waits while the line's own small buffer is full (back-pressure)."""

    def flush(self) -> Played:
        """Throw away what was handed over and not yet sent; at most 40 ms later the wire is silent."""

    def played(self) -> Played:
        """The counts so far."""

    async def transfer(self, target: str) -> str:
        """Blind transfer to a SIP URI or extension; returns answered, busy, no_answer, refused or failed."""

    async def hang_up(self) -> None:
        """End the call; calling it twice does no harm."""

    @property
    def end(self) -> CallEnd | None:
        """Why the call is over; None while it lasts."""


class LineServer(Protocol):
    """Where calls come in."""

    async def start(self) -> None:
        """Listen; raises `LineError` with a remedy when the port is taken."""

    def calls(self) -> AsyncIterator[Line]:
        """Answered calls, as they come; ends after `stop`."""

    async def stop(self) -> None:
        """Take no more calls and release the port."""


class VoiceDetector(Protocol):
    """Speech or not, for one call; keeps its own state."""

    def push(self, pcm: bytes) -> float:
        """Probability in [0, 1] that this 20 ms frame (8 kHz int16) is speech."""

    def reset(self) -> None:
        """Forget everything heard so far."""


class Endpointer(Protocol):
    """Decides when the caller has begun, paused and finished. Pure: positions are its only clock."""

    def push(self, speech: float, position: int, level_dbfs: float | None = None) -> Sequence[TurnEvent]:
        """Take the speech probability and the level of the 20 ms frame at ``position``; return what changed."""

    def expect(self, expects: Expect) -> None:
        """The next answer is of this kind."""

    def hear(self, partial: str, ending: float | None = None, until: int = 0) -> None:
        """The newest partial text of the turn in progress, and how finished it sounds (`Transcript.ending`).

        ``until`` is the sample up to which it was heard.
        """


class RecogniserStream(Protocol):
    """One caller turn on its way to text. No method blocks the event loop."""

    def push(self, frame: AudioFrame) -> None:
        """Take 20 ms of audio; never waits."""

    def speculate(self, speech_end: int | None = None, *, early: bool = False) -> None:
        """A pause began: start a final pass on what was heard so far; ``speech_end`` is where the voice ended.

        ``early``: it may be none, so an engine begins only when that costs nobody anything. What began early is kept
        when the pause is certain, unless the voice ended behind what was heard by then.
        """

    def resume(self) -> None:
        """It was only a pause: throw the speculation away."""

    def partial(self) -> Transcript | None:
        """The newest partial transcript, None when there is none."""

    async def finish(self) -> Transcript:
        """The turn is over: its final transcript. Raises `RecognitionError` or `OverloadError`."""

    def close(self) -> None:
        """Drop the turn; pending work is abandoned. Calling it twice does no harm."""


@dataclass(frozen=True, slots=True)
class RecogniserCapabilities:
    """What an engine can do."""

    name: str
    languages: tuple[str, ...]
    streaming: bool
    partials: bool
    confidence: bool
    local: bool


class Ear(Protocol):
    """What one call hears with; it may learn from what it heard."""

    def open(self, context: HearingContext) -> RecogniserStream:
        """Begin one caller turn."""


class Recogniser(Ear, Protocol):
    """Speech to text for many calls."""

    @property
    def capabilities(self) -> RecogniserCapabilities:
        """What this engine can do."""

    async def start(self) -> None:
        """Load and warm up; raises `ModelError` with a remedy."""

    async def stop(self) -> None:
        """Release threads, memory and connections."""


class Dialog(Protocol):
    """The conversation of one call: words in, actions out. Pure: no audio, no I/O, no clock but the one handed in."""

    def greet(self) -> Sequence[Action]:
        """The call was answered."""

    def hear(self, heard: Transcript) -> Sequence[Action]:
        """The caller finished a turn. An empty text means that nothing could be understood."""

    def press(self, digits: str) -> Sequence[Action]:
        """The caller pressed keys (collected until a pause or #)."""

    def silent(self, silence_ms: float) -> Sequence[Action]:
        """Nobody has spoken for so long; called once per second of silence from the third on."""

    def interrupted(self, spoken: str) -> None:
        """The caller cut in; ``spoken`` is what they really heard of the last reply."""

    def outcome(self, outcome: Outcome) -> Sequence[Action]:
        """How an earlier action went."""

    @property
    def draft(self) -> TicketDraft | None:
        """The ticket as known so far; None before there is one."""

    @property
    def summary(self) -> str:
        """One or two Chinese sentences for the person who takes over."""


class Synthesiser(Protocol):
    """Text to speech."""

    @property
    def name(self) -> str:
        """Engine and voice."""

    async def start(self) -> None:
        """Load and warm up; raises `ModelError` or `SynthesisError` with a remedy."""

    def speak(self, text: str) -> AsyncIterator[bytes]:
        """8 kHz mono int16 PCM of ``text`` in pieces of any even length, the first one early.

        Raises `SynthesisError`; closing the iterator stops the work.
        """

    async def stop(self) -> None:
        """Release threads and memory."""


class CallStore(Protocol):
    """The record of calls. Every method is durable when it returns."""

    async def begin(self, start: CallStart) -> None:
        """A call was answered."""

    async def add_turn(self, call_id: str, turn: Turn) -> None:
        """A turn is complete; writing the same index again replaces it."""

    async def note(self, call_id: str, kind: str, detail: dict[str, object]) -> None:
        """Append an event (action, fault, digit) to the call's log."""

    async def save_draft(self, call_id: str, draft: TicketDraft) -> None:
        """Keep the newest draft of the call's ticket."""

    async def finish(self, call_id: str, end: CallEnd, latency_ms: dict[int, dict[str, float]]) -> None:
        """The call is over."""

    async def mark_cut_off(self) -> int:
        """At start: mark calls that never ended as cut off; returns how many."""


class EarlyCallStore(CallStore, Protocol):
    """A record of calls that does not keep a ringing caller waiting."""

    async def announce(self, start: CallStart) -> None:
        """A call is about to be answered: a killed process leaves it on record. `begin` then makes it durable."""


class QuestionLog(Protocol):
    """Questions that went unanswered, for those who edit the knowledge base."""

    async def add(
        self, tenant: str, call_id: str, question: str, *, nearest_article: str = "", score: float = 0.0
    ) -> None:
        """Keep a question; ``score`` is that of the nearest article."""


class TicketStore(Protocol):
    """The record of tickets."""

    async def file(self, start: CallStart, draft: TicketDraft, sequence: int) -> Ticket:
        """File a ticket; the same call and sequence give the same ticket again (idempotent).

        One that is an addition to an earlier ticket is noted in that one's log as ``supplemented``.
        """

    async def find(self, number: str) -> Ticket | None:
        """A ticket by its number."""

    async def find_by_phone(self, phone: str, limit: int = 5) -> tuple[Ticket, ...]:
        """The newest tickets of a calling number."""

    async def find_by_call(self, call_id: str) -> tuple[Ticket, ...]:
        """The tickets of a call, whoever filed them, in order of their sequence."""

    async def find_near(self, near: Near, limit: int = 20) -> tuple[Ticket, ...]:
        """The newest tickets of the same caller or the same place that nobody has finished."""

    async def append(self, event: TicketEvent) -> None:
        """Add a line to a ticket's log; the log is never changed."""

    async def events(self, number: str) -> tuple[TicketEvent, ...]:
        """A ticket's log, oldest first."""


class AgentQueue(Protocol):
    """Calls that wait for a person."""

    async def join(self, request: HandOffRequest) -> QueueEntry:
        """Take a place; a call that already waits keeps its place."""

    async def claim(self, agent: str, skills: tuple[str, ...]) -> QueueEntry | None:
        """Give the most urgent, longest-waiting call that fits the skills to one agent, exactly once."""

    async def leave(self, call_id: str, *, abandoned: bool, promised: bool = False) -> None:
        """The call is served or the caller gave up; ``promised`` when they were told that somebody calls back."""

    async def waiting(self) -> tuple[QueueEntry, ...]:
        """Those who wait, in order."""

    async def find(self, call_id: str) -> QueueEntry | None:
        """The newest entry of a call, with its place now; None when it never asked for a person."""
