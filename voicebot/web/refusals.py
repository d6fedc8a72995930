"""How a request is refused: a code for programs and a sentence for people; never a stack trace."""

import json
import traceback
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from voicebot.core.errors import HotlineError

log = structlog.get_logger(__name__)

# Pages bring nothing from elsewhere and run no scripts: there is nothing that could be smuggled in.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def refused(
    kind: type[web.HTTPException], code: str, message: str, *, headers: dict[str, str] | None = None
) -> web.HTTPException:
    """An HTTP error whose body is JSON."""
    return kind(text=_body(code, message), content_type="application/json", headers=headers)


def door() -> Middleware:
    """The one door of every request: what goes wrong behind it becomes an answer, and every answer is closed off."""

    @web.middleware
    async def through(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        try:
            response = await handler(request)
        except web.HTTPException as error:
            if error.content_type != "application/json":
                error.text = _body("http_error", error.reason)
                error.content_type = "application/json"
            error.headers.update(_HEADERS)
            raise
        except HotlineError as error:
            log.warning("request_failed", route=_route(request), code=error.code)
            response = web.json_response(text=_body(error.code, str(error)), status=503)
        except Exception as error:
            log.error("request_broke", route=_route(request), error=type(error).__name__, where=_where(error))
            response = web.json_response(text=_body("internal", "程序出错，已记入日志。"), status=500)
        response.headers.update(_HEADERS)
        return response

    return through


def _body(code: str, message: str) -> str:
    return json.dumps({"error": {"code": code, "message": message}}, ensure_ascii=False)


def _where(error: Exception) -> str:
    """The lines that led to an error; its own words may quote a caller and stay out of the log."""
    return " > ".join(f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-4:])


def _route(request: web.Request) -> str:
    """The pattern of the path, without the number that is asked for."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else "unknown"
