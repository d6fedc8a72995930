"""What Asterisk's chan_websocket says in text messages, and what it wants to be told. Pure: no socket is near.

Source: Asterisk documentation, "WebSocket" channel driver (events and commands as plain text or as JSON), and the
commands' names in Asterisk's own driver. Events come as ``NAME key:value …`` or ``NAME id``, or as a JSON object.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

_WITH_ID = frozenset({"MEDIA_MARK_PROCESSED", "MEDIA_BUFFERING_COMPLETED"})


class Command(StrEnum):
    """What Asterisk can be told."""

    HANG_UP = "HANGUP"
    MARK = "MARK_MEDIA"
    FLUSH = "FLUSH_MEDIA"


@dataclass(frozen=True, slots=True)
class Event:
    """One event; ``fields`` as text, whatever the format. ``as_json`` is the format that Asterisk speaks."""

    name: str
    fields: Mapping[str, str] = field(default_factory=dict)
    as_json: bool = False


def read_event(text: str) -> Event:
    """Raises `ValueError` for what is no event."""
    if text.lstrip().startswith("{"):
        found = json.loads(text)
        name = found.pop("event", None)
        if not isinstance(name, str):
            raise ValueError("JSON without an event")
        return Event(name, {key: str(value) for key, value in found.items()}, as_json=True)
    name, *words = text.split()[:32] or [""]
    if not name.replace("_", "").isalpha() or name != name.upper():
        raise ValueError("no event")
    if name in _WITH_ID:
        return Event(name, {"correlation_id": words[0]} if words else {})
    pairs = (word.partition(":") for word in words)
    return Event(name, {key: value for key, _, value in pairs})


def command(what: Command, correlation_id: str = "", *, as_json: bool = False) -> str:
    """A command as Asterisk reads it."""
    if as_json:
        told = {"command": what.value} | ({"correlation_id": correlation_id} if correlation_id else {})
        return json.dumps(told, separators=(",", ":"))
    return f"{what.value} {correlation_id}".strip()
