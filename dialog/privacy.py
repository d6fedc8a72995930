"""What identifies a caller: covered in views and exports, left out of what a department sees."""

import re
from dataclasses import replace

from dialog.ticket.addresses import as_said
from voicebot.core.ticket import Address, Confidentiality, TicketDraft, TicketType

_HIDDEN = "*"
# Seven digits and more, also as spoken: telephone numbers, identity cards, bank cards, heard rightly or not.
_DIGITS = "0-9０-９零〇一二三四五六七八九幺两"
_LONG_NUMBER = re.compile(rf"[{_DIGITS}](?:[ \-，、]?[{_DIGITS}]){{5,}}[{_DIGITS}Xx]")
_SAID_NAME = re.compile(r"((?:我|名字|姓名)(?:叫做|就叫|叫|是)|名叫|我姓|免贵姓|本人叫?)([\u4e00-\u9fff]{1,4})")
_SAID_NAME_IN_ENGLISH = re.compile(r"(my name is |i am mrs? |this is mrs? )([a-z]+(?: [a-z]+)?)", re.IGNORECASE)
_PROTECTED = frozenset({TicketType.COMPLAINT, TicketType.REPORT})
_HOME = re.compile(r"(?:我家(?:住)?(?:在|是)?|我住在?)[^，。；]{2,30}")
_WHOLE_NUMBER = 11  # characters; of a shorter one three digits and four would be nearly all


def mask_phone(number: str) -> str:
    """The first three and last four digits stay: ``138****8000``; of a shorter number the last two, or none."""
    if len(number) >= _WHOLE_NUMBER:
        return number[:3] + _HIDDEN * (len(number) - 7) + number[-4:]
    if len(number) <= 4:
        return _HIDDEN * len(number)
    return _HIDDEN * (len(number) - 2) + number[-2:]


def mask_name(name: str) -> str:
    """The family name stays: ``王**``."""
    return name[:1] + _HIDDEN * (len(name) - 1)


def mask_text(text: str, *secrets: str, introduces: bool = True) -> str:
    """A sentence without long numbers, without names after "我叫", and without the ``secrets`` given.

    Without ``introduces`` nobody tells a name here: what the bot says of itself is no secret.
    """
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, mask_phone(secret) if secret.isdigit() else mask_name(secret))
    text = _LONG_NUMBER.sub(lambda found: mask_phone(found[0]), text)
    for said in (_SAID_NAME, _SAID_NAME_IN_ENGLISH) if introduces else ():
        text = said.sub(lambda found: found[1] + mask_name(found[2]), text)
    return text


def mask_draft(draft: TicketDraft) -> TicketDraft:
    """The draft with the caller and everybody named in it masked; the place of a home loses its door."""
    secrets = (draft.caller_name, draft.caller_phone, *draft.persons)

    def clean(text: str) -> str:
        return mask_text(text, *secrets)

    return replace(
        draft,
        title=clean(draft.title),
        summary=clean(draft.summary),
        what=clean(draft.what),
        demand=clean(draft.demand),
        address=replace(draft.address, spoken=clean(draft.address.spoken), unit="", room=""),
        caller_name=mask_name(draft.caller_name),
        caller_phone=mask_phone(draft.caller_phone),
        persons=tuple(mask_name(person) for person in draft.persons),
        sources=tuple(
            (name, mask_name(text) if name == "caller_name" else clean(text)) for name, text in draft.sources
        ),
    )


def secret(draft: TicketDraft) -> bool:
    """Must the department not see who called? Asked for, or implied by anonymity, a complaint or a report."""
    if draft.confidentiality is not None:
        return draft.confidentiality is Confidentiality.CONFIDENTIAL
    return draft.anonymous or draft.type in _PROTECTED


def for_department(draft: TicketDraft) -> TicketDraft:
    """The ticket as a department gets it: when `secret`, without name, number, enterprise, door and own words."""
    if not secret(draft):
        return draft
    hidden = (draft.caller_name if len(draft.caller_name) > 1 else "", draft.enterprise, draft.address.room)

    def strip(text: str) -> str:
        text = _HOME.sub("来电人住处", mask_text(text))
        for words in filter(None, hidden):
            text = text.replace(words, _HIDDEN * len(words))
        return text

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


def _without_door(address: Address) -> Address:
    """The room leads to the caller's door; the building is needed to find the trouble."""
    if not address.room:
        return address
    outside = replace(address, room="")
    return replace(outside, spoken=as_said(outside))
