"""A provider that lies, is down or is somebody else: nobody gets in, everybody is told what to do."""

import base64
import hmac
import json
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest
from joserfc.jwk import ECKey, KeySet, RSAKey
from structlog.testing import capture_logs

from tests.fakes.clock import FakeClock
from tests.support.certificates import write_certificate
from tests.support.hostile_provider import CLIENT, HostileProvider, hostile_provider
from tests.support.office import Person, employ, new_office, opened_office, visitor
from voicebot.storage.accounts import Role
from voicebot.storage.database import Database
from voicebot.web.office import Office
from voicebot.web.server import WebServer
from voicebot.web.settings import WebSettings
from voicebot.web.sign_in import wordings

pytestmark = pytest.mark.network


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def provider(clock: FakeClock) -> AsyncIterator[HostileProvider]:
    async with hostile_provider(lambda: clock.now().timestamp()) as provider:
        yield provider


@pytest.fixture
def settings(provider: HostileProvider) -> WebSettings:
    told = {
        "issuer": provider.issuer,
        "client_id": CLIENT,
        "public_url": "https://desk.example.gov.cn",
        "roles": {"hotline-agents": "agent"},
        "timeout_s": 0.5,
    }
    return WebSettings.model_validate({"port": 0, "logins_per_minute": 30, "oidc": told})


@pytest.fixture
async def office(database: Database, clock: FakeClock, settings: WebSettings) -> Office:
    office = new_office(database, clock, web=settings)
    await employ(office, "mei")
    return office


@pytest.fixture
async def server(office: Office, settings: WebSettings) -> AsyncIterator[WebServer]:
    async with opened_office(office, settings) as server:
        yield server


@pytest.fixture
async def mei(server: WebServer) -> AsyncIterator[Person]:
    async with visitor(server) as person:
        yield person


async def begin(person: Person, provider: HostileProvider) -> dict[str, str]:
    """Set out for the provider; what it is told."""
    async with person.http.get(person.url + "/login/oidc", allow_redirects=False) as answer:
        assert answer.status == 302, await answer.text()
        return provider.take_over(answer.headers["Location"])


async def finish(person: Person, **query: str) -> tuple[int, str]:
    """Come back; the status, and the code on the page ("" for none)."""
    url = person.url + "/login/oidc/callback"
    async with person.http.get(url, params=query, allow_redirects=False) as answer:
        page = await answer.text()
        code = page.partition("代码 <code>")[2].partition("</code>")[0]
        if code:
            assert wordings()[code]["status"] == answer.status
            assert wordings()[code]["said"] in page
            assert wordings()[code]["remedy"] in page
        return answer.status, code


async def attempt(person: Person, provider: HostileProvider) -> tuple[int, str]:
    sent = await begin(person, provider)
    return await finish(person, code="c", state=sent["state"])


async def assert_outside(person: Person, office: Office, code: str) -> None:
    assert (await person.ask("GET", "/api/me"))[0] == 401
    event = (await office.people.audit.latest())[0]
    assert (event.kind, event.detail["code"]) == ("login_refused", code)


async def test_an_honest_answer_lets_in(mei: Person, provider: HostileProvider, office: Office) -> None:
    sent = await begin(mei, provider)
    assert sent["tenant"] == "city"  # what the address of the provider has already stays
    assert (sent["response_type"], sent["scope"], sent["code_challenge_method"]) == ("code", "openid profile", "S256")
    assert sent["redirect_uri"] == "https://desk.example.gov.cn/login/oidc/callback"
    assert await finish(mei, code="c", state=sent["state"]) == (200, "")
    assert provider.redeemed["client_id"] == CLIENT  # a public client: PKCE alone
    assert len(provider.redeemed["code_verifier"]) == 43
    assert (await mei.ask("GET", "/api/me"))[1]["name"] == "mei"


def _unsigned(token: str) -> str:
    header = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    return f"{header}.{token.split('.')[1]}."


def _tampered(token: str) -> str:
    header, body, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    forged = base64.urlsafe_b64encode(json.dumps({**claims, "preferred_username": "chief"}).encode()).rstrip(b"=")
    return f"{header}.{forged.decode()}.{signature}"


def _signed_with_the_public_key(provider: HostileProvider, token: str) -> str:
    """The classic: the published key as the secret of an HMAC (RFC 8725 2.1)."""
    header = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "kid": provider.key.kid}).encode()).rstrip(b"=")
    signed = header + b"." + token.split(".")[1].encode()
    mac = hmac.digest(provider.key.as_pem(private=False), signed, "sha256")
    return (signed + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode()


def _with_a_key_along(provider: HostileProvider) -> None:
    provider.signer = RSAKey.generate_key(2048)
    provider.header.update(jwk=provider.signer.as_dict(private=False))


Change = Callable[[HostileProvider], None]
LIES: dict[str, Change] = {
    "another key": lambda p: setattr(p, "signer", RSAKey.generate_key(2048)),
    "another key that is unknown": lambda p: p.header.update(kid="nobody"),
    "no signature": lambda p: setattr(p, "token", _unsigned),
    "changed after it was signed": lambda p: setattr(p, "token", _tampered),
    "signed with the public key": lambda p: setattr(p, "token", partial(_signed_with_the_public_key, p)),
    "a key that it brings along": _with_a_key_along,
    "no token": lambda p: setattr(p, "token", lambda _: "no.token.atall"),
    "an empty token": lambda p: setattr(p, "token", lambda _: ""),
    "a token of garbage": lambda p: setattr(p, "token", lambda _: "ÿ\x00.." * 50),
    "another nonce": lambda p: p.claims.update(nonce="other"),
    "no nonce": lambda p: p.claims.update(nonce=None),
    "for somebody else": lambda p: p.claims.update(aud="mail"),
    "for others, too": lambda p: p.claims.update(aud=[CLIENT, "mail"]),
    "made for somebody else": lambda p: p.claims.update(azp="mail"),
    "for nobody": lambda p: p.claims.update(aud=None),
    "from somebody else": lambda p: p.claims.update(iss="https://elsewhere.example"),
    "from nobody": lambda p: p.claims.update(iss=None),
    "of nobody": lambda p: p.claims.update(sub=None),
    "of no word": lambda p: p.claims.update(sub=["s-1"]),
    "expired": lambda p: p.claims.update(exp=int(p.now()) - 61),
    "never to expire": lambda p: p.claims.update(exp=None),
    "expiring on a word": lambda p: p.claims.update(exp="tomorrow"),
    "from the future": lambda p: p.claims.update(iat=int(p.now()) + 120),
    "not yet good": lambda p: p.claims.update(nbf=int(p.now()) + 120),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
async def test_a_forged_token_lets_nobody_in(mei: Person, provider: HostileProvider, office: Office, lie: str) -> None:
    LIES[lie](provider)
    assert await attempt(mei, provider) == (403, "token_invalid")
    await assert_outside(mei, office, "token_invalid")


async def test_a_clock_may_be_off_by_a_minute(mei: Person, provider: HostileProvider) -> None:
    now = int(provider.now())
    provider.claims.update(exp=now - 30, iat=now + 30, nbf=now + 30)
    assert await attempt(mei, provider) == (200, "")


async def test_new_keys_of_the_provider_are_asked_for_but_not_for_every_forged_token(
    mei: Person, provider: HostileProvider, clock: FakeClock
) -> None:
    assert await attempt(mei, provider) == (200, "")
    provider.key = ECKey.generate_key("P-256", auto_kid=True)
    clock.advance(31)
    assert await attempt(mei, provider) == (200, "")
    provider.header.update(kid="nobody")
    for _ in range(5):
        assert await attempt(mei, provider) == (403, "token_invalid")
    assert provider.asked.count("/keys") == 2


async def test_keys_that_cannot_be_read_are_passed_over(mei: Person, provider: HostileProvider) -> None:
    good = KeySet([provider.key]).as_dict()["keys"]
    bad = [{"kty": "RSA", "n": "!", "e": 5}, {"kty": "AKP"}, "key", {}, {"kty": "oct", "k": "c2VjcmV0"}, None]
    provider.keys = {"keys": [*bad, *good]}
    assert await attempt(mei, provider) == (200, "")


@pytest.mark.parametrize("state", ["", "invented"])
async def test_an_answer_to_another_question_lets_nobody_in(
    mei: Person, provider: HostileProvider, office: Office, state: str
) -> None:
    await begin(mei, provider)
    assert await finish(mei, code="c", state=state) == (400, "state_wrong")
    await assert_outside(mei, office, "state_wrong")
    assert "/token" not in provider.asked


async def test_nobody_can_be_logged_in_by_a_link(mei: Person, provider: HostileProvider, server: WebServer) -> None:
    async with visitor(server) as attacker:
        sent = await begin(attacker, provider)
    assert await finish(mei, code="c", state=sent["state"]) == (400, "state_wrong")


async def test_a_code_that_was_used_is_good_for_nothing(mei: Person, provider: HostileProvider) -> None:
    async with mei.http.get(mei.url + "/login/oidc", allow_redirects=False) as answer:
        sent = provider.take_over(answer.headers["Location"])
        kept = answer.cookies["hotline_oidc"].value
    assert await finish(mei, code="c", state=sent["state"]) == (200, "")
    assert await finish(mei, code="c", state=sent["state"]) == (400, "state_wrong")  # the attempt is over
    mei.http.cookie_jar.update_cookies({"hotline_oidc": kept})
    assert await finish(mei, code="c", state=sent["state"]) == (403, "code_refused")


async def test_the_cookie_of_an_attempt_is_for_this_and_nothing_else(mei: Person, provider: HostileProvider) -> None:
    async with mei.http.get(mei.url + "/login/oidc", allow_redirects=False) as answer:
        cookie, door = answer.cookies["hotline_oidc"], answer.headers["Location"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/login/oidc")
    assert int(cookie["max-age"]) <= 600
    assert cookie.value not in door
    sent = provider.take_over(door)
    assert len({sent["state"], sent["nonce"], sent["code_challenge"]}) == 3


async def test_another_provider_cannot_answer_in_its_place(
    mei: Person, provider: HostileProvider, office: Office
) -> None:
    sent = await begin(mei, provider)
    assert await finish(mei, code="c", state=sent["state"], iss="https://elsewhere.example") == (403, "token_invalid")
    provider.discovery["authorization_response_iss_parameter_supported"] = True
    sent = await begin(mei, provider)
    assert await finish(mei, code="c", state=sent["state"], iss=provider.issuer) == (200, "")


async def test_a_provider_that_names_itself_must_do_so(mei: Person, provider: HostileProvider) -> None:
    provider.discovery["authorization_response_iss_parameter_supported"] = True
    assert await attempt(mei, provider) == (403, "token_invalid")


async def test_what_the_provider_says_no_to_is_told(mei: Person, provider: HostileProvider, office: Office) -> None:
    sent = await begin(mei, provider)
    with capture_logs() as lines:
        answer = await finish(mei, error="access_denied", error_description="王强不可以", state=sent["state"])
    assert answer == (403, "provider_refused")
    await assert_outside(mei, office, "provider_refused")
    sent = await begin(mei, provider)
    with capture_logs() as more:
        assert await finish(mei, error="王强", state=sent["state"]) == (403, "provider_refused")
    assert "王强" not in str(lines) + str(more)


@pytest.mark.parametrize(
    ("path", "answer", "code"),
    [
        ("/.well-known/openid-configuration", (503, b""), "provider_down"),
        ("/.well-known/openid-configuration", (404, b"{}"), "provider_down"),
        ("/.well-known/openid-configuration", (200, b"<html>"), "provider_invalid"),
        ("/.well-known/openid-configuration", (200, b"[" * 100_000), "provider_invalid"),
        ("/.well-known/openid-configuration", (200, b" " * 300_000), "provider_invalid"),
    ],
)
async def test_without_its_discovery_nobody_sets_out(
    mei: Person, provider: HostileProvider, office: Office, path: str, answer: tuple[int, bytes], code: str
) -> None:
    provider.answers[path] = answer
    async with mei.http.get(mei.url + "/login/oidc", allow_redirects=False) as page:
        assert page.status == 502
        assert wordings()[code]["remedy"] in await page.text()
    await assert_outside(mei, office, code)
    del provider.answers[path]  # well again: so are we, at once
    assert await attempt(mei, provider) == (200, "")


async def test_a_provider_that_says_nothing_is_not_waited_for(
    mei: Person, provider: HostileProvider, office: Office
) -> None:
    provider.silent_s = 2.0
    async with mei.http.get(mei.url + "/login/oidc", allow_redirects=False) as page:
        assert page.status == 502
    await assert_outside(mei, office, "provider_down")


@pytest.mark.parametrize("known", [True, False])
async def test_only_a_provider_whose_certificate_is_known_is_asked(
    database: Database, clock: FakeClock, tmp_path: Path, known: bool
) -> None:
    both, authority = write_certificate(tmp_path)
    async with hostile_provider(lambda: clock.now().timestamp(), both) as provider:
        told = {"issuer": provider.issuer, "client_id": CLIENT, "public_url": "https://desk.example.gov.cn"}
        oidc = {**told, "tls_authorities": authority if known else None}
        settings = WebSettings.model_validate({"port": 0, "oidc": oidc})
        office = new_office(database, clock, web=settings)
        await employ(office, "mei")
        async with opened_office(office, settings) as server, visitor(server) as mei:
            if known:
                assert await attempt(mei, provider) == (200, "")
                return
            async with mei.http.get(mei.url + "/login/oidc", allow_redirects=False) as page:
                assert page.status == 502
            await assert_outside(mei, office, "provider_down")


@pytest.mark.parametrize(
    "lie",
    [
        {"issuer": "https://elsewhere.example"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "http://sso.example.gov.cn/authorize"},  # not encrypted
        {"token_endpoint": None},
        {"jwks_uri": 5},
        {"id_token_signing_alg_values_supported": ["HS256", "none"]},
    ],
    ids=str,
)
async def test_a_provider_that_offers_what_it_must_not_is_refused(
    mei: Person, provider: HostileProvider, office: Office, lie: dict[str, object]
) -> None:
    provider.discovery.update(lie)
    async with mei.http.get(mei.url + "/login/oidc", allow_redirects=False) as page:
        assert page.status == 502
    await assert_outside(mei, office, "provider_invalid")


@pytest.mark.parametrize(
    ("path", "answer", "status", "code"),
    [
        ("/keys", (500, b""), 502, "provider_down"),
        ("/keys", (200, b'{"keys": []}'), 502, "provider_invalid"),
        ("/keys", (200, b'{"keys": "none"}'), 502, "provider_invalid"),
        ("/token", (500, b""), 502, "provider_down"),
        ("/token", (200, b"{}"), 403, "token_invalid"),
        ("/token", (200, b'{"id_token": 5}'), 403, "token_invalid"),
        ("/token", (302, b""), 403, "code_refused"),  # nowhere is a code carried after
        ("/token", (401, b'{"error": "invalid_client"}'), 502, "client_refused"),
    ],
)
async def test_a_provider_that_breaks_off_half_way_lets_nobody_in(
    mei: Person, provider: HostileProvider, office: Office, path: str, answer: tuple[int, bytes], status: int, code: str
) -> None:
    provider.answers[path] = answer
    assert await attempt(mei, provider) == (status, code)
    await assert_outside(mei, office, code)


@pytest.mark.parametrize("name", [None, "", "Zhang San", "zhang@city.gov.cn", "张三", "z" * 65, 5, ["mei"]])
async def test_a_name_that_no_account_can_have_is_told(
    mei: Person, provider: HostileProvider, office: Office, name: object
) -> None:
    provider.claims.update(preferred_username=name)
    assert await attempt(mei, provider) == (403, "name_unusable")
    await assert_outside(mei, office, "name_unusable")


async def test_who_loses_the_role_loses_the_login_too(
    mei: Person, provider: HostileProvider, server: WebServer
) -> None:
    assert await attempt(mei, provider) == (200, "")
    async with visitor(server) as elsewhere:
        provider.claims.update(roles=["other"])
        assert await attempt(elsewhere, provider) == (403, "role_missing")
    assert (await mei.ask("GET", "/api/me"))[0] == 401


async def test_a_role_that_changed_at_the_provider_changes_here(
    mei: Person, provider: HostileProvider, office: Office
) -> None:
    await office.people.accounts.change((await employ(office, "chief", Role.SUPERVISOR)), actor="test")
    provider.claims.update(preferred_username="chief", sub="s-2")
    assert await attempt(mei, provider) == (200, "")
    assert (await mei.ask("GET", "/api/me"))[1]["role"] == "agent"


@pytest.mark.parametrize("where", ["//elsewhere.example", "https://elsewhere.example/"])
async def test_nothing_that_comes_along_leads_elsewhere(mei: Person, provider: HostileProvider, where: str) -> None:
    forged = {"next": where, "redirect_uri": where, "return_to": where, "post_logout_redirect_uri": where}
    headers = {"Host": "elsewhere.example", "X-Forwarded-Host": "elsewhere.example"}
    url = mei.url + "/login/oidc"
    async with mei.http.get(url, params=forged, headers=headers, allow_redirects=False) as answer:
        door = answer.headers["Location"]
    assert door.startswith(provider.issuer)
    assert "elsewhere" not in door
    sent = provider.take_over(door)
    async with mei.http.get(
        url + "/callback", params={**forged, "code": "c", "state": sent["state"]}, allow_redirects=False
    ) as answer:
        assert answer.status == 200
        assert "Location" not in answer.headers
        assert "elsewhere" not in await answer.text()


async def test_whoever_tries_too_often_is_slowed_down(
    mei: Person, provider: HostileProvider, office: Office, clock: FakeClock
) -> None:
    for _ in range(30):
        assert (await finish(mei, state="x"))[1] == "state_wrong"
    assert await finish(mei, state="x") == (429, "too_many")
    assert len(await office.people.audit.latest(("login_refused",))) == 30  # the log is not filled by it
    clock.advance(61)
    assert await attempt(mei, provider) == (200, "")
    clock.advance(61)
    for _ in range(30):
        await begin(mei, provider)
    async with mei.http.get(mei.url + "/login/oidc", allow_redirects=False) as answer:
        assert answer.status == 429


async def test_no_token_and_no_personal_word_is_logged(mei: Person, provider: HostileProvider, office: Office) -> None:
    provider.claims.update(name="王小明", phone_number="13800138000")
    with capture_logs() as lines:
        sent = await begin(mei, provider)
        assert await finish(mei, code="the-secret-code", state=sent["state"]) == (200, "")
        provider.claims.update(nonce="other")
        sent = await begin(mei, provider)
        assert (await finish(mei, code="the-secret-code", state=sent["state"]))[0] == 403
    told = str(lines) + str(await office.people.audit.latest())
    assert "token_invalid" in told
    for secret in ("王小明", "13800138000", "the-secret-code", "eyJ", sent["state"], sent["nonce"]):
        assert secret not in told


async def test_the_login_page_names_the_provider_and_is_closed_off(mei: Person, provider: HostileProvider) -> None:
    _, answer = await mei.ask("GET", "/login")
    assert "用统一身份认证登录" in str(answer["text"])
    async with mei.http.get(mei.url + "/login/oidc/callback") as page:
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["Referrer-Policy"] == "no-referrer"


async def test_the_way_out_needs_no_provider_that_answers(
    mei: Person, provider: HostileProvider, clock: FakeClock
) -> None:
    provider.discovery["end_session_endpoint"] = f"{provider.issuer}/out"
    assert await attempt(mei, provider) == (200, "")
    mei.csrf = str((await mei.ask("GET", "/api/me"))[1]["csrf"])
    clock.advance(3601 - 10)
    await mei.ask("GET", "/api/me")
    clock.advance(20)  # what it offered is asked for again, in vain
    provider.answers["/.well-known/openid-configuration"] = (503, b"")
    status, answer = await mei.ask("POST", "/api/logout")
    assert (status, answer) == (200, {"way_out": ""})
    assert (await mei.ask("GET", "/api/me"))[0] == 401
