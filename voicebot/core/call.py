"""A call from answer to end, and what a person needs to know when it is handed over."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from voicebot.core.ticket import TicketDraft
from voicebot.core.turn import Turn


class Channel(StrEnum):
    """The way a call came in."""

    SIP = "sip"
    WEBRTC = "webrtc"
    AUDIOSOCKET = "audiosocket"
    WEBSOCKET = "websocket"
    WAV = "wav"
    API = "api"


class CallEnd(StrEnum):
    """Why a call is over."""

    CALLER_HUNG_UP = "caller_hung_up"
    BOT_HUNG_UP = "bot_hung_up"
    HANDED_OFF = "handed_off"
    LINE_LOST = "line_lost"
    MAX_DURATION = "max_duration"
    SHUTDOWN = "shutdown"
    ERROR = "error"
    CUT_OFF = "cut_off"  # the process died; found and marked at the next start


@dataclass(frozen=True, slots=True)
class CallStart:
    """What is known of a call when it is answered. Numbers as the line gives them; "" when withheld."""

    call_id: str
    channel: Channel
    answered_at: datetime
    tenant: str
    caller_number: str = ""
    dialled_number: str = ""
    diversion: str = ""


class HandOffReason(StrEnum):
    """Why a person is needed."""

    ASKED = "asked"
    EMERGENCY = "emergency"
    NOT_UNDERSTOOD = "not_understood"
    DIALECT = "dialect"
    UNSURE = "unsure"
    ABUSE = "abuse"
    FAULT = "fault"
    BUSY = "busy"  # nobody spoke with the caller: too many were calling


@dataclass(frozen=True, slots=True)
class HandOffRequest:
    """A call that waits for a person, with everything that is known."""

    call_id: str
    reason: HandOffReason
    skill: str = "general"
    priority: int = 5  # 0 is danger to life; 9 can wait
    summary: str = ""
    caller_number: str = ""
    draft: TicketDraft | None = None
    turns: tuple[Turn, ...] = field(default_factory=tuple)


class CallBack(StrEnum):
    """Whether somebody has to be called back, and whether that was done."""

    NONE = ""
    ASKED = "asked"  # the caller chose it instead of waiting
    MISSED = "missed"  # the caller gave up, or the line broke
    DONE = "done"


class QueueState(StrEnum):
    """Where a queue entry stands."""

    WAITING = "waiting"
    CLAIMED = "claimed"
    DONE = "done"
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """A place in the human queue. ``position`` counts from 1 among those waiting; 0 once claimed or over.

    ``wait_s`` is the expected wait where one can be told. While the call is offered to an agent it still waits.
    """

    entry_id: str
    request: HandOffRequest
    joined_at: datetime
    state: QueueState
    position: int
    agent: str = ""
    wait_s: float | None = None
    offered_to: str = ""
    claimed_at: datetime | None = None
    connected_at: datetime | None = None
    left_at: datetime | None = None
    call_back: CallBack = CallBack.NONE
    outcome: str = ""
