"""What an agent changes in a draft: each field checked, and put over what the bot has heard."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from voicebot.core.errors import StorageError
from voicebot.core.ticket import BY_AGENT, Address, Confidentiality, Dispatch, EventTime, TicketDraft, TicketType

_MAX_LENGTH = 2000
_TEXTS = ("title", "summary", "what", "demand", "caller_name", "caller_phone", "enterprise", "amount")
_URGENCIES = ("normal", "urgent", "emergency")
BY_HAND = "人工指定"

Setter = Callable[[TicketDraft, object], TicketDraft]


def checked(changes: Mapping[str, object]) -> dict[str, object]:
    """The changes when each can be made; raises `StorageError` with code ``edit_invalid`` otherwise."""
    apply(TicketDraft(), changes)
    return dict(changes)


def apply(draft: TicketDraft, changes: Mapping[str, object]) -> TicketDraft:
    """The draft with an agent's changes over it."""
    for name, value in changes.items():
        setter = _SETTERS.get(name)
        if setter is None:
            raise _wrong(name, "没有这个字段")
        draft = setter(draft, value)
    return draft


def _text(name: str) -> Setter:
    return lambda draft, value: replace(draft, **{name: _string(name, value)})  # type: ignore[arg-type]


def _list(name: str) -> Setter:
    def put(draft: TicketDraft, value: object) -> TicketDraft:
        words = tuple(word.strip() for word in _string(name, value).replace("，", "、").split("、") if word.strip())
        return replace(draft, **{name: words})  # type: ignore[arg-type]

    return put


def _type(draft: TicketDraft, value: object) -> TicketDraft:
    try:
        return replace(draft, type=TicketType(_string("type", value)) if value else None)
    except ValueError:
        raise _wrong("type", f"须为{'、'.join(TicketType)}之一") from None


def _urgency(draft: TicketDraft, value: object) -> TicketDraft:
    if value not in _URGENCIES:
        raise _wrong("urgency", f"须为{'、'.join(_URGENCIES)}之一")
    return replace(draft, urgency=str(value))


def _category(draft: TicketDraft, value: object) -> TicketDraft:
    path = tuple(part.strip() for part in _string("category", value).split("/") if part.strip())
    return replace(draft, category=path)


def _confidential(draft: TicketDraft, value: object) -> TicketDraft:
    if not isinstance(value, bool):
        raise _wrong("confidential", "须为是或否")
    return replace(draft, confidentiality=Confidentiality.CONFIDENTIAL if value else Confidentiality.OPEN)


def _anonymous(draft: TicketDraft, value: object) -> TicketDraft:
    if not isinstance(value, bool):
        raise _wrong("anonymous", "须为是或否")
    return replace(draft, anonymous=value)


def _address(draft: TicketDraft, value: object) -> TicketDraft:
    spoken = _string("address", value)
    return draft if spoken == draft.address.spoken else replace(draft, address=Address(spoken=spoken))


def _time(draft: TicketDraft, value: object) -> TicketDraft:
    spoken = _string("time", value)
    return draft if spoken == draft.time.spoken else replace(draft, time=EventTime(spoken=spoken))


def _department(draft: TicketDraft, value: object) -> TicketDraft:
    department = _string("department", value)
    if not department:
        return replace(draft, dispatch=None)
    return replace(draft, dispatch=Dispatch(department, confidence=1.0, reason=BY_HAND, basis=BY_AGENT, automatic=True))


_SETTERS: dict[str, Setter] = {
    **{name: _text(name) for name in _TEXTS},
    "companies": _list("companies"),
    "persons": _list("persons"),
    "type": _type,
    "urgency": _urgency,
    "category": _category,
    "confidential": _confidential,
    "anonymous": _anonymous,
    "address": _address,
    "time": _time,
    "department": _department,
}


def _string(name: str, value: object) -> str:
    if not isinstance(value, str) or len(value) > _MAX_LENGTH:
        raise _wrong(name, f"须为不超过 {_MAX_LENGTH} 字的文字")
    return value.strip()


def _wrong(name: str, why: str) -> StorageError:
    return StorageError(f"字段 {name} 不能这样填：{why}。", code="edit_invalid", retryable=False)
