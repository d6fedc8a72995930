"""How much of what callers say reaches the ticket's fields.

Rows: ``{"text": one or several sentences, "fields": {name: value}}``, or ``"audio"`` (a file beside
the rows) instead of ``"text"``. A field is a name of the ticket (what, demand, time, caller_name,
caller_phone, companies, persons, amount, anonymous, confidentiality, type) or of its address
(district, street, community, road, number, building, unit, room, landmark; ``address`` is the whole
as spoken, or an object of parts). An empty value means that the field must stay empty.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path

from dialog.ticket.addresses import as_said
from dialog.ticket.extractor import TicketExtractor
from dialog.ticket.matter import asks_information, kind_by_words, troubled
from voicebot.core.errors import ConfigurationError
from voicebot.core.speech import Expect
from voicebot.core.ticket import Address, TicketDraft, TicketType
from voicebot.language.spoken_numbers import normalise

_PARTS = frozenset(f.name for f in fields(Address)) - {"spoken", "node", "grid"}
_FREE = frozenset({"what", "demand", "title", "summary"})
_LIKE = 0.6  # share of characters that two wordings of the same matter have in common
_MARKS = re.compile(r"[，。！？、；：,.!?;:\s的]|小区$")
_NUMBER_TAIL = re.compile(r"(?<=[0-9A-Z])(?:号院|号楼|单元|[号栋幢座室])$")


@dataclass(frozen=True, slots=True)
class TicketRow:
    """What was said and the fields that it fills."""

    said: str
    audio: Path | None
    fields: dict[str, object]


@dataclass(frozen=True, slots=True)
class TicketScores:
    """``f1`` over all fields of all rows, and by field; ``address_exact`` over the rows with an address."""

    f1: float
    by_field: dict[str, float]
    address_exact: float
    n: int
    wrong: tuple[dict[str, str], ...]


def read_rows(file: Path) -> list[TicketRow]:
    """Read JSON lines; raises `ConfigurationError` that names the line."""
    rows = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            audio = file.parent / row["audio"] if "audio" in row else None
            rows.append(TicketRow(str(row["text"]) if audio is None else "", audio, dict(row["fields"])))
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigurationError(
                f"{file}:{number}：这一行读不懂。",
                code="rows_invalid",
                remedy='每行应是 {"text": "…", "fields": {…}} 或 {"audio": "…", "fields": {…}}。',
            ) from error
    return rows


def evaluate_tickets(
    extractor: TicketExtractor, rows: Sequence[TicketRow], now: datetime, heard: Sequence[str]
) -> TicketScores:
    """Fill a ticket from each row; ``heard`` is what was understood of each, in the same order."""
    right: dict[str, int] = defaultdict(int)
    found: dict[str, int] = defaultdict(int)
    expected: dict[str, int] = defaultdict(int)
    wrong: list[dict[str, str]] = []
    exact = addresses = 0
    for row, text in zip(rows, heard, strict=True):
        draft = extractor.filled(TicketDraft(), extractor.find(text, now))
        all_right = True
        for name, want in _flat(row.fields):
            have = _have(draft, name, text)
            ok = _same(name, have, want)
            expected[name] += bool(want)
            found[name] += bool(have)
            right[name] += ok and bool(want)
            if not ok:
                wrong.append({"text": text, "field": name, "expected": want, "found": have})
                all_right = all_right and name not in _PARTS and name != "address"
        if any(name in _PARTS or name == "address" for name in row.fields):
            addresses += 1
            exact += all_right
    return TicketScores(
        f1=_f1(sum(right.values()), sum(found.values()), sum(expected.values())),
        by_field={name: _f1(right[name], found[name], expected[name]) for name in sorted(expected)},
        address_exact=round(exact / addresses, 4) if addresses else 0.0,
        n=len(rows),
        wrong=tuple(wrong),
    )


def _flat(wanted: dict[str, object]) -> Iterator[tuple[str, str]]:
    for name, value in wanted.items():
        if isinstance(value, dict):
            yield from ((part, _text(v)) for part, v in value.items() if part in _PARTS)
        else:
            yield name, _text(value)


def _text(value: object) -> str:
    if isinstance(value, list | tuple):
        return "、".join(map(str, value))
    if isinstance(value, bool):
        return "是" if value else ""
    return "" if value is None else str(value)


def _have(draft: TicketDraft, name: str, text: str) -> str:
    if name == "address":
        return draft.address.spoken or as_said(draft.address)
    if name in _PARTS:
        return str(getattr(draft.address, name))
    if name == "time":
        return draft.time.spoken
    if name == "type":
        kind = draft.type or kind_by_words(text) or _inquiry(text)
        return kind.value if kind else ""
    value = getattr(draft, name, "")
    return "" if value is None else _text(getattr(value, "value", value))


def _inquiry(text: str) -> TicketType | None:
    """A question that tells of no trouble is answered or taken down as one, whatever a classifier would say."""
    return TicketType.INQUIRY if asks_information(text) and not troubled(text) else None


def _same(name: str, have: str, want: str) -> bool:
    have, want = _plain(have), _plain(want)
    if name in _FREE and have and want:
        common = sum(min(have.count(c), want.count(c)) for c in set(want))
        return want in have or 2 * common / (len(have) + len(want)) >= _LIKE
    if name in {"building", "unit", "room", "number"}:
        have, want = _NUMBER_TAIL.sub("", have), _NUMBER_TAIL.sub("", want)
    return have == want


def _plain(text: str) -> str:
    return _MARKS.sub("", normalise(text, Expect.ADDRESS).text)


def _f1(right: int, found: int, expected: int) -> float:
    return round(2 * right / (found + expected), 4) if found + expected else 0.0
