"""Fills a ticket from sentences, one at a time, and remembers which sentence each field came from."""

import re
from dataclasses import dataclass, replace
from datetime import datetime

from dialog.city.nouns import City
from dialog.ticket.addresses import AddressFinder, named
from dialog.ticket.amounts import find_amount
from dialog.ticket.companies import find_companies
from dialog.ticket.corrections import Part, corrected
from dialog.ticket.demands import demand
from dialog.ticket.event_time import find_time, time_spans
from dialog.ticket.matter import matter, risks
from dialog.ticket.people import find_name, find_persons, name_spans
from dialog.understanding.intents import Intent, IntentFinder
from voicebot.core.speech import Expect
from voicebot.core.ticket import Address, Confidentiality, EventTime, TicketDraft
from voicebot.language.spans import ADDRESS_KINDS, NumberKind
from voicebot.language.spoken_numbers import find_numbers, find_phone

_MATTER_LENGTH = 4  # characters that say something
_PHONE_WORDS = re.compile(r"(?:我的?)?(?:联系)?(?:电话|手机|手机号|号码|联系方式)(?:号码|号)?(?:是|为)?")


@dataclass(frozen=True, slots=True)
class Found:
    """What one sentence holds; None and "" mean that it says nothing of it."""

    text: str
    matter: str = ""
    demand: str = ""
    address: Address | None = None
    time: EventTime | None = None
    phone: str = ""
    name: str = ""
    companies: tuple[str, ...] = ()
    persons: tuple[str, ...] = ()
    amount: str = ""
    anonymous: bool | None = None
    confidentiality: Confidentiality | None = None
    risks: tuple[str, ...] = ()

    @property
    def anything(self) -> bool:
        """Did the sentence tell anything?"""
        return bool(self.matter or self.address or self.time or self.phone or self.name or self.amount)


class TicketExtractor:
    """Reads sentences for one city. Holds no state of a call."""

    def __init__(self, city: City, intents: IntentFinder) -> None:
        self._addresses = AddressFinder(city)
        self._intents = intents
        self._zone = city.timezone

    def find(self, text: str, now: datetime, expects: Expect = Expect.ANYTHING) -> Found:
        """Everything that a sentence says of a ticket; ``now`` is timezone-aware."""
        intents, heard = self._intents.find(text), text
        local = now.astimezone(self._zone)
        text = corrected(text, lambda said: self._parts(said, local))
        address = None if expects is Expect.DIGITS else self._addresses.find(text, expects)
        phone = find_phone(text, expects) or ""
        companies, wanted = find_companies(text), demand(text)
        taken = [] if address is None or _overlap(address, companies) else [address.spoken]
        taken += [text[s.start : s.end] for s in find_numbers(text) if s.kind is NumberKind.PHONE]
        said = matter(_PHONE_WORDS.sub("", text) if phone else text, tuple(taken))
        return Found(
            text=heard,
            matter=said if len(said) >= _MATTER_LENGTH else "",
            demand=wanted,
            address=address,
            time=find_time(text, local),
            phone=phone if len(phone) >= 7 else "",
            name=find_name(text, expects) or "",
            companies=companies,
            persons=find_persons(text),
            amount=find_amount(text),
            anonymous=True if Intent.ANONYMOUS in intents else None,
            confidentiality=_confidentiality(intents),
            risks=risks(text),
        )

    def _parts(self, text: str, now: datetime) -> list[Part]:
        """What a caller may take back and say anew."""
        parts = [Part(kind, start, end) for kind, start, end in self._addresses.parts(text)]
        parts += [Part("time", start, end) for start, end in time_spans(text, now)]
        parts += [Part(s.kind, s.start, s.end) for s in find_numbers(text) if s.kind not in ADDRESS_KINDS]
        return parts + [Part("name", start, end) for start, end in name_spans(text)]

    def filled(self, draft: TicketDraft, found: Found) -> TicketDraft:
        """The draft with what was found; a field that was said anew takes the new value."""
        changes: dict[str, object] = {}
        if found.matter and found.matter not in draft.what:
            changes["what"] = f"{draft.what}，{found.matter}" if draft.what else found.matter
        if found.address is not None:
            fresh = not named(draft.address)
            address = found.address if fresh and not draft.address.spoken else self.merged(draft.address, found.address)
            changes["address"] = address
        for name, value in (
            ("demand", found.demand), ("time", found.time), ("caller_phone", found.phone), ("caller_name", found.name),
            ("amount", found.amount), ("anonymous", found.anonymous), ("confidentiality", found.confidentiality),
        ):  # fmt: skip
            changes |= {name: value} if value else {}
        for name in ("companies", "persons", "risks"):
            both = tuple(dict.fromkeys((*getattr(draft, name), *getattr(found, name))))
            if both != getattr(draft, name):
                changes[name] = both
        if found.phone:
            changes["anonymous"] = False
        elif found.anonymous:  # the number of the line, too, names the caller
            changes |= {"caller_phone": "", "caller_name": ""}
        return replace(draft, **changes, sources=_sources(draft, changes, found.text)) if changes else draft  # type: ignore[arg-type]

    def merged(self, old: Address, new: Address) -> Address:
        """An address with parts that were added or corrected."""
        return self._addresses.merged(old, new)


def _overlap(address: Address, companies: tuple[str, ...]) -> bool:
    """A shop that is both the place and the one complained of stays in the matter."""
    return any(address.landmark and (address.landmark in c or c in address.landmark) for c in companies)


def _confidentiality(intents: frozenset[Intent]) -> Confidentiality | None:
    if Intent.OPEN in intents:
        return Confidentiality.OPEN
    return Confidentiality.CONFIDENTIAL if Intent.CONFIDENTIAL in intents else None


def _sources(draft: TicketDraft, changes: dict[str, object], text: str) -> tuple[tuple[str, str], ...]:
    sources = dict(draft.sources)
    for name in changes:
        kept = sources.get(name, "") if name in {"what", "address"} else ""
        sources[name] = f"{kept}｜{text}" if kept and text not in kept else text
    return tuple(sources.items())
