"""Personal data as it may be shown to those who need not know it."""

import re
from dataclasses import replace

from voicebot.core.ticket import TicketDraft

# Seven digits and more, also as spoken: phone numbers, identity cards, bank cards.
_DIGITS = "0-9０-９零〇一二三四五六七八九幺两"
_LONG_NUMBER = re.compile(rf"[{_DIGITS}](?:[ \-，、]?[{_DIGITS}]){{5,}}[{_DIGITS}Xx]")
_SAID_NAME = re.compile(r"((?:我|名字|姓名)(?:叫|是|就叫|叫做)|本人)([\u4e00-\u9fff]{1,4})")


def mask_phone(number: str) -> str:
    """The first three and last four digits of a phone number: ``138****8000``; less of a shorter one."""
    if len(number) <= 4:
        return "*" * len(number)
    if len(number) < 8:
        return number[:1] + "*" * (len(number) - 3) + number[-2:]
    return number[:3] + "*" * (len(number) - 7) + number[-4:]


def mask_name(name: str) -> str:
    """The family name: ``王**``."""
    return name[:1] + "*" * (len(name) - 1)


def mask_text(text: str, *secrets: str, introduces: bool = True) -> str:
    """A sentence without long numbers, without names after "我叫", and without the ``secrets`` given.

    Without ``introduces`` nobody tells a name here: what the bot says of itself is no secret.
    """
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, mask_name(secret) if not secret.isdigit() else mask_phone(secret))
    text = _LONG_NUMBER.sub(lambda found: mask_phone(found.group()), text)
    if not introduces:
        return text
    return _SAID_NAME.sub(lambda found: found.group(1) + mask_name(found.group(2)), text)


def mask_draft(draft: TicketDraft) -> TicketDraft:
    """The draft with the caller and everybody named in it masked; the place of a home loses its door."""
    secrets = (draft.caller_name, draft.caller_phone, *draft.persons)

    def clean(text: str) -> str:
        return mask_text(text, *secrets)

    address = replace(draft.address, spoken=clean(draft.address.spoken), unit="", room="")
    return replace(
        draft,
        title=clean(draft.title),
        summary=clean(draft.summary),
        what=clean(draft.what),
        demand=clean(draft.demand),
        address=address,
        caller_name=mask_name(draft.caller_name),
        caller_phone=mask_phone(draft.caller_phone),
        persons=tuple(mask_name(person) for person in draft.persons),
        sources=tuple(
            (name, mask_name(text) if name == "caller_name" else clean(text)) for name, text in draft.sources
        ),
    )
