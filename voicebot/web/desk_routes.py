"""The agents' own routes: their state, the calls they take, the ticket in hand, live changes."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import structlog
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from dialog.privacy import mask_text
from voicebot.core.errors import HotlineError
from voicebot.core.turn import Speaker
from voicebot.desk.agents import Agents, AgentState
from voicebot.desk.board import Board, BoardFeed
from voicebot.desk.casework import Casework
from voicebot.desk.editing import apply
from voicebot.desk.ports import DeskHelp
from voicebot.desk.settings import DeskSettings
from voicebot.pipeline.handoff import TO_BOT
from voicebot.pipeline.held import HeldCalls
from voicebot.storage.changes import EVERYTHING, Changes, call_topic, heard_so_far
from voicebot.storage.documents import plain
from voicebot.storage.records import CallRecords
from voicebot.storage.tickets import SqlTicketStore
from voicebot.web import views
from voicebot.web.doorkeeper import ACTOR, DESK, EDITORS, READERS, Doorkeeper
from voicebot.web.refusals import body_of, close_off, refused

log = structlog.get_logger(__name__)

_BEAT_S = 5.0
_SEARCH_LENGTH = 200


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class StateBody(_Body):
    """What the agent wants to be."""

    state: Literal["ready", "paused", "offline"]
    reason: str = Field("", max_length=64)


class EntryBody(_Body):
    """A place in the queue."""

    entry_id: str = Field(max_length=20)


class OutcomeBody(_Body):
    """How the call went, in a word."""

    outcome: str = Field("", max_length=32)


class ColleagueBody(_Body):
    """The colleague who gets the call."""

    agent: str = Field(max_length=64)


class EditBody(_Body):
    """Changed fields of the draft."""

    changes: dict[str, str | bool] = Field(max_length=30)


@dataclass(frozen=True, slots=True)
class Desk:
    """What the agents' pages work with."""

    agents: Agents
    board: BoardFeed
    casework: Casework
    help: DeskHelp
    changes: Changes
    records: CallRecords
    tickets: SqlTicketStore
    settings: DeskSettings
    held: HeldCalls


class BoardPainter:
    """The newest board as an event, made once for all desks that show it."""

    def __init__(self) -> None:
        self._board: Board | None = None
        self._event = b""

    def event(self, board: Board) -> bytes:
        """The board as a server-sent event."""
        if board is not self._board:
            self._board, self._event = board, event_of("board", views.board(board))
        return self._event


def event_of(kind: str, data: object) -> bytes:
    """A server-sent event (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""
    return f"event: {kind}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def desk_routes(desk: Desk, doorkeeper: Doorkeeper) -> list[web.RouteDef]:
    """``/api/desk/…``, the parts of ``/api/calls/{call_id}/…`` that agents change, and ``/api/knowledge``."""

    async def board(_request: web.Request) -> web.Response:
        return web.json_response(views.board(await desk.board.read()))

    async def options(_request: web.Request) -> web.Response:
        departments = await asyncio.to_thread(desk.help.departments)
        return web.json_response(
            {
                "departments": [plain(each) for each in departments],
                "pause_reasons": list(desk.settings.pause_reasons),
                "service_level_s": desk.settings.service_level_s,
                "ring_s": desk.settings.ring_s,
                "wrap_up_s": desk.settings.wrap_up_s,
            }
        )

    async def set_state(request: web.Request) -> web.Response:
        given = await body_of(request, StateBody)
        await desk.agents.arrive(request[ACTOR])
        agent = await desk.agents.set_state(request[ACTOR], AgentState(given.state), given.reason)
        return web.json_response(views.agent(agent))

    async def accept(request: web.Request) -> web.Response:
        entry = await desk.agents.accept(request[ACTOR])
        return web.json_response({"entry_id": entry.entry_id, "call_id": entry.request.call_id})

    async def take(request: web.Request) -> web.Response:
        given = await body_of(request, EntryBody)
        entry = await desk.agents.take(request[ACTOR], given.entry_id)
        return web.json_response({"entry_id": entry.entry_id, "call_id": entry.request.call_id})

    async def decline(request: web.Request) -> web.Response:
        await desk.agents.decline(request[ACTOR], desk.settings.pause_reasons[0])
        return web.json_response({})

    async def finish(request: web.Request) -> web.Response:
        given = await body_of(request, OutcomeBody)
        await desk.agents.finish(request[ACTOR], given.outcome)
        return web.json_response({})

    async def give_back(request: web.Request) -> web.Response:
        desk.held.only_two(request[ACTOR])
        await desk.agents.give_back(request[ACTOR])
        return web.json_response({})

    async def to_bot(request: web.Request) -> web.Response:
        desk.held.of_agent(request[ACTOR])
        desk.held.only_two(request[ACTOR])
        await desk.agents.finish(request[ACTOR], TO_BOT)
        return web.json_response({})

    async def pass_on(request: web.Request) -> web.Response:
        given = await body_of(request, ColleagueBody)
        desk.held.of_agent(request[ACTOR])
        desk.held.only_two(request[ACTOR])
        await desk.agents.pass_on(request[ACTOR], given.agent)
        return web.json_response({})

    async def edit(request: web.Request) -> web.Response:
        given = await body_of(request, EditBody)
        draft = await desk.casework.edit(request.match_info["call_id"], given.changes, request[ACTOR])
        return web.json_response({"draft": views.draft_of(draft, clear=False)})

    async def file(request: web.Request) -> web.Response:
        call_id = request.match_info["call_id"]
        ticket = await desk.casework.file(call_id, request[ACTOR], desk.help.complete)
        return web.json_response(views.ticket(ticket, ()), status=201)

    async def revise(request: web.Request) -> web.Response:
        given = await body_of(request, EditBody)
        ticket = await desk.tickets.find(request.match_info["number"])
        if ticket is None:
            raise refused(web.HTTPNotFound, "ticket_unknown", "没有这个编号的工单。")
        revised = await desk.tickets.revise(ticket.number, apply(ticket.draft, given.changes), request[ACTOR])
        return web.json_response(views.ticket(revised, ()))

    async def earlier(request: web.Request) -> web.Response:
        found = await desk.casework.earlier(request.match_info["call_id"])
        return web.json_response({"tickets": [views.ticket(ticket, ()) for ticket in found]})

    async def advice(request: web.Request) -> web.Response:
        call_id = request.match_info["call_id"]
        found = await desk.records.call(call_id)
        if found is None:
            raise refused(web.HTTPNotFound, "call_unknown", "没有这通电话的记录。")
        draft = await desk.casework.draft(call_id)
        said = [turn.text for turn in found.turns if turn.speaker is Speaker.CALLER and turn.text]
        suggestions = await asyncio.to_thread(desk.help.suggest, draft, said)
        return web.json_response({"suggestions": [plain(each) for each in suggestions]})

    async def knowledge(request: web.Request) -> web.Response:
        question = request.query.get("q", "").strip()
        if not question or len(question) > _SEARCH_LENGTH:
            raise refused(web.HTTPBadRequest, "query_invalid", f"q 须为 1 到 {_SEARCH_LENGTH} 个字。")
        passages: Sequence[object] = await asyncio.to_thread(desk.help.search, question, 5)
        return web.json_response({"passages": [plain(each) for each in passages]})

    painter = BoardPainter()

    async def events(request: web.Request) -> web.StreamResponse:
        return await _stream(desk, painter, request)

    guard = doorkeeper.guard
    return [
        web.get("/api/desk/board", guard(board, READERS)),
        web.get("/api/desk/options", guard(options, DESK)),
        web.get("/api/desk/events", guard(events, DESK)),
        web.post("/api/desk/state", guard(set_state, DESK)),
        web.post("/api/desk/accept", guard(accept, DESK)),
        web.post("/api/desk/take", guard(take, DESK)),
        web.post("/api/desk/decline", guard(decline, DESK)),
        web.post("/api/desk/finish", guard(finish, DESK)),
        web.post("/api/desk/give-back", guard(give_back, DESK)),
        web.post("/api/desk/to-bot", guard(to_bot, DESK)),
        web.post("/api/desk/pass-on", guard(pass_on, DESK)),
        web.patch("/api/calls/{call_id}/draft", guard(edit, DESK)),
        web.post("/api/calls/{call_id}/tickets", guard(file, DESK)),
        web.patch("/api/tickets/{number}", guard(revise, DESK)),
        web.get("/api/calls/{call_id}/earlier", guard(earlier, READERS)),
        web.get("/api/calls/{call_id}/advice", guard(advice, DESK)),
        web.get("/api/knowledge", guard(knowledge, DESK | EDITORS, program=True)),
    ]


async def _stream(desk: Desk, painter: BoardPainter, request: web.Request) -> web.StreamResponse:
    """Server-sent events: ``board`` with the floor, ``call`` when the call in the query has changed.

    While it is open the agent counts as being at their desk (``desk=1``); a supervisor only watches.
    """
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
    close_off(response)
    await response.prepare(request)
    lock = asyncio.Lock()

    async def send(event: bytes) -> None:
        async with lock:
            await response.write(event)

    async def boards() -> None:
        async for board in desk.board.boards():
            await send(painter.event(board))

    async def call(call_id: str) -> None:
        with desk.changes.watch() as watch:
            while True:
                topics = await watch.next()
                if topics & {call_topic(call_id), EVERYTHING}:
                    await send(event_of("call", {"call_id": call_id}))
                elif (heard := heard_so_far(topics, call_id)) is not None:
                    await send(event_of("hearing", {"call_id": call_id, "text": mask_text(heard)}))

    async def beats(name: str) -> None:
        await desk.agents.arrive(name)
        while True:
            await asyncio.sleep(_BEAT_S)
            await desk.agents.beat(name)
            await send(event_of("beat", {}))

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(boards())
            if call_id := request.query.get("call", ""):
                group.create_task(call(call_id))
            if request.query.get("desk"):
                group.create_task(beats(request[ACTOR]))
    except* (ConnectionResetError, HotlineError):
        log.debug(
            "events_over"
        )  # the browser is gone, or the database for a moment: browsers connect again by themselves
    return response
