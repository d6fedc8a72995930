"""Who may pass: a login in a cookie with its CSRF token, or the bearer token of another program."""

import hmac
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from voicebot.core.ports import Clock
from voicebot.storage.accounts import Role
from voicebot.storage.logins import Login, Logins
from voicebot.web.rate import RateLimit
from voicebot.web.refusals import refused, route_of
from voicebot.web.settings import WebSettings

log = structlog.get_logger(__name__)

COOKIE = "hotline_login"
CSRF_HEADER = "X-CSRF-Token"
LOGIN = web.RequestKey("login", Login)
ACTOR = web.RequestKey("actor", str)
PROGRAM = "api"
"""The actor in logs when another program asked."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

EVERYBODY = frozenset(Role)
DESK = frozenset({Role.AGENT, Role.SUPERVISOR, Role.ADMINISTRATOR})
LEADS = frozenset({Role.SUPERVISOR, Role.ADMINISTRATOR})
READERS = frozenset({Role.AGENT, Role.SUPERVISOR, Role.AUDITOR, Role.ADMINISTRATOR})
EDITORS = frozenset({Role.EDITOR, Role.SUPERVISOR, Role.ADMINISTRATOR})
AUDIT = frozenset({Role.AUDITOR, Role.ADMINISTRATOR})
ADMIN = frozenset({Role.ADMINISTRATOR})

_READING = ("GET", "HEAD", "OPTIONS")


class Doorkeeper:
    """Asks everybody who comes to a guarded route for what lets them in; each refusal is logged.

    There is no exception for requests from this machine: behind a reverse proxy all of them look so.
    """

    def __init__(self, logins: Logins, clock: Clock, *, token: str, per_minute: int):
        self._logins = logins
        self._token = token
        self._limit = RateLimit(clock, per_minute=per_minute, burst=per_minute)

    def guard(
        self,
        handler: Handler,
        roles: frozenset[Role],
        *,
        program: bool = False,
        newcomer: bool = False,
        page: bool = False,
    ) -> Handler:
        """``handler`` for people with one of ``roles`` only.

        ``program``: the bearer token opens it, too. ``newcomer``: even those who still have to choose a
        password may pass. ``page``: who is not logged in is sent to the login page.
        """

        async def checked(request: web.Request) -> web.StreamResponse:
            token = request.cookies.get(COOKIE, "")
            if not token and page:
                raise web.HTTPFound("/login")
            if not token:
                self._check_program(request, program)
                request[ACTOR] = PROGRAM
                return await handler(request)
            login = await self._logins.find(token)
            if login is None and page:
                raise web.HTTPFound("/login")
            self._check(request, login, roles, newcomer)
            assert login is not None  # noqa: S101  `_check` refused it
            request[LOGIN], request[ACTOR] = login, login.account.name
            return await handler(request)

        checked.roles = roles  # type: ignore[attr-defined]  # a test walks the table of routes
        return checked

    def _check_program(self, request: web.Request, program: bool) -> None:
        if not program:
            raise self._refuse(request, web.HTTPUnauthorized, "login_needed", "请先登录。")
        if not self._token:
            raise self._refuse(
                request, web.HTTPForbidden, "api_closed", "接口未开放：请登录，或在设置 web.api_token 中设定口令。"
            )
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), self._token.encode()):
            raise self._refuse(
                request,
                web.HTTPUnauthorized,
                "token_wrong",
                "口令缺失或不对。",
                headers={"WWW-Authenticate": "Bearer"},
            )
        self._check_rate(request, PROGRAM)

    def _check(self, request: web.Request, login: Login | None, roles: frozenset[Role], newcomer: bool) -> None:
        if login is None:
            raise self._refuse(request, web.HTTPUnauthorized, "login_over", "登录已失效，请重新登录。")
        name = login.account.name
        if request.method not in _READING:
            require_same_site(request)
            given = request.headers.get(CSRF_HEADER, "")
            if not hmac.compare_digest(given.encode(), login.csrf.encode()):
                raise self._refuse(request, web.HTTPForbidden, "csrf_wrong", "请求没有通过核对，请刷新页面。", name)
        if login.account.role not in roles:
            raise self._refuse(request, web.HTTPForbidden, "role_wrong", "您的角色没有这项权限。", name)
        if login.account.must_change and not newcomer:
            raise self._refuse(request, web.HTTPForbidden, "password_due", "请先设定自己的密码。", name)
        self._check_rate(request, name)

    def _check_rate(self, request: web.Request, asker: str) -> None:
        if not self._limit.allows(asker):
            raise self._refuse(request, web.HTTPTooManyRequests, "too_many", "请求太频繁，请稍等。", asker)

    @staticmethod
    def _refuse(
        request: web.Request,
        kind: type[web.HTTPException],
        code: str,
        message: str,
        actor: str = "",
        headers: dict[str, str] | None = None,
    ) -> web.HTTPException:
        log.warning("access_refused", route=route_of(request), method=request.method, code=code, actor=actor)
        return refused(kind, code, message, headers=headers)


def give_login(response: web.Response, request: web.Request, token: str, settings: WebSettings) -> None:
    """Let a browser in from now on."""
    response.set_cookie(COOKIE, token, httponly=True, samesite="Strict", secure=over_https(request, settings), path="/")


def over_https(request: web.Request, settings: WebSettings) -> bool:
    """Whether a cookie may be sent back over HTTPS only."""
    return settings.secure_cookie == "always" or request.secure


def require_same_site(request: web.Request) -> None:
    """Refuse what a page of another site sent, where the browser tells (Fetch Metadata)."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise refused(web.HTTPForbidden, "foreign_site", "不接受来自其他网站的请求。")
