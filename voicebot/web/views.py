"""Calls, tickets and places in the queue as JSON: masked for everybody, in clear for whoever asked and is on record."""

from typing import Any

from dialog.privacy import mask_draft, mask_phone, mask_text
from voicebot.core.ticket import Ticket, TicketDraft, TicketEvent
from voicebot.core.turn import Speaker, Turn
from voicebot.desk.agents import Agent
from voicebot.desk.board import Board, QueueLine
from voicebot.storage.documents import plain, to_document
from voicebot.storage.records import CallFile, CallLine


def call_line(line: CallLine, *, clear: bool = False) -> dict[str, Any]:
    """One call in a list."""
    return to_document(line) if clear else {**to_document(line), "caller_number": mask_phone(line.caller_number)}


def call_file(found: CallFile, draft: TicketDraft | None, *, clear: bool = False) -> dict[str, Any]:
    """One call with everything said; ``draft`` is the ticket as it stands."""
    secrets = (*names_of(draft), *names_of(found.draft), found.line.caller_number)
    return {
        **call_line(found.line, clear=clear),
        "turns": [_turn(turn, secrets, clear) for turn in found.turns],
        # What an event holds in detail may be personal (digits, a name): the log shows that it happened.
        "events": [{"at": plain(event.at), "kind": event.kind} for event in found.events],
        "draft": draft_of(draft, clear=clear) if draft else None,
        "has_recording": found.recording is not None,
        "latency_ms": {str(turn): instants for turn, instants in found.latency_ms.items()},
        "clear": clear,
    }


def draft_of(draft: TicketDraft, *, clear: bool) -> dict[str, Any]:
    """A draft, field by field."""
    return to_document(draft if clear else mask_draft(draft))


def ticket(found: Ticket, log: tuple[TicketEvent, ...], *, clear: bool = False) -> dict[str, Any]:
    """A ticket with its log."""
    return {
        **to_document(found),
        "draft": draft_of(found.draft, clear=clear),
        "events": [_event(event, found.draft, clear=clear) for event in log],
        "clear": clear,
    }


def _event(event: TicketEvent, draft: TicketDraft, *, clear: bool) -> dict[str, Any]:
    line: dict[str, Any] = {"at": plain(event.at), "actor": event.actor, "kind": event.kind}
    if event.kind == "state":
        note = str(event.detail.get("note", ""))
        line |= {"from": event.detail["from"], "to": event.detail["to"]}
        line["note"] = note if clear else mask_text(note, *names_of(draft))
    return line


def board(found: Board) -> dict[str, Any]:
    """The floor, masked: it is on a screen all day."""
    return {
        "at": plain(found.at),
        "waiting_count": found.waiting_count,
        "waiting": [queue_line(line) for line in found.waiting],
        "in_hand": [queue_line(line) for line in found.in_hand],
        "call_backs": [queue_line(line) for line in found.call_backs],
        "agents": [agent(each) for each in found.agents],
    }


def queue_line(line: QueueLine) -> dict[str, Any]:
    """A place in the queue, masked."""
    document = to_document(line)
    del document["secrets"]
    return {
        **document,
        "caller_number": mask_phone(line.caller_number),
        "summary": mask_text(line.summary, *line.secrets),
        "title": mask_text(line.title, *line.secrets),
    }


def agent(found: Agent) -> dict[str, Any]:
    """An agent on duty."""
    return to_document(found)


def names_of(draft: TicketDraft | None) -> tuple[str, ...]:
    """What must not be read in a sentence."""
    return (draft.caller_name, draft.caller_phone, *draft.persons) if draft else ()


def _turn(turn: Turn, secrets: tuple[str, ...], clear: bool) -> dict[str, Any]:
    document = to_document(turn)
    del document["corrections"]  # they quote the unmasked text
    by_caller = turn.speaker is Speaker.CALLER
    text = turn.text if clear else mask_text(turn.text, *secrets, introduces=by_caller)
    marks = _marks(turn) if len(text) == len(turn.text) else []
    raw_text = turn.raw_text if clear else mask_text(turn.raw_text, *secrets, introduces=by_caller)
    return {**document, "text": text, "raw_text": raw_text, "marks": marks}


def _marks(turn: Turn) -> list[list[int]]:
    """Where in the text corrected characters stand, as [start, end]."""
    marks, shift = [], 0
    for change in sorted(turn.corrections, key=lambda each: each.start):
        start = change.start + shift
        end = start + len(change.written)
        if turn.text[start:end] != change.written:
            return []
        marks.append([start, end])
        shift += len(change.written) - (change.end - change.start)
    return marks
