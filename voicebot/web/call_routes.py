"""The call page and its signalling: a token that lets one call begin, and the exchange of session descriptions."""

import base64
import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib import resources

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from voicebot.core.ports import Clock
from voicebot.web.rate import RateLimit
from voicebot.web.refusals import MICROPHONE_ONLY, body_of, refused

_STATIC = resources.files("voicebot.web") / "static"
_TOKEN_S = 60.0
_MOST_TOKENS = 1000  # waiting to be used; the oldest goes
_TURN_S = 3600

Answer = Callable[[str], Awaitable[str]]
"""An offer (SDP) to its answer; raises `OverloadError` and `LineError`."""


@dataclass(frozen=True, slots=True)
class CallDoor:
    """What the routes need: who answers, how many calls an address may begin, where pages find a way through."""

    answer: Answer
    per_minute: int
    stun_servers: tuple[str, ...] = ()
    turn_servers: tuple[str, ...] = ()
    turn_secret: str = ""


class Offer(BaseModel):
    """A page's wish to call."""

    model_config = ConfigDict(extra="forbid")

    token: str = Field(max_length=64)
    sdp: str = Field(min_length=10, max_length=32_000)


class Tokens:
    """Short-lived, for one use."""

    def __init__(self, clock: Clock):
        self._clock = clock
        self._issued: OrderedDict[str, float] = OrderedDict()

    def issue(self) -> str:
        """A new one."""
        token = secrets.token_urlsafe(24)
        self._issued[token] = self._clock.monotonic()
        if len(self._issued) > _MOST_TOKENS:
            self._issued.popitem(last=False)
        return token

    def spend(self, token: str) -> bool:
        """Was it issued, is it fresh, and was it not used before?"""
        issued_s = self._issued.pop(token, None)
        return issued_s is not None and self._clock.monotonic() - issued_s <= _TOKEN_S


def call_routes(door: CallDoor, clock: Clock) -> list[web.RouteDef]:
    """``/call``, ``/call/begin``, ``/call/offer`` and ``/call/embed.js``."""
    tokens = Tokens(clock)
    limit = RateLimit(clock, per_minute=door.per_minute, burst=door.per_minute)
    page = (_STATIC / "call.html").read_text(encoding="utf-8")
    snippet = (_STATIC / "embed.js").read_text(encoding="utf-8")

    async def show(_request: web.Request) -> web.Response:
        response = web.Response(text=page, content_type="text/html", charset="utf-8")
        response.headers["Permissions-Policy"] = MICROPHONE_ONLY
        return response

    async def embed(_request: web.Request) -> web.Response:
        return web.Response(
            text=snippet,
            content_type="text/javascript",
            charset="utf-8",
            headers={"Cross-Origin-Resource-Policy": "cross-origin"},
        )

    async def begin(request: web.Request) -> web.Response:
        if not limit.allows(request.remote or "unknown"):
            raise refused(
                web.HTTPTooManyRequests, "calls_too_many", "呼叫太频繁，请一分钟后再试。", headers={"Retry-After": "60"}
            )
        return web.json_response({"token": tokens.issue(), "ice_servers": ice_servers(door, clock)})

    async def offer(request: web.Request) -> web.Response:
        wish = await body_of(request, Offer)
        if not tokens.spend(wish.token):
            raise refused(web.HTTPForbidden, "token_invalid", "页面已过期，请重新拨打。")
        return web.json_response({"sdp": await door.answer(wish.sdp)})

    return [
        web.get("/call", show),
        web.get("/call/embed.js", embed),
        web.post("/call/begin", begin),
        web.post("/call/offer", offer),
    ]


def ice_servers(door: CallDoor, clock: Clock) -> list[dict[str, object]]:
    """As ``RTCPeerConnection`` takes them.

    A TURN server gets a name that runs out and its HMAC-SHA1 (draft-uberti-behave-turn-rest-00), which coturn checks
    with ``use-auth-secret``.
    """
    servers: list[dict[str, object]] = [{"urls": list(door.stun_servers)}] if door.stun_servers else []
    if door.turn_servers:
        name = f"{int(clock.now().timestamp()) + _TURN_S}:call"
        digest = hmac.new(door.turn_secret.encode(), name.encode(), hashlib.sha1).digest()
        servers.append(
            {"urls": list(door.turn_servers), "username": name, "credential": base64.b64encode(digest).decode()}
        )
    return servers
