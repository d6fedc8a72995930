"""The first page: which number to call, whether the service is ready, and where else to look."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from importlib import resources
from string import Template

from aiohttp import web

from voicebot.web.health_routes import Condition, Health

_PAGES = resources.files("voicebot.web") / "pages"


@dataclass(frozen=True, slots=True)
class Front:
    """What the page tells. ``links`` are (title, address)."""

    title: str
    address_to_call: str
    links: tuple[tuple[str, str], ...] = ()


def front_routes(front: Front, health: Health) -> list[web.RouteDef]:
    """``/`` and its style sheet."""
    page = Template((_PAGES / "index.html").read_text(encoding="utf-8"))
    style = (_PAGES / "style.css").read_text(encoding="utf-8")
    words = tomllib.loads((_PAGES / "words.toml").read_text(encoding="utf-8"))

    async def index(_request: web.Request) -> web.Response:
        conditions = await health.conditions()
        return web.Response(text=_render(page, words, front, conditions), content_type="text/html", charset="utf-8")

    async def sheet(_request: web.Request) -> web.Response:
        return web.Response(text=style, content_type="text/css", charset="utf-8")

    return [web.get("/", index), web.get("/style.css", sheet)]


def _render(
    page: Template, words: Mapping[str, Mapping[str, str]], front: Front, conditions: Mapping[str, Condition]
) -> str:
    state = "ready" if all(condition.ok for condition in conditions.values()) else "not_ready"
    return page.substitute(
        title=escape(front.title),
        address=escape(front.address_to_call),
        state=state,
        state_words=escape(words["state"][state]),
        parts="\n".join(_part(words, name, condition) for name, condition in conditions.items()),
        links="\n".join(f'<li><a href="{escape(url)}">{escape(title)}</a></li>' for title, url in front.links),
    )


def _part(words: Mapping[str, Mapping[str, str]], name: str, condition: Condition) -> str:
    mark = words["condition"]["ok" if condition.ok else "fault"]
    title = words["parts"].get(name, name)
    return (
        f'<tr class="{"ok" if condition.ok else "fault"}"><th scope="row">{escape(title)}</th>'
        f"<td>{escape(mark)}</td><td>{escape(condition.detail)}</td></tr>"
    )
