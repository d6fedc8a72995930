"""The record as JSON, to be read only, with personal data masked."""

import hmac
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from aiohttp import web

from voicebot.core.ports import AgentQueue, TicketStore
from voicebot.core.ticket import TicketDraft
from voicebot.core.turn import Turn
from voicebot.storage.documents import plain, to_document
from voicebot.storage.records import CallFile, CallLine, CallRecords
from voicebot.web.masking import mask_draft, mask_phone, mask_text
from voicebot.web.refusals import refused

_MAX_LIMIT = 200


def record_routes(records: CallRecords, tickets: TicketStore, queue: AgentQueue, token: str) -> list[web.RouteDef]:
    """``/api/…``: only with the bearer token. Without a token in the settings the API is closed to everybody.

    There is no exception for requests from this machine: behind a reverse proxy all of them look so.
    """

    async def latest(request: web.Request) -> web.Response:
        limit = _number(request, "limit", 50)
        before = _instant(request, "before")
        lines = await records.latest(limit, before=before, open_only=request.query.get("state") == "open")
        return web.json_response({"calls": [_line(line) for line in lines]})

    async def call(request: web.Request) -> web.Response:
        found = await records.call(request.match_info["call_id"])
        if found is None:
            raise refused(web.HTTPNotFound, "call_unknown", "没有这通电话的记录。")
        return web.json_response(_file(found))

    async def ticket(request: web.Request) -> web.Response:
        found = await tickets.find(request.match_info["number"])
        if found is None:
            raise refused(web.HTTPNotFound, "ticket_unknown", "没有这个编号的工单。")
        log = await tickets.events(found.number)
        document = to_document(found)
        document["draft"] = to_document(mask_draft(found.draft))
        document["events"] = [{"at": plain(event.at), "actor": event.actor, "kind": event.kind} for event in log]
        return web.json_response(document)

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
                "summary": mask_text(entry.request.summary, *_names(entry.request.draft)),
            }
            for entry in await queue.waiting()
        ]
        return web.json_response({"waiting": entries})

    guard = _guard(token)
    return [
        web.get("/api/calls", guard(latest)),
        web.get("/api/calls/{call_id}", guard(call)),
        web.get("/api/tickets/{number}", guard(ticket)),
        web.get("/api/queue", guard(waiting)),
    ]


Handler = Callable[[web.Request], Awaitable[web.Response]]


def _guard(token: str) -> Callable[[Handler], Handler]:
    def guarded(handler: Handler) -> Handler:
        async def checked(request: web.Request) -> web.Response:
            if not token:
                raise refused(web.HTTPForbidden, "api_closed", "接口未开放：请先在设置 web.api_token 中设定口令。")
            scheme, _, given = request.headers.get("Authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), token.encode()):
                raise refused(
                    web.HTTPUnauthorized, "token_wrong", "口令缺失或不对。", headers={"WWW-Authenticate": "Bearer"}
                )
            return await handler(request)

        return checked

    return guarded


def _number(request: web.Request, name: str, default: int) -> int:
    given = request.query.get(name, str(default))
    if not given.isascii() or not given.isdigit() or not 1 <= int(given) <= _MAX_LIMIT:
        raise refused(web.HTTPBadRequest, "query_invalid", f"{name} 须为 1 到 {_MAX_LIMIT} 的整数。")
    return int(given)


def _instant(request: web.Request, name: str) -> datetime | None:
    given = request.query.get(name)
    if given is None:
        return None
    try:
        instant = datetime.fromisoformat(given)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise refused(web.HTTPBadRequest, "query_invalid", f"{name} 须为带时区的时间，如 2026-03-01T08:00:00+08:00。")
    return instant


def _line(line: CallLine) -> dict[str, Any]:
    return {**to_document(line), "caller_number": mask_phone(line.caller_number)}


def _file(found: CallFile) -> dict[str, Any]:
    secrets = (*_names(found.draft), found.line.caller_number)
    return {
        **_line(found.line),
        "turns": [_turn(turn, secrets) for turn in found.turns],
        # What an event holds in detail may be personal (digits, a name): the log shows that it happened.
        "events": [{"at": plain(event.at), "kind": event.kind} for event in found.events],
        "draft": to_document(mask_draft(found.draft)) if found.draft else None,
        "has_recording": found.recording is not None,
        "latency_ms": {str(turn): instants for turn, instants in found.latency_ms.items()},
    }


def _turn(turn: Turn, secrets: tuple[str, ...]) -> dict[str, Any]:
    document = to_document(turn)
    del document["corrections"]  # they quote the unmasked text
    return {**document, "text": mask_text(turn.text, *secrets), "raw_text": mask_text(turn.raw_text, *secrets)}


def _names(draft: TicketDraft | None) -> tuple[str, ...]:
    return (draft.caller_name, draft.caller_phone, *draft.persons) if draft else ()
