"""The OpenAPI document, from the routes that there are, the models they check and the nouns they answer with."""

import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from importlib.metadata import version
from typing import Any

from aiohttp import web
from pydantic import BaseModel, TypeAdapter

from voicebot.core.ticket import Ticket
from voicebot.desk.agents import Agent
from voicebot.desk.figures import DayFigures
from voicebot.desk.ports import Passage, Suggestion
from voicebot.storage.accounts import Account
from voicebot.storage.audit import AuditEvent
from voicebot.storage.records import CallLine
from voicebot.web.account_routes import AccountBody, LoginBody, PasswordBody
from voicebot.web.desk_routes import ColleagueBody, EditBody, EntryBody, OutcomeBody, StateBody
from voicebot.web.doorkeeper import EVERYBODY, Doorkeeper
from voicebot.web.headset_routes import HeadsetBody, ListenBody
from voicebot.web.record_routes import TicketStateBody
from voicebot.web.third_party_routes import ContactBody
from voicebot.web.webhook_routes import WebhookBody

_BODIES: tuple[type[BaseModel], ...] = (
    AccountBody,
    ColleagueBody,
    ContactBody,
    EditBody,
    EntryBody,
    HeadsetBody,
    ListenBody,
    LoginBody,
    OutcomeBody,
    PasswordBody,
    StateBody,
    TicketStateBody,
    WebhookBody,
)
_NOUNS: tuple[type[object], ...] = (Account, Agent, AuditEvent, CallLine, DayFigures, Passage, Suggestion, Ticket)
_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
        }
    },
}
_CHOICES = {"kind": ["csv", "xlsx"], "format": ["json", "xml"]}
_PREFIXES = ("/api/", "/open311/")


def openapi_routes(doorkeeper: Doorkeeper) -> list[web.RouteDef]:
    """``/api/openapi.json``."""

    async def document(request: web.Request) -> web.Response:
        return web.json_response(describe(request.app))

    return [web.get("/api/openapi.json", doorkeeper.guard(document, EVERYBODY, program=True, newcomer=True))]


def described() -> dict[str, dict[str, Any]]:
    """What ``api.toml`` says, by method and path."""
    return tomllib.loads((resources.files("voicebot.web") / "api.toml").read_text(encoding="utf-8"))


def routes_of(app: web.Application) -> Iterable[tuple[str, str, frozenset[str]]]:
    """Method, path and roles of every route of the API."""
    for route in app.router.routes():
        path = route.resource.canonical if route.resource else ""
        if route.method != "HEAD" and path.startswith(_PREFIXES):
            yield route.method, path, frozenset(role.value for role in getattr(route.handler, "roles", ()))


def describe(app: web.Application) -> dict[str, Any]:
    """The document of OpenAPI 3.1."""
    words = described()
    paths: dict[str, dict[str, Any]] = {}
    for method, path, roles in routes_of(app):
        paths.setdefault(path, {})[method.lower()] = _operation(path, words[f"{method} {path}"], roles)
    return {
        "openapi": "3.1.0",
        "info": {"title": "12345 热线语音受理", "version": version("hotline-voicebot")},
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "login": {"type": "apiKey", "in": "cookie", "name": "hotline_login"},
                "token": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _operation(path: str, words: Mapping[str, Any], roles: frozenset[str]) -> dict[str, Any]:
    blanks = [part.partition("}")[0] for part in path.split("{")[1:]]
    parameters = [
        *({"name": name, "in": "path", "required": True, "schema": _blank(name)} for name in blanks),
        *({"name": name, "in": "query", "schema": {"type": "string"}} for name in words.get("query", ())),
    ]
    operation: dict[str, Any] = {
        "summary": words["summary"],
        "responses": {
            str(words.get("status", 200)): {"description": "成功", "content": _content(words)},
            "default": {"description": "拒绝", "content": _refusal(path)},
        },
        "parameters": parameters,
    }
    if "body" in words:
        operation["requestBody"] = {
            "required": True, "content": {"application/json": {"schema": _ref(words["body"])}}
        }  # fmt: skip
    if roles:
        operation["security"] = [{"login": []}, {"token": []}]
        operation["x-roles"] = sorted(roles)
    return operation


def _refusal(path: str) -> dict[str, Any]:
    """Open311 has a form of its own for errors, beside ours for who may not ask."""
    if path.startswith("/open311/"):
        return {"application/json": {}, "text/xml": {}}
    return {"application/json": {"schema": _ref("Error")}}


def _blank(name: str) -> dict[str, Any]:
    """A part of the path: free, or one of a few."""
    return {"type": "string", "enum": _CHOICES[name]} if name in _CHOICES else {"type": "string"}


def _content(words: Mapping[str, Any]) -> dict[str, Any]:
    if "media" in words:
        return {media: {} for media in words["media"]}
    schema: dict[str, Any] = {"type": "object"}
    if "response" in words:
        schema = _ref(words["response"])
        if "list" in words:
            name = words["list"]
            many = {"type": "array", "items": schema}
            schema = {"type": "object", "required": [name], "properties": {name: many}}
    return {"application/json": {"schema": schema}}


def _schemas() -> dict[str, Any]:
    schemas: dict[str, Any] = {"Error": _ERROR}
    for kind in (*_BODIES, *_NOUNS):
        schema = TypeAdapter(kind).json_schema(ref_template="#/components/schemas/{model}")
        schemas |= schema.pop("$defs", {})
        schemas[kind.__name__] = schema
    return schemas


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
