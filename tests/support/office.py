"""An office with a web server around it, and people who log in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from argon2 import PasswordHasher

from tests.fakes.desk_help import FakeDeskHelp
from voicebot.core.errors import LineError
from voicebot.core.ports import AgentQueue, Clock
from voicebot.desk.agent_queue import SqlAgentQueue
from voicebot.desk.settings import DeskSettings
from voicebot.pipeline.held import HeldCalls
from voicebot.storage.accounts import Account, Role
from voicebot.storage.changes import Changes
from voicebot.storage.database import Database
from voicebot.storage.tickets import SqlTicketStore
from voicebot.web.call_routes import CallDoor
from voicebot.web.front_page import Front
from voicebot.web.headset_routes import HeadsetDoor
from voicebot.web.metrics import Metrics
from voicebot.web.office import Office
from voicebot.web.server import WebServer, build_web
from voicebot.web.settings import WebSettings

PASSWORD = "korrekt-pferd-9"


def new_office(
    database: Database,
    clock: Clock,
    *,
    web: WebSettings | None = None,
    desk: DeskSettings | None = None,
    queue: AgentQueue | None = None,
    changes: Changes | None = None,
    headset: HeadsetDoor | None = None,
    held: HeldCalls | None = None,
) -> Office:
    """An office on a database; nobody answers its headsets unless ``headset`` does."""
    changes, desk = changes or Changes(database), desk or DeskSettings()
    return Office.build(
        database,
        clock,
        web=web or WebSettings(port=0),
        desk=desk,
        changes=changes,
        tickets=SqlTicketStore(database, clock),
        queue=queue or SqlAgentQueue(database, clock, desk, changes),
        recordings=None,
        desk_help=FakeDeskHelp(),
        tenant="luoyang",
        hasher=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1),
        headset=headset or HeadsetDoor(_nobody, CallDoor(_nobody_calls, 6), _nowhere),
        held=held,
    )


async def _nobody(agent: str, offer: str) -> str:
    raise LineError("没有人接。", code="offer_invalid", remedy="")


def _nowhere(agent: str, call_id: str, mode: str) -> None:
    raise LineError("没有耳机。", code="no_headset", remedy="")


async def _nobody_calls(offer: str) -> str:
    raise LineError("没有人接。", code="offer_invalid", remedy="")


async def employ(office: Office, name: str, role: Role = Role.AGENT, display_name: str = "") -> Account:
    """Give somebody an account."""
    account = Account(name, display_name or name.upper(), role)
    await office.people.accounts.add(account, PASSWORD, actor="test")
    return account


@asynccontextmanager
async def opened_office(office: Office, settings: WebSettings) -> AsyncIterator[WebServer]:
    """The office's pages on a free port."""
    app = build_web(settings, front=Front("热线", "sip:12345@192.0.2.7"), probes={}, metrics=Metrics(), office=office)
    server = WebServer(app, settings)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@dataclass
class Person:
    """Somebody with a browser's cookies and CSRF token."""

    http: aiohttp.ClientSession
    url: str
    csrf: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    async def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, dict[str, object]]:
        """One request; the status and the JSON."""
        sent = {"X-CSRF-Token": self.csrf, **self.headers, **headers}
        async with self.http.request(
            method, self.url + path, json=body, headers=sent, allow_redirects=False
        ) as response:
            is_json = response.content_type == "application/json"
            return response.status, await response.json() if is_json else {"text": await response.text()}

    async def log_in(self, name: str, password: str = PASSWORD) -> int:
        """Log in; the status."""
        status, answer = await self.ask("POST", "/api/login", {"name": name, "password": password})
        self.csrf = str(answer.get("csrf", ""))
        return status


@asynccontextmanager
async def visitor(server: WebServer) -> AsyncIterator[Person]:
    """Somebody who has not logged in."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        yield Person(http, server.url)
