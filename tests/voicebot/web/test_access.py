"""Nobody passes without what lets them in: every route of the table, every way of not being allowed."""

from collections.abc import AsyncIterator

import pytest

from tests.fakes.clock import FakeClock
from tests.support.office import PASSWORD, employ, new_office, opened_office, visitor
from voicebot.storage.accounts import Role
from voicebot.storage.database import Database
from voicebot.web.front_page import Front
from voicebot.web.metrics import Metrics
from voicebot.web.office import Office
from voicebot.web.server import WebServer, build_web
from voicebot.web.settings import WebSettings

pytestmark = pytest.mark.network

PUBLIC = {"/", "/style.css", "/healthz", "/readyz", "/metrics", "/login", "/api/login"}
SETTINGS = WebSettings(port=0, lock_after_failures=3, logins_per_minute=50)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def office(database: Database, clock: FakeClock) -> Office:
    return new_office(database, clock, web=SETTINGS)


@pytest.fixture
async def server(office: Office) -> AsyncIterator[WebServer]:
    for role in Role:
        await employ(office, f"p-{role.value}", role)
    async with opened_office(office, SETTINGS) as server:
        yield server


def _routes(office: Office) -> list[tuple[str, str, frozenset[Role] | None]]:
    app = build_web(SETTINGS, front=Front("热线", "sip:x"), probes={}, metrics=Metrics(), office=office)
    found = []
    for route in app.router.routes():
        assert route.resource is not None
        path = route.resource.canonical
        if route.method != "HEAD" and path not in PUBLIC and not path.startswith("/static/"):
            found.append((route.method, path, getattr(route.handler, "roles", None)))
    return found


BLANKS = {
    "call_id": "call-1",
    "number": "LY2026030200001",
    "name": "p-agent",
    "kind": "csv",
    "hook_id": "1",
    "message_id": "1",
    "format": "json",
}


def _filled(path: str) -> str:
    return path.format_map(BLANKS)


async def test_every_route_says_who_may_pass(office: Office) -> None:
    routes = _routes(office)
    assert len(routes) > 25
    assert [path for _, path, roles in routes if not roles] == []


async def test_without_a_login_nobody_passes(office: Office, server: WebServer) -> None:
    async with visitor(server) as stranger:
        for method, path, _ in _routes(office):
            status, answer = await stranger.ask(method, _filled(path))
            assert status in ((302,) if "text" in answer else (401, 403)), (method, path)


async def test_with_the_wrong_role_nobody_passes(office: Office, server: WebServer) -> None:
    for role in Role:
        async with visitor(server) as person:
            assert await person.log_in(f"p-{role.value}") == 200
            for method, path, roles in _routes(office):
                assert roles is not None
                if role not in roles:
                    status, answer = await person.ask(method, _filled(path))
                    assert (status, answer["error"]["code"]) == (403, "role_wrong"), (method, path)  # type: ignore[index]


@pytest.mark.parametrize("csrf", ["", "forged"])
async def test_a_forged_csrf_token_changes_nothing(office: Office, server: WebServer, csrf: str) -> None:
    async with visitor(server) as person:
        await person.log_in("p-administrator")
        person.csrf = csrf
        for method, path, _ in _routes(office):
            if method != "GET":
                status, answer = await person.ask(method, _filled(path))
                assert (status, answer["error"]["code"]) == (403, "csrf_wrong"), (method, path)  # type: ignore[index]


async def test_a_request_from_another_site_is_refused(server: WebServer) -> None:
    async with visitor(server) as person:
        await person.log_in("p-agent")
        status, _ = await person.ask("POST", "/api/logout", **{"Sec-Fetch-Site": "cross-site"})
        assert status == 403


async def test_an_expired_a_revoked_and_an_invented_login_are_over(
    server: WebServer, office: Office, clock: FakeClock
) -> None:
    async with visitor(server) as person:
        await person.log_in("p-agent")
        assert (await person.ask("GET", "/api/me"))[0] == 200
        clock.advance(SETTINGS.login_idle_s + 1)
        assert (await person.ask("GET", "/api/me"))[0] == 401
        await person.log_in("p-agent")
        await office.people.logins.close_all("p-agent")
        assert (await person.ask("GET", "/api/me"))[0] == 401
        person.http.cookie_jar.update_cookies({"hotline_login": "invented"})
        assert (await person.ask("GET", "/api/me"))[0] == 401


async def test_who_logs_out_is_out_on_the_server_too(server: WebServer) -> None:
    async with visitor(server) as person:
        await person.log_in("p-agent")
        (cookie,) = list(person.http.cookie_jar)
        assert cookie["httponly"]
        assert cookie["samesite"] == "Strict"
        assert (await person.ask("POST", "/api/logout"))[0] == 200
        person.http.cookie_jar.update_cookies({"hotline_login": cookie.value})
        assert (await person.ask("GET", "/api/me"))[0] == 401


async def test_wrong_passwords_lock_the_account_for_a_while(server: WebServer, clock: FakeClock) -> None:
    async with visitor(server) as person:
        for _ in range(SETTINGS.lock_after_failures):
            assert await person.log_in("p-agent", "falsch") == 401
        assert await person.log_in("p-agent") == 429
        clock.advance(SETTINGS.lock_s + 1)
        assert await person.log_in("p-agent") == 200


async def test_nobody_learns_which_names_there_are(server: WebServer) -> None:
    async with visitor(server) as person:
        known = await person.ask("POST", "/api/login", {"name": "p-agent", "password": "falsch"})
        unknown = await person.ask("POST", "/api/login", {"name": "nobody", "password": "falsch"})
        assert known == unknown


async def test_too_many_attempts_from_one_address_are_slowed_down(office: Office, clock: FakeClock) -> None:
    settings = WebSettings(port=0, logins_per_minute=2)
    async with opened_office(office, settings) as server, visitor(server) as person:
        assert [await person.log_in("nobody", "x") for _ in range(3)] == [401, 401, 429]
        clock.advance(31)
        assert await person.log_in("nobody", "x") == 401


async def test_a_one_time_password_must_be_changed_first(server: WebServer, office: Office) -> None:
    async with visitor(server) as admin, visitor(server) as newcomer:
        await admin.log_in("p-administrator")
        body = {"name": "neu", "display_name": "小新", "role": "agent"}
        status, made = await admin.ask("POST", "/api/accounts", body)
        assert status == 201
        assert await newcomer.log_in("neu", str(made["one_time_password"])) == 200
        status, answer = await newcomer.ask("GET", "/api/desk/board")
        assert (status, answer["error"]["code"]) == (403, "password_due")  # type: ignore[index]
        change = {"old": made["one_time_password"], "new": "ein-neues-passwort"}
        assert (await newcomer.ask("POST", "/api/me/password", change))[0] == 200
        assert (await newcomer.ask("GET", "/api/desk/board"))[0] == 200
        assert (await admin.ask("POST", "/api/accounts/neu/disable"))[0] == 200
        assert (await newcomer.ask("GET", "/api/desk/board"))[0] == 401


@pytest.mark.parametrize("password", ["kurz", "p-agent-ist-das"])
async def test_a_weak_password_is_refused(server: WebServer, password: str) -> None:
    async with visitor(server) as person:
        await person.log_in("p-agent")
        status, answer = await person.ask("POST", "/api/me/password", {"old": PASSWORD, "new": password})
        assert (status, answer["error"]["code"]) == (400, "password_weak")  # type: ignore[index]


async def test_pages_hold_no_script_or_style_of_their_own(server: WebServer) -> None:
    async with visitor(server) as person:
        await person.log_in("p-administrator")
        for path in ("/", "/login", "/desk", "/desk/supervisor", "/account"):
            _, answer = await person.ask("GET", path)
            page = str(answer["text"])
            assert "<style" not in page
            assert " style=" not in page
            assert " onclick=" not in page
            assert "<script>" not in page
            assert "unsafe" not in page
