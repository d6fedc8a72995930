"""Ready-made nouns for tests of the record."""

from datetime import UTC, datetime

from voicebot.core.call import CallStart, Channel, HandOffReason, HandOffRequest
from voicebot.core.speech import Correction
from voicebot.core.ticket import Address, Confidentiality, Dispatch, EventTime, TicketDraft, TicketType
from voicebot.core.turn import Speaker, Turn

ANSWERED_AT = datetime(2026, 3, 2, 6, 30, tzinfo=UTC)


def call_start(call_id: str = "call-1", *, caller_number: str = "13800138000") -> CallStart:
    """A call by telephone."""
    return CallStart(call_id, Channel.SIP, ANSWERED_AT, "luoyang", caller_number, "12345", "")


def full_draft() -> TicketDraft:
    """A draft with something in every kind of field."""
    return TicketDraft(
        type=TicketType.COMPLAINT,
        category=("城市管理", "市容环境", "占道经营"),
        title="夜市占道",
        summary="王先生反映夜市占道。",
        what="夜市摊位占了人行道",
        demand="尽快清理",
        address=Address(spoken="涧西区牡丹路", district="涧西区", road="牡丹路", node="lysjxq"),
        time=EventTime("昨天晚上", datetime(2026, 3, 1, 11, tzinfo=UTC), None, since=True),
        caller_name="王建国",
        caller_phone="13800138000",
        confidentiality=Confidentiality.CONFIDENTIAL,
        companies=("某餐饮店",),
        amount="三百元",
        risks=("repeat",),
        dispatch=Dispatch("cgj", "lysjxq", 0.91, "占道经营归城管局", "article-7", "router-3", True, ("gaj",)),
        sources=(("what", "夜市摊位占了人行道"),),
    )


def caller_turn(index: int = 1, text: str = "夜市占道") -> Turn:
    """Something that the caller said, corrected by sound."""
    correction = Correction(0, 2, "夜是", "夜市", "sound")
    return Turn(index, Speaker.CALLER, text, "夜是占道", 1200.0, 2600.5, 0.83, "zh", None, (correction,))


def bot_turn(index: int = 2) -> Turn:
    """Something that the bot said and the caller heard half of."""
    return Turn(index, Speaker.BOT, "好的，", "好的，请问在哪里？", 2700.0, 3100.0, 1.0, "zh", "article-7")


def hand_off(call_id: str, *, skill: str = "general", priority: int = 5) -> HandOffRequest:
    """A call that needs a person."""
    return HandOffRequest(
        call_id, HandOffReason.ASKED, skill, priority, "来电人要求人工", "13800138000", full_draft(), (caller_turn(),)
    )
