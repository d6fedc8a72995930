"""How a request is refused: a code for programs and a sentence for people; never a stack trace."""

import json
import traceback
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware
from pydantic import BaseModel, ValidationError

from voicebot.core.errors import HotlineError
from voicebot.explain import explain

Body = TypeVar("Body", bound=BaseModel)

log = structlog.get_logger(__name__)

# Pages bring nothing from elsewhere and hold no script or style of their own: there is nothing to be smuggled in.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

MICROPHONE_ONLY = "microphone=(self), camera=(), geolocation=()"
"""``Permissions-Policy`` of a page that one speaks on."""

_STATUS = {
    "account_locked": 429,
    "account_name": 400,
    "account_taken": 409,
    "account_unknown": 404,
    "agent_busy": 409,
    "agent_state": 400,
    "agent_gone": 409,
    "call_elsewhere": 404,
    "colleague_busy": 409,
    "edit_invalid": 400,
    "entry_taken": 409,
    "entry_unknown": 404,
    "no_agent": 409,
    "no_call": 409,
    "nothing_offered": 409,
    "no_headset": 409,
    "not_held": 409,
    "not_on_duty": 409,
    "number_unknown": 400,
    "offer_invalid": 400,
    "password_weak": 400,
    "pause_reason": 400,
    "third_party_none": 409,
    "third_party_there": 409,
    "ticket_unknown": 404,
    "webhook_invalid": 400,
}
"""What an error of ours is in HTTP; every other one means that a part does not work (503)."""


def refused(
    kind: type[web.HTTPException], code: str, message: str, *, headers: dict[str, str] | None = None
) -> web.HTTPException:
    """An HTTP error whose body is JSON."""
    return kind(text=_body(code, message), content_type="application/json", headers=headers)


def close_off(response: web.StreamResponse) -> None:
    """Give a stream its headers before it begins."""
    response.headers.update(_HEADERS)


async def body_of(request: web.Request, kind: type[Body]) -> Body:
    """The JSON body as a model; refuses anything else in one sentence."""
    try:
        return kind.model_validate_json(await request.read() or b"{}")
    except ValidationError as error:
        raise refused(web.HTTPBadRequest, "body_invalid", f"请求内容有误：{explain(error)}。") from None


def door() -> Middleware:
    """The one door of every request: what goes wrong behind it becomes an answer, and every answer is closed off."""

    @web.middleware
    async def through(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        try:
            response = await handler(request)
        except web.HTTPException as error:
            if error.content_type == "text/plain" and error.status >= 400:
                error.text = _body("http_error", error.reason)
                error.content_type = "application/json"
            error.headers.update(_HEADERS)
            raise
        except HotlineError as error:
            log.warning("request_failed", route=route_of(request), code=error.code)
            response = web.json_response(text=_body(error.code, str(error)), status=_STATUS.get(error.code, 503))
        except Exception as error:
            log.error("request_broke", route=route_of(request), error=type(error).__name__, where=_where(error))
            response = web.json_response(text=_body("internal", "程序出错，已记入日志。"), status=500)
        if not response.prepared:  # a stream closed itself off when it began
            response.headers.update(_HEADERS)
        return response

    return through


def _body(code: str, message: str) -> str:
    return json.dumps({"error": {"code": code, "message": message}}, ensure_ascii=False)


def _where(error: Exception) -> str:
    """The lines that led to an error; its own words may quote a caller and stay out of the log."""
    return " > ".join(f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-4:])


def route_of(request: web.Request) -> str:
    """The pattern of the path, without the number that is asked for."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else "unknown"
