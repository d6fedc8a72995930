"""Nouns as JSON and back: nothing may be lost."""

import dataclasses
import json
import random
import types
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest

from tests.support.nouns import call_start, caller_turn, full_draft
from voicebot.core.call import CallStart
from voicebot.core.ticket import Ticket, TicketDraft, TicketState
from voicebot.core.turn import Turn
from voicebot.storage.documents import from_document, to_document

NOUNS = [TicketDraft, Turn, CallStart, Ticket]
TEXTS = ["", "夜市占道", 'O\'Brien "引号" \\ %s', "a\nb\t\u0001", "𠮷野家😀", "0", "null"]


def _any(hint: Any, dice: random.Random) -> Any:
    """A random value of a field's type, whatever the noun."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _any(dice.choice(get_args(hint)), dice)
    if origin is tuple:
        parts = get_args(hint)
        if parts[-1] is Ellipsis:
            return tuple(_any(parts[0], dice) for _ in range(dice.randrange(3)))
        return tuple(_any(part, dice) for part in parts)
    if hint is types.NoneType:
        return None
    if dataclasses.is_dataclass(hint):
        hints = get_type_hints(hint)
        return hint(**{field.name: _any(hints[field.name], dice) for field in dataclasses.fields(hint)})
    if issubclass(hint, StrEnum):
        return dice.choice(list(hint))
    if issubclass(hint, datetime):
        zone = dice.choice([UTC, timezone(timedelta(hours=8))])
        return datetime(2026, 3, 1, tzinfo=zone) + timedelta(microseconds=dice.randrange(10**13))
    values: dict[type, Any] = {
        str: dice.choice(TEXTS),
        bool: dice.random() < 0.5,
        int: dice.randrange(10**6),
        float: dice.choice([0.0, 1.0, dice.random(), 1e9]),
    }
    return values[hint]


@pytest.mark.parametrize("kind", NOUNS)
@pytest.mark.parametrize("seed", range(40))
def test_every_noun_survives_the_way_through_json(kind: type, seed: int) -> None:
    noun = _any(kind, random.Random(seed))
    assert from_document(kind, json.loads(json.dumps(to_document(noun)))) == noun


def test_a_draft_of_an_older_version_reads_with_defaults() -> None:
    assert from_document(TicketDraft, {"what": "路灯不亮"}) == TicketDraft(what="路灯不亮")


def test_a_field_of_a_newer_version_is_left_aside() -> None:
    assert from_document(Turn, {**to_document(caller_turn()), "mood": "calm"}) == caller_turn()


def test_a_whole_number_reads_as_a_confidence() -> None:
    turn = from_document(Turn, {**to_document(caller_turn()), "confidence": 1})
    assert isinstance(turn.confidence, float)


@pytest.mark.parametrize("wrong", [{"what": 7}, {"type": "表白"}, {"anonymous": "yes"}, {"sources": [["what"]]}])
def test_a_value_of_the_wrong_kind_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any sentence will do
        from_document(TicketDraft, {**to_document(full_draft()), **wrong})


def test_documents_hold_plain_json_only() -> None:
    start = call_start()
    ticket = Ticket("LY1", "c", 1, "luoyang", "sip", start.answered_at, TicketState.ACCEPTED, full_draft())
    document = to_document(ticket)
    assert document["state"] == "受理"
    assert type(document["state"]) is str
    assert document["draft"]["address"]["road"] == "牡丹路"
