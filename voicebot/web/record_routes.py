"""The record as JSON: masked for whoever may read it, in clear on request, and each look on record."""

import asyncio
from dataclasses import dataclass, replace

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from dialog.privacy import for_department, mask_phone, mask_text, secret
from voicebot.core.errors import StorageError
from voicebot.core.ports import AgentQueue, Clock
from voicebot.core.ticket import Ticket, TicketEvent, TicketState
from voicebot.desk.casework import Casework
from voicebot.storage.audit import Audit
from voicebot.storage.documents import plain
from voicebot.storage.recordings import Recordings
from voicebot.storage.records import CallFile, CallRecords
from voicebot.storage.sealed import is_sealed
from voicebot.storage.tickets import SqlTicketStore
from voicebot.web import views
from voicebot.web.doorkeeper import ACTOR, AUDIT, LEADS, PROGRAM, READERS, Doorkeeper
from voicebot.web.queries import instant_in, number_in
from voicebot.web.refusals import body_of, refused
from voicebot.web.sealed_response import send_sealed

_LOOKS = ("viewed", "unmasked", "filed", "revised")


class TicketStateBody(BaseModel):
    """How far a ticket has come, as the system that handles it reports.

    ``note`` goes into the ticket's log and is masked when shown.
    """

    model_config = ConfigDict(extra="forbid")

    state: TicketState
    by: str = Field("", max_length=64)
    note: str = Field("", max_length=500)


@dataclass(frozen=True, slots=True)
class Record:
    """What the record is read from."""

    calls: CallRecords
    tickets: SqlTicketStore
    queue: AgentQueue
    recordings: Recordings | None
    casework: Casework
    audit: Audit
    clock: Clock
    tenant: str


def record_routes(record: Record, doorkeeper: Doorkeeper) -> list[web.RouteDef]:
    """``/api/calls``, ``/api/tickets``, ``/api/queue`` and who has looked at them."""

    async def latest(request: web.Request) -> web.Response:
        limit = number_in(request, "limit", 50)
        before = instant_in(request, "before")
        lines = await record.calls.latest(limit, before=before, open_only=request.query.get("state") == "open")
        return web.json_response({"calls": [views.call_line(line) for line in lines]})

    async def call(request: web.Request) -> web.Response:
        found = await _call(record, request)
        draft = await record.casework.draft(found.line.call_id)
        return web.json_response(views.call_file(found, draft))

    async def unmask_call(request: web.Request) -> web.Response:
        found = await _call(record, request)
        await record.audit.note_look(request[ACTOR], "call_unmasked", call_id=found.line.call_id)
        for number in found.line.tickets:
            await _note(record, number, request[ACTOR], "unmasked")
        draft = await record.casework.draft(found.line.call_id)
        return web.json_response(views.call_file(found, draft, clear=True))

    async def recording(request: web.Request) -> web.StreamResponse:
        found = await _call(record, request)
        recordings = record.recordings
        path = await recordings.path_of(found.line.call_id) if recordings else None
        if recordings is None or path is None or not path.exists():
            raise refused(web.HTTPNotFound, "recording_unknown", "这通电话没有录音。")
        await record.audit.note_look(request[ACTOR], "recording_heard", call_id=found.line.call_id)
        if not await asyncio.to_thread(is_sealed, path):
            return web.FileResponse(path, headers={"Content-Type": "audio/wav"})
        return await send_sealed(request, lambda: recordings.open(path))

    async def latest_tickets(request: web.Request) -> web.Response:
        limit, before = number_in(request, "limit", 50), instant_in(request, "before")
        found = await record.tickets.latest(record.tenant, limit, before=before)
        return web.json_response({"tickets": [views.ticket(each, ()) for each in found]})

    async def ticket(request: web.Request) -> web.Response:
        found = await _ticket(record, request)
        await _note(record, found.number, request[ACTOR], "viewed")
        return web.json_response(views.ticket(found, await record.tickets.events(found.number)))

    async def unmask_ticket(request: web.Request) -> web.Response:
        found = await _ticket(record, request)
        await _note(record, found.number, request[ACTOR], "unmasked")
        return web.json_response(views.ticket(found, await record.tickets.events(found.number), clear=True))

    async def advance(request: web.Request) -> web.Response:
        found, given = await _ticket(record, request), await body_of(request, TicketStateBody)
        actor = f"{request[ACTOR]}：{given.by}" if given.by else request[ACTOR]
        try:
            ticket = await record.tickets.advance(found.number, given.state, actor, given.note)
        except StorageError as error:
            if error.code == "ticket_ahead":
                raise refused(web.HTTPConflict, error.code, str(error)) from error
            raise
        return web.json_response(views.ticket(ticket, await record.tickets.events(ticket.number)))

    async def department_ticket(request: web.Request) -> web.Response:
        """What the department may know; whoever must not be known to it is left out."""
        found = await _ticket(record, request)
        await _note(record, found.number, request[ACTOR], "viewed" if secret(found.draft) else "unmasked")
        return web.json_response(views.ticket(replace(found, draft=for_department(found.draft)), (), clear=True))

    async def looks(request: web.Request) -> web.Response:
        found = await _ticket(record, request)
        seen = [event for event in await record.tickets.events(found.number) if event.kind in _LOOKS]
        return web.json_response(
            {"looks": [{"at": plain(event.at), "actor": event.actor, "kind": event.kind} for event in seen]}
        )

    async def audit(request: web.Request) -> web.Response:
        events = await record.audit.latest(limit=number_in(request, "limit", 100))
        return web.json_response({"events": [plain(event) for event in events]})

    async def waiting(_request: web.Request) -> web.Response:
        entries = [
            {
                "entry_id": entry.entry_id,
                "call_id": entry.request.call_id,
                "position": entry.position,
                "reason": entry.request.reason.value,
                "skill": entry.request.skill,
                "priority": entry.request.priority,
                "joined_at": plain(entry.joined_at),
                "caller_number": mask_phone(entry.request.caller_number),
                "summary": mask_text(entry.request.summary, *views.names_of(entry.request.draft)),
            }
            for entry in await record.queue.waiting()
        ]
        return web.json_response({"waiting": entries})

    guard = doorkeeper.guard
    return [
        web.get("/api/calls", guard(latest, READERS, program=True)),
        web.get("/api/calls/{call_id}", guard(call, READERS, program=True)),
        web.post("/api/calls/{call_id}/unmask", guard(unmask_call, READERS)),
        web.get("/api/calls/{call_id}/recording", guard(recording, READERS)),
        web.get("/api/tickets", guard(latest_tickets, READERS, program=True)),
        web.get("/api/tickets/{number}", guard(ticket, READERS, program=True)),
        web.post("/api/tickets/{number}/unmask", guard(unmask_ticket, READERS)),
        web.post("/api/tickets/{number}/department", guard(department_ticket, READERS, program=True)),
        web.post("/api/tickets/{number}/state", guard(advance, LEADS, program=True)),
        web.get("/api/tickets/{number}/looks", guard(looks, AUDIT)),
        web.get("/api/audit", guard(audit, AUDIT)),
        web.get("/api/queue", guard(waiting, READERS, program=True)),
    ]


async def _call(record: Record, request: web.Request) -> CallFile:
    found = await record.calls.call(request.match_info["call_id"])
    if found is None:
        raise refused(web.HTTPNotFound, "call_unknown", "没有这通电话的记录。")
    return found


async def _ticket(record: Record, request: web.Request) -> Ticket:
    found = await record.tickets.find(request.match_info["number"])
    if found is None:
        raise refused(web.HTTPNotFound, "ticket_unknown", "没有这个编号的工单。")
    return found


async def _note(record: Record, number: str, actor: str, kind: str) -> None:
    """A line in the ticket's log; what other programs read is counted by their own logs."""
    if actor != PROGRAM:
        await record.tickets.append(TicketEvent(number, record.clock.now(), actor, kind))
