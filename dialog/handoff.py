"""What the person who takes over reads first: the matter, the place, the number, what is already filed."""

from dialog.memory import Memory
from dialog.texts import Texts
from dialog.ticket.wording import place_of
from voicebot.core.actions import HandOff
from voicebot.core.call import HandOffReason

_SAID_LENGTH = 40  # characters of the caller's last words
_PRIORITY = {HandOffReason.EMERGENCY: 0, HandOffReason.FAULT: 3, HandOffReason.ABUSE: 4}
_ORDINARY = 5


def summary(memory: Memory, record: Texts) -> str:
    """Two or three short Chinese sentences of all that is known."""
    draft, parts = memory.draft, []
    last = memory.said[-1][:_SAID_LENGTH] if memory.said else ""
    if memory.handed_off is HandOffReason.EMERGENCY:
        parts.append(record.get("hand_emergency", number=memory.emergency, said=last))
    elif memory.handed_off is not None:
        parts.append(record.get(f"hand_{memory.handed_off.value}"))
    if draft is not None and draft.what:
        parts.append(record.get("hand_matter", matter=draft.what))
    if draft is not None and place_of(draft):
        parts.append(record.get("hand_place", place=place_of(draft)))
    if draft is not None and draft.caller_phone:
        parts.append(record.get("hand_phone", phone=draft.caller_phone))
    if memory.repeated is not None:
        parts.append(record.get("hand_repeated", number=memory.repeated.number))
    if memory.filed:
        parts.append(record.get("hand_filed", numbers="、".join(memory.filed)))
    if memory.handed_off is not HandOffReason.EMERGENCY and not (draft and draft.what):
        parts.append(record.get("hand_said", said=last) if last else record.get("hand_nothing"))
    return "".join(parts)


def hand_off(memory: Memory, record: Texts, reason: HandOffReason, skill: str) -> HandOff:
    """The action that puts the call into the human queue, with everything that is known."""
    memory.handed_off = reason
    return HandOff(
        reason,
        skill=skill,
        priority=_PRIORITY.get(reason, _ORDINARY),
        summary=summary(memory, record),
        emergency=memory.emergency if reason is HandOffReason.EMERGENCY else "",
    )
