"""Values of a query, or a refusal that says what is wanted."""

from datetime import datetime

from aiohttp import web

from voicebot.web.refusals import refused

_MAX_LIMIT = 200


def number_in(request: web.Request, name: str, default: int) -> int:
    """A whole number of the query, from 1 to 200."""
    given = request.query.get(name, str(default))
    if not given.isascii() or not given.isdigit() or not 1 <= int(given) <= _MAX_LIMIT:
        raise refused(web.HTTPBadRequest, "query_invalid", f"{name} 须为 1 到 {_MAX_LIMIT} 的整数。")
    return int(given)


def instant_in(request: web.Request, name: str) -> datetime | None:
    """An instant of the query with its zone, None when it is not given."""
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
