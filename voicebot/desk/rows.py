"""The rows of the queue as nouns."""

from typing import Any

from sqlalchemy import Connection, Row, and_, func, or_, select

from voicebot.core.call import CallBack, HandOffReason, HandOffRequest, QueueEntry, QueueState
from voicebot.core.ticket import TicketDraft
from voicebot.core.turn import Turn
from voicebot.storage.documents import from_document
from voicebot.storage.tables import queue_entries as entries

ORDER = (entries.c.turn_at, entries.c.entry_id)
IS_WAITING = entries.c.state == QueueState.WAITING.value
IS_LIVE = entries.c.state.in_((QueueState.WAITING.value, QueueState.CLAIMED.value))
IS_FREE = and_(IS_WAITING, entries.c.offered_to == "")


def entry_of(row: Row[Any], position: int, wait_s: float | None = None) -> QueueEntry:
    """A row with everything that is known of its call."""
    request = HandOffRequest(
        call_id=row.call_id,
        reason=HandOffReason(row.reason),
        skill=row.skill,
        priority=row.priority,
        summary=row.summary,
        caller_number=row.caller_number,
        draft=from_document(TicketDraft, row.draft) if row.draft is not None else None,
        turns=tuple(from_document(Turn, turn) for turn in row.turns),
    )
    return QueueEntry(
        str(row.entry_id),
        request,
        row.joined_at,
        QueueState(row.state),
        position,
        row.agent,
        wait_s=wait_s,
        offered_to=row.offered_to,
        claimed_at=row.claimed_at,
        connected_at=row.connected_at,
        left_at=row.left_at,
        call_back=CallBack(row.call_back),
        outcome=row.outcome,
    )


def position_of(connection: Connection, row: Row[Any]) -> int:
    """The place of a waiting row from 1; 0 for one that does not wait any more."""
    if row.state != QueueState.WAITING.value:
        return 0
    ahead = or_(
        entries.c.turn_at < row.turn_at,
        and_(entries.c.turn_at == row.turn_at, entries.c.entry_id < row.entry_id),
    )
    count: int = connection.execute(select(func.count()).select_from(entries).where(IS_WAITING, ahead)).scalar_one()
    return count + 1
