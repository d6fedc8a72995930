"""What identifies a caller, covered in texts and left out of what a department sees."""

import re
from dataclasses import replace

from voicebot.core.ticket import Address, Confidentiality, TicketDraft, TicketType
from voicebot.language.spans import NumberKind
from voicebot.language.spoken_numbers import find_numbers

_HIDDEN = "*"
_NAME_IN_TEXT = re.compile(
    r"(?P<lead>我叫|我姓|名字叫|名叫|本人叫|免贵姓|我是(?=[\u4e00-\u9fff](?:先生|女士)))(?P<name>[\u4e00-\u9fff]{1,4})(?=[，。,.\s]|$|电话|手机|先生|女士)"
)
# An identity or card number, also one that was misheard and so fails its check digit.
_LONG_NUMBER = re.compile(r"(?<![\d*])\d{14,18}[\dXx](?!\d)")
_PROTECTED = frozenset({TicketType.COMPLAINT, TicketType.REPORT})
_HOME = re.compile(r"(?:我家(?:住)?(?:在|是)?|我住在?)[^，。；]{2,30}")


def masked_phone(number: str) -> str:
    """The first three and the last two or four digits stay: 138****8000; a short number keeps its last two."""
    if len(number) >= 11:
        return f"{number[:3]}{_HIDDEN * (len(number) - 7)}{number[-4:]}"
    return f"{_HIDDEN * max(0, len(number) - 2)}{number[-2:]}" if len(number) > 2 else _HIDDEN * len(number)


def masked_name(name: str) -> str:
    """The surname stays: 李**."""
    return name[:1] + _HIDDEN * (len(name) - 1)


def masked_identity(number: str) -> str:
    """The six digits of the place and the last four stay."""
    return (
        f"{number[:6]}{_HIDDEN * max(0, len(number) - 10)}{number[-4:]}" if len(number) > 10 else _HIDDEN * len(number)
    )


def masked_text(text: str) -> str:
    """A transcript for views: telephone and identity numbers and the caller's own name covered."""
    pieces, at = [], 0
    for span in find_numbers(text):
        if span.kind is NumberKind.PHONE:
            cover = masked_phone(span.value)
        elif span.kind is NumberKind.ID:
            cover = masked_identity(span.value)
        else:
            continue
        pieces += [text[at : span.start], cover]
        at = span.end
    covered = "".join([*pieces, text[at:]])
    covered = _LONG_NUMBER.sub(lambda m: masked_identity(m[0]), covered)
    return _NAME_IN_TEXT.sub(lambda m: m["lead"] + masked_name(m["name"]), covered)


def secret(draft: TicketDraft) -> bool:
    """Must the department not see who called? Asked for, or implied by anonymity, a complaint or a report."""
    if draft.confidentiality is not None:
        return draft.confidentiality is Confidentiality.CONFIDENTIAL
    return draft.anonymous or draft.type in _PROTECTED


def for_department(draft: TicketDraft) -> TicketDraft:
    """The ticket as a department gets it: when `secret`, without name, number, enterprise, home and own words."""
    if not draft.what or not secret(draft):
        return draft
    strip = _stripper(draft)
    return replace(
        draft,
        caller_name="",
        caller_phone="",
        enterprise="",
        anonymous=True,
        what=strip(draft.what),
        title=strip(draft.title),
        summary=strip(draft.summary),
        demand=strip(draft.demand),
        address=_without_door(draft.address),
        sources=(),
    )


class _stripper:  # noqa: N801  used as a function with a memory
    def __init__(self, draft: TicketDraft) -> None:
        self._names = tuple(filter(None, (draft.caller_name if len(draft.caller_name) > 1 else "", draft.enterprise)))

    def __call__(self, text: str) -> str:
        text = _HOME.sub("来电人住处", masked_text(text))
        for name in self._names:
            text = text.replace(name, _HIDDEN * len(name))
        return text


def _without_door(address: Address) -> Address:
    """The room leads to the caller's door; the building is needed to find the trouble."""
    if not address.room:
        return address
    spoken = address.spoken[: -len(address.room)] if address.spoken.endswith(address.room) else ""
    return replace(address, room="", spoken=spoken)
