"""An agent's headset in the browser: the page offers a connection, and it stays while the desk is open."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from voicebot.core.ports import Clock
from voicebot.web.call_routes import CallDoor, ice_servers
from voicebot.web.doorkeeper import ACTOR, DESK, Doorkeeper
from voicebot.web.refusals import body_of

Answer = Callable[[str, str], Awaitable[str]]
"""An agent's name and their offer (SDP) to its answer; raises `OverloadError` and `LineError`."""


@dataclass(frozen=True, slots=True)
class HeadsetDoor:
    """Who answers, and where pages find a way through."""

    answer: Answer
    door: CallDoor


class HeadsetBody(BaseModel):
    """A session description of the agent's page."""

    model_config = ConfigDict(extra="forbid")

    sdp: str = Field(min_length=10, max_length=32_000)


def headset_routes(headset: HeadsetDoor, clock: Clock, doorkeeper: Doorkeeper) -> list[web.RouteDef]:
    """``/api/desk/headset``."""

    async def way(_request: web.Request) -> web.Response:
        return web.json_response({"ice_servers": ice_servers(headset.door, clock)})

    async def connect(request: web.Request) -> web.Response:
        given = await body_of(request, HeadsetBody)
        return web.json_response({"sdp": await headset.answer(request[ACTOR], given.sdp)})

    guard = doorkeeper.guard
    return [
        web.get("/api/desk/headset", guard(way, DESK)),
        web.post("/api/desk/headset", guard(connect, DESK)),
    ]
