"""The pages of the desk and what they load. Everything is read once at start and comes from here, nothing from afar."""

from html import escape
from importlib import resources
from importlib.resources.abc import Traversable
from string import Template

from aiohttp import web

from voicebot.web.doorkeeper import DESK, EDITORS, EVERYBODY, LEADS, Doorkeeper, Handler
from voicebot.web.refusals import MICROPHONE_ONLY

_FOLDER = resources.files("voicebot.web") / "static"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def page_routes(doorkeeper: Doorkeeper, provider: str = "") -> list[web.RouteDef]:
    """``/login``, ``/desk``, ``/desk/supervisor``, ``/desk/knowledge``, ``/account`` and ``/static/…``.

    ``provider`` is what people call the identity provider, "" when there is none.
    """
    guard = doorkeeper.guard
    return [
        web.get("/login", _page("login.html", provider=escape(provider), without="" if provider else "hidden")),
        web.get("/desk", guard(_page("desk.html", microphone=True), DESK, page=True)),
        web.get("/desk/supervisor", guard(_page("supervisor.html"), LEADS, page=True)),
        web.get("/desk/knowledge", guard(_page("knowledge.html"), EDITORS, page=True)),
        web.get("/account", guard(_page("account.html"), EVERYBODY, page=True, newcomer=True)),
        *open_pages(),
    ]


def open_pages() -> list[web.RouteDef]:
    """What pages load, for everybody."""
    return [web.get(f"/static/{file.name}", _file(file)) for file in _FOLDER.iterdir() if _kind(file) in _TYPES]


def _page(name: str, *, microphone: bool = False, **blanks: str) -> Handler:
    text = Template((_FOLDER / name).read_text(encoding="utf-8")).substitute(blanks)

    async def page(_request: web.Request) -> web.Response:
        response = web.Response(text=text, content_type="text/html", charset="utf-8")
        if microphone:
            response.headers["Permissions-Policy"] = MICROPHONE_ONLY
        return response

    return page


def _file(file: Traversable) -> Handler:
    text, kind = file.read_text(encoding="utf-8"), _TYPES[_kind(file)]

    async def content(_request: web.Request) -> web.Response:
        return web.Response(text=text, content_type=kind, charset="utf-8")

    return content


def _kind(file: Traversable) -> str:
    return "." + file.name.rpartition(".")[2]
