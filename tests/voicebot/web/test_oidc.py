"""Logging in with a certified provider that is not ours, over HTTP on loopback."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.databases import BOTH, new_database
from tests.support.office import Person, employ, new_office, opened_office, visitor
from tests.support.oidc_provider import CLIENT, SECRET, free_port, log_in, oidc_provider
from voicebot.core.clock import SystemClock
from voicebot.storage.accounts import Role
from voicebot.storage.database import Database
from voicebot.web.office import Office
from voicebot.web.server import WebServer
from voicebot.web.settings import WebSettings

pytestmark = [pytest.mark.network, pytest.mark.peer]


@asynccontextmanager
async def city(
    database: Database, *, oidc: dict[str, object] | None = None, **peer: object
) -> AsyncIterator[tuple[Office, WebServer]]:
    """An office whose people may log in with the provider."""
    port = free_port()
    public_url = f"http://127.0.0.1:{port}"
    with oidc_provider(public_url, **peer) as issuer:  # type: ignore[arg-type]
        told = {
            "issuer": issuer,
            "client_id": CLIENT,
            "client_secret": SECRET,
            "public_url": public_url,
            "roles": {"hotline-leads": "supervisor", "hotline-agents": "agent"},
            "extension_claim": "phone",
            **(oidc or {}),
        }
        settings = WebSettings.model_validate({"port": port, "oidc": told})
        office = new_office(database, SystemClock(), web=settings)
        async with opened_office(office, settings) as server:
            yield office, server


async def come(person: Person, name: str) -> tuple[int, str]:
    """Log in by way of the provider; the status and the page that one ends at."""
    async with person.http.get(person.url + "/login/oidc", allow_redirects=False) as answer:
        door = answer.headers["Location"]
    back = await log_in(person.http, door, name, person.url)
    async with person.http.get(back, allow_redirects=False) as answer:
        text = await answer.text()
        status = answer.status
    who = await person.ask("GET", "/api/me")
    person.csrf = str(who[1].get("csrf", ""))
    return status, text


@pytest.mark.parametrize(
    ("algorithm", "way", "claims_in_token"),
    [
        ("RS256", "client_secret_basic", False),
        ("ES256", "client_secret_post", False),
        ("ES256", "client_secret_basic", True),
    ],
)
@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.interop("oidc-provider", "OpenID Connect 登录：授权码、PKCE、RS256 与 ES256、UserInfo")
async def test_somebody_of_the_city_logs_in(
    kind: str, tmp_path: Path, algorithm: str, way: str, claims_in_token: bool
) -> None:
    peer = {"algorithm": algorithm, "way": way, "claims_in_token": claims_in_token}
    with new_database(kind, tmp_path) as database:
        async with city(database, **peer) as (office, server), visitor(server) as mei:
            await employ(office, "mei")
            status, page = await come(mei, "mei")
            assert status == 200, page
            _, me = await mei.ask("GET", "/api/me")
            assert (me["name"], me["role"], me["extension"], me["linked"]) == ("mei", "agent", "8001", True)
            assert (await mei.ask("GET", "/api/desk/options"))[0] == 200
            kinds = [event.kind for event in await office.people.audit.latest()]
            assert kinds == ["logged_in", "account_changed", "account_linked", "account_added"]


async def test_an_unknown_person_gets_an_account_only_when_the_settings_say_so(database: Database) -> None:
    async with city(database) as (office, server), visitor(server) as mei:
        status, page = await come(mei, "mei")
        assert status == 403
        assert "account_unknown" in page
        assert "voicebot users add" in page
        assert await office.people.accounts.all() == ()
    async with city(database, oidc={"create_accounts": True}) as (office, server), visitor(server) as mei:
        assert (await come(mei, "mei"))[0] == 200
        (account,) = await office.people.accounts.all()
        assert (account.display_name, account.role, account.must_change) == ("梅朵", Role.AGENT, False)


async def test_a_person_without_a_role_stays_outside(database: Database) -> None:
    async with city(database, oidc={"create_accounts": True}) as (office, server), visitor(server) as guest:
        status, page = await come(guest, "guest")
        assert (status, "role_missing" in page) == (403, True)
        assert (await guest.ask("GET", "/api/me"))[0] == 401
        (event,) = await office.people.audit.latest()
        assert (event.kind, event.detail["code"]) == ("login_refused", "role_missing")


async def test_a_closed_account_stays_closed(database: Database) -> None:
    async with city(database, oidc={"create_accounts": True}) as (office, server):
        await employ(office, "chief")
        await office.people.accounts.disable("chief", actor="test")
        async with visitor(server) as chief:  # closed before the first such login
            status, page = await come(chief, "chief")
            assert (status, "account_disabled" in page) == (403, True)
        async with visitor(server) as mei:
            assert (await come(mei, "mei"))[0] == 200
        await office.people.accounts.disable("mei", actor="test")
        async with visitor(server) as mei:  # and closed after it
            status, page = await come(mei, "mei")
            assert (status, "account_disabled" in page) == (403, True)
            assert (await mei.ask("GET", "/api/me"))[0] == 401


async def test_a_name_alone_does_not_make_an_administrator(database: Database) -> None:
    people = {"mei": {"preferred_username": "admin", "roles": ["hotline-agents"]}}
    async with city(database, people=people) as (office, server), visitor(server) as mei:
        await employ(office, "admin", Role.ADMINISTRATOR)
        status, page = await come(mei, "mei")
        assert (status, "account_taken" in page) == (403, True)
        admin = await office.people.accounts.find("admin")
        assert admin is not None
        assert (admin.role, admin.linked) == (Role.ADMINISTRATOR, False)


async def test_the_next_person_of_the_same_name_does_not_get_the_account(database: Database) -> None:
    people = {
        "one": {"preferred_username": "zhang", "roles": ["hotline-agents"]},
        "two": {"preferred_username": "zhang", "roles": ["hotline-agents"]},
    }
    async with city(database, people=people, oidc={"create_accounts": True}) as (office, server):
        async with visitor(server) as one, visitor(server) as two:
            assert (await come(one, "one"))[0] == 200
            status, page = await come(two, "two")
            assert (status, "account_taken" in page) == (403, True)
            assert (await one.ask("GET", "/api/me"))[0] == 200  # nor can they put the first one out
        await office.people.accounts.unlink("zhang", actor="test")
        async with visitor(server) as two:
            assert (await come(two, "two"))[0] == 200


async def test_a_one_time_password_is_good_for_nothing_once_the_account_is_linked(database: Database) -> None:
    async with city(database) as (office, server):
        async with visitor(server) as admin:
            await employ(office, "p-admin", Role.ADMINISTRATOR)
            await admin.log_in("p-admin")
            _, made = await admin.ask("POST", "/api/accounts", {"name": "mei", "role": "agent"})
        async with visitor(server) as mei:
            assert (await come(mei, "mei"))[0] == 200
            assert (await mei.ask("GET", "/api/desk/options"))[0] == 200  # and need not be changed
            assert await mei.log_in("mei", str(made["one_time_password"])) == 401


async def test_passwords_can_be_left_to_administrators(database: Database) -> None:
    async with city(database, oidc={"local_login": "administrators"}) as (office, server), visitor(server) as person:
        await employ(office, "mei")
        await employ(office, "p-admin", Role.ADMINISTRATOR)
        assert await person.log_in("mei") == 403
        assert await person.log_in("p-admin") == 200


@pytest.mark.interop("oidc-provider", "退出时一并退出（RP-Initiated Logout）")
async def test_who_logs_out_is_shown_the_way_out_of_the_provider_too(database: Database) -> None:
    async with city(database) as (office, server), visitor(server) as mei:
        await employ(office, "mei")
        await employ(office, "wang")
        await come(mei, "mei")
        _, answer = await mei.ask("POST", "/api/logout")
        assert (await mei.ask("GET", "/api/me"))[0] == 401
        way_out = str(answer["way_out"])
        query = parse_qs(urlsplit(way_out).query)
        assert query == {"client_id": [CLIENT], "post_logout_redirect_uri": [f"{server.url}/login"]}
        async with mei.http.get(way_out) as asked:
            assert asked.status == 200
            assert "Do you want to sign-out" in await asked.text()
        await mei.log_in("wang")  # with a password: the provider has nothing to do with it
        assert (await mei.ask("POST", "/api/logout"))[1] == {"way_out": ""}


async def test_a_code_and_a_way_back_are_good_for_one_login(database: Database) -> None:
    async with city(database) as (office, server), visitor(server) as mei, visitor(server) as thief:
        await employ(office, "mei")
        async with mei.http.get(server.url + "/login/oidc", allow_redirects=False) as answer:
            door, attempt = answer.headers["Location"], answer.cookies["hotline_oidc"].value
        back = await log_in(mei.http, door, "mei", server.url)
        async with thief.http.get(back) as answer:  # in a browser that did not begin it
            assert (answer.status, "state_wrong" in await answer.text()) == (400, True)
        async with mei.http.get(back) as answer:
            assert answer.status == 200
        async with mei.http.get(back) as answer:
            assert (answer.status, "state_wrong" in await answer.text()) == (400, True)
        mei.http.cookie_jar.update_cookies({"hotline_oidc": attempt})  # even with the cookie put back
        async with mei.http.get(back) as answer:
            assert (answer.status, "code_refused" in await answer.text()) == (403, True)
