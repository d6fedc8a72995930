"""Three-way calls: whom an agent may call into the call in hand, and how it goes."""

from dataclasses import asdict

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from voicebot.desk.agents import Agents
from voicebot.pipeline.held import HeldCall, HeldCalls
from voicebot.storage.audit import Audit
from voicebot.web.doorkeeper import ACTOR, DESK, Doorkeeper
from voicebot.web.refusals import body_of

LEFT = "left_with_third_party"
"""The outcome of a call whose agent left caller and third party together."""


class ContactBody(BaseModel):
    """A number of the list."""

    model_config = ConfigDict(extra="forbid")

    number: str = Field(min_length=1, max_length=32)


def third_party_routes(held: HeldCalls, agents: Agents, audit: Audit, doorkeeper: Doorkeeper) -> list[web.RouteDef]:
    """``/api/desk/contacts`` and ``/api/calls/{call_id}/third-party…``."""

    def call_of(request: web.Request) -> HeldCall:
        return held.of(request.match_info["call_id"], request[ACTOR])

    async def contacts(_request: web.Request) -> web.Response:
        known = held.exchange.contacts if held.exchange is not None else ()
        return web.json_response({"contacts": [{"number": each.number, "name": each.name} for each in known]})

    async def state(request: web.Request) -> web.Response:
        call = held.find(request.match_info["call_id"], request[ACTOR])
        return web.json_response({"held": call is not None, "third_party": _shown(call)})

    async def bring(request: web.Request) -> web.Response:
        given, call = await body_of(request, ContactBody), call_of(request)
        call.bring(given.number)
        await audit.note(
            request[ACTOR], "third_party_called", call_id=request.match_info["call_id"], number=given.number
        )
        return web.json_response({"held": True, "third_party": _shown(call)})

    async def drop(request: web.Request) -> web.Response:
        call = call_of(request)
        call.drop()
        await audit.note(request[ACTOR], "third_party_dropped", call_id=request.match_info["call_id"])
        return web.json_response({"held": True, "third_party": _shown(call)})

    async def leave(request: web.Request) -> web.Response:
        call_of(request).leave()
        await audit.note(request[ACTOR], "left_with_third_party", call_id=request.match_info["call_id"])
        await agents.finish(request[ACTOR], LEFT)
        return web.json_response({})

    guard = doorkeeper.guard
    return [
        web.get("/api/desk/contacts", guard(contacts, DESK)),
        web.get("/api/calls/{call_id}/third-party", guard(state, DESK)),
        web.post("/api/calls/{call_id}/third-party", guard(bring, DESK)),
        web.post("/api/calls/{call_id}/third-party/drop", guard(drop, DESK)),
        web.post("/api/calls/{call_id}/third-party/leave", guard(leave, DESK)),
    ]


def _shown(call: HeldCall | None) -> dict[str, object] | None:
    return asdict(call.third) if call is not None and call.third is not None else None
