"""An agent's headset in the browser: the page offers a connection, and it stays while the desk is open."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from voicebot.core.ports import Clock
from voicebot.storage.audit import Audit
from voicebot.web.call_routes import CallDoor, ice_servers
from voicebot.web.doorkeeper import ACTOR, DESK, LEADS, Doorkeeper
from voicebot.web.refusals import body_of

Answer = Callable[[str, str], Awaitable[str]]
"""An agent's name and their offer (SDP) to its answer; raises `OverloadError` and `LineError`."""


@dataclass(frozen=True, slots=True)
class HeadsetDoor:
    """Who answers, and where pages find a way through."""

    answer: Answer
    door: CallDoor
    enter: Callable[[str, str, str], None]
    """A supervisor's name, a call and a mode; raises `LineError` where that cannot be."""


class HeadsetBody(BaseModel):
    """A session description of the agent's page."""

    model_config = ConfigDict(extra="forbid")

    sdp: str = Field(min_length=10, max_length=32_000)


class ListenBody(BaseModel):
    """How a supervisor is in a call: hears it, speaks to the agent, speaks to both, or leaves."""

    model_config = ConfigDict(extra="forbid")

    mode: Literal["listen", "whisper", "join", "off"]


def headset_routes(headset: HeadsetDoor, audit: Audit, clock: Clock, doorkeeper: Doorkeeper) -> list[web.RouteDef]:
    """``/api/desk/headset`` and ``/api/calls/{call_id}/listen``."""

    async def way(_request: web.Request) -> web.Response:
        return web.json_response({"ice_servers": ice_servers(headset.door, clock)})

    async def connect(request: web.Request) -> web.Response:
        given = await body_of(request, HeadsetBody)
        return web.json_response({"sdp": await headset.answer(request[ACTOR], given.sdp)})

    async def listen(request: web.Request) -> web.Response:
        given, call_id = await body_of(request, ListenBody), request.match_info["call_id"]
        headset.enter(request[ACTOR], call_id, given.mode)
        if given.mode != "off":
            await audit.note_look(request[ACTOR], "call_listened_to", call_id=call_id, mode=given.mode)
        return web.json_response({})

    guard = doorkeeper.guard
    return [
        web.get("/api/desk/headset", guard(way, DESK)),
        web.post("/api/desk/headset", guard(connect, DESK)),
        web.post("/api/calls/{call_id}/listen", guard(listen, LEADS)),
    ]
