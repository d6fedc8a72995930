"""Logging in with the identity provider: the way out of our pages, and the way back in.

An attempt is one random secret in a cookie of the browser that began it. State, nonce and PKCE verifier follow from
it, so that nothing is kept on the server and any worker can finish what another began. RFC 9700 2.1.1, 4.7.
"""

import base64
import hashlib
import hmac
import secrets
from html import escape
from importlib import resources
from string import Template

import structlog
from aiohttp import web

from voicebot.core.errors import HotlineError, SignInError
from voicebot.core.ports import Clock
from voicebot.web.account_routes import People
from voicebot.web.doorkeeper import give_login, over_https
from voicebot.web.identity_provider import CALLBACK, IdentityProvider
from voicebot.web.rate import RateLimit
from voicebot.web.settings import OidcSettings, WebSettings
from voicebot.web.sign_in import ACTOR, account_for, refusal, wordings

log = structlog.get_logger(__name__)

_BEGIN = "/login/oidc"
_ATTEMPT = "hotline_oidc"
_ATTEMPT_S = 600
_PAGES = resources.files("voicebot.web") / "pages"
# RFC 6749 4.1.2.1 and OpenID Connect Core 3.1.2.6; the provider's own words are not put into the log.
_REFUSALS = frozenset(
    ("access_denied", "login_required", "consent_required", "interaction_required", "account_selection_required",
     "invalid_request", "unauthorized_client", "unsupported_response_type", "invalid_scope", "server_error",
     "temporarily_unavailable")
)  # fmt: skip


def oidc_routes(provider: IdentityProvider, people: People, settings: WebSettings, clock: Clock) -> list[web.RouteDef]:
    """``/login/oidc``, and where the provider sends the browser back to. Only where ``settings.oidc`` is there."""
    oidc = settings.oidc
    assert oidc is not None  # noqa: S101  else nobody builds these
    reception = _Reception(provider, people, settings, oidc, clock)
    return [web.get(_BEGIN, reception.begin), web.get(CALLBACK, reception.finish)]


class _Reception:
    def __init__(
        self, provider: IdentityProvider, people: People, settings: WebSettings, oidc: OidcSettings, clock: Clock
    ):
        self._provider = provider
        self._people = people
        self._settings = settings
        self._oidc = oidc
        per_minute = settings.logins_per_minute
        self._begun = RateLimit(clock, per_minute=per_minute, burst=per_minute)
        self._finished = RateLimit(clock, per_minute=per_minute, burst=per_minute)
        self._arrived = (_PAGES / "arrived.html").read_text(encoding="utf-8")
        self._refused = Template((_PAGES / "sign_in_refused.html").read_text(encoding="utf-8"))

    async def begin(self, request: web.Request) -> web.Response:
        """Send the browser to the provider."""
        secret = secrets.token_urlsafe(32)
        try:
            _check_rate(self._begun, request)
            door = await self._provider.door(
                state=_follows(secret, "state"), nonce=_follows(secret, "nonce"), verifier=_follows(secret, "verifier")
            )
        except SignInError as error:
            return await self._refuse(error)
        response = web.Response(status=302, headers={"Location": door})
        # Lax: the provider's page leads back here.
        response.set_cookie(
            _ATTEMPT,
            secret,
            max_age=_ATTEMPT_S,
            httponly=True,
            samesite="Lax",
            secure=over_https(request, self._settings),
            path=_BEGIN,
        )
        return response

    async def finish(self, request: web.Request) -> web.Response:
        """Let in whom the provider has sent back, or say why not. The attempt is over in either case."""
        try:
            _check_rate(self._finished, request)
            response = await self._let_in(request)
        except SignInError as error:
            response = await self._refuse(error)
        except HotlineError as error:
            log.warning("sign_in_not_recorded", code=error.code)
            response = self._page(refusal("record_down"))
        response.del_cookie(_ATTEMPT, path=_BEGIN)
        return response

    async def _let_in(self, request: web.Request) -> web.Response:
        secret, query = request.cookies.get(_ATTEMPT, ""), request.query
        state = _follows(secret, "state").encode()
        if not secret or not hmac.compare_digest(query.get("state", "").encode(), state):
            raise refusal("state_wrong")
        await self._provider.check_issuer(query.get("iss"))
        if refused := query.get("error"):
            raise refusal("provider_refused", refused if refused in _REFUSALS else "other")
        claims = await self._provider.claims(
            query.get("code", ""), verifier=_follows(secret, "verifier"), nonce=_follows(secret, "nonce")
        )
        try:
            account = await account_for(claims, self._oidc, self._people.accounts)
        except SignInError as error:
            if error.code == "role_missing" and error.account:  # who may come in no longer may stay no longer
                await self._people.logins.close_all(error.account)
            raise
        token = await self._people.logins.open(account.name, request.remote or "")
        await self._people.audit.note(account.name, "logged_in", by=ACTOR)
        response = web.Response(text=self._arrived, content_type="text/html", charset="utf-8")
        give_login(response, request, token, self._settings)
        return response

    async def _refuse(self, error: SignInError) -> web.Response:
        log.warning("sign_in_refused", code=error.code, reason=error.reason)
        if error.code != "too_many":  # else whoever asks often enough fills the log
            try:
                await self._people.audit.note(
                    ACTOR, "login_refused", code=error.code, reason=error.reason, account=error.account
                )
            except HotlineError as failure:
                log.warning("sign_in_not_recorded", code=failure.code)
        return self._page(error)

    def _page(self, error: SignInError) -> web.Response:
        words = wordings()[error.code]
        text = self._refused.substitute(
            said=escape(words["said"]), remedy=escape(words["remedy"]), code=escape(error.code)
        )
        return web.Response(text=text, status=words["status"], content_type="text/html", charset="utf-8")


def _check_rate(limit: RateLimit, request: web.Request) -> None:
    if not limit.allows(request.remote or ""):
        raise refusal("too_many")


def _follows(secret: str, use: str) -> str:
    """What follows from the secret of an attempt for one use; nobody can turn it back. 43 characters, RFC 7636 4.1."""
    digest = hmac.new(secret.encode(), use.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
