"""Logging in and out, one's own password, and the accounts of others."""

from dataclasses import dataclass

import structlog
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from voicebot.core.ports import Clock
from voicebot.storage.accounts import Account, Accounts, Role, one_time_password
from voicebot.storage.audit import Audit
from voicebot.storage.documents import to_document
from voicebot.storage.logins import Logins, csrf_of
from voicebot.web.doorkeeper import ADMIN, COOKIE, EVERYBODY, LOGIN, Doorkeeper, give_login, require_same_site
from voicebot.web.identity_provider import IdentityProvider
from voicebot.web.rate import RateLimit
from voicebot.web.refusals import body_of, refused
from voicebot.web.settings import WebSettings

log = structlog.get_logger(__name__)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class LoginBody(_Body):
    """Name and password."""

    name: str = Field(max_length=64)
    password: str = Field(max_length=200)


class PasswordBody(_Body):
    """One's old and new password."""

    old: str = Field(max_length=200)
    new: str = Field(max_length=200)


class AccountBody(_Body):
    """An account to be made."""

    name: str = Field(min_length=1, max_length=64)
    display_name: str = Field("", max_length=64)
    role: Role
    skills: tuple[str, ...] = ("general",)
    extension: str = Field("", max_length=128)


@dataclass(frozen=True, slots=True)
class People:
    """Accounts, their logins and what is kept about them."""

    accounts: Accounts
    logins: Logins
    audit: Audit


def account_routes(
    people: People,
    doorkeeper: Doorkeeper,
    settings: WebSettings,
    clock: Clock,
    provider: IdentityProvider | None = None,
) -> list[web.RouteDef]:
    """``/api/login`` and everything about accounts. Who logs out is told the way out of ``provider``, too."""
    limit = RateLimit(clock, per_minute=settings.logins_per_minute, burst=settings.logins_per_minute)

    async def login(request: web.Request) -> web.Response:
        require_same_site(request)
        address = request.remote or ""
        if not limit.allows(address):
            log.warning("login_too_often")
            raise refused(web.HTTPTooManyRequests, "too_many", "尝试太频繁，请一分钟后再试。")
        given = await body_of(request, LoginBody)
        account = await people.accounts.check(given.name.strip().lower(), given.password)
        if account is None:
            log.warning("login_failed", name_pii=given.name)
            raise refused(web.HTTPUnauthorized, "login_wrong", "用户名或密码不对。")
        if account.role is not Role.ADMINISTRATOR and settings.oidc and settings.oidc.local_login != "everybody":
            log.warning("login_elsewhere")
            raise refused(web.HTTPForbidden, "login_elsewhere", f"请用{settings.oidc.title}登录。")
        token = await people.logins.open(account.name, address)
        await people.audit.note(account.name, "logged_in")
        response = web.json_response(_me(account, csrf_of(token)))
        give_login(response, request, token, settings)
        return response

    async def logout(request: web.Request) -> web.Response:
        await people.logins.close(request.cookies.get(COOKIE, ""))
        account = request[LOGIN].account
        await people.audit.note(account.name, "logged_out")
        way_out = await provider.way_out() if provider is not None and account.linked else ""
        response = web.json_response({"way_out": way_out})
        response.del_cookie(COOKIE, path="/")
        return response

    async def me(request: web.Request) -> web.Response:
        found = request[LOGIN]
        return web.json_response(_me(found.account, found.csrf))

    async def own_password(request: web.Request) -> web.Response:
        given, account = await body_of(request, PasswordBody), request[LOGIN].account
        if await people.accounts.check(account.name, given.old) is None:
            raise refused(web.HTTPForbidden, "login_wrong", "原密码不对。")
        await people.accounts.set_password(account.name, given.new, actor=account.name)
        await people.logins.close_all(account.name, except_token=request.cookies.get(COOKIE, ""))
        return web.json_response({})

    async def everybody(_request: web.Request) -> web.Response:
        return web.json_response({"accounts": [to_document(each) for each in await people.accounts.all()]})

    async def add(request: web.Request) -> web.Response:
        given, password = await body_of(request, AccountBody), one_time_password()
        account = Account(given.name, given.display_name, given.role, given.skills, given.extension, must_change=True)
        await people.accounts.add(account, password, actor=request[LOGIN].account.name)
        return web.json_response({"one_time_password": password}, status=201)

    async def reset(request: web.Request) -> web.Response:
        name, password = request.match_info["name"], one_time_password()
        await people.accounts.set_password(name, password, actor=request[LOGIN].account.name, must_change=True)
        await people.logins.close_all(name)
        return web.json_response({"one_time_password": password})

    async def disable(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name == request[LOGIN].account.name:
            raise refused(web.HTTPConflict, "account_own", "不能停用自己的账号。")
        await people.accounts.disable(name, actor=request[LOGIN].account.name)
        await people.logins.close_all(name)
        return web.json_response({})

    guard = doorkeeper.guard
    return [
        web.post("/api/login", login),
        web.post("/api/logout", guard(logout, EVERYBODY, newcomer=True)),
        web.get("/api/me", guard(me, EVERYBODY, newcomer=True)),
        web.post("/api/me/password", guard(own_password, EVERYBODY, newcomer=True)),
        web.get("/api/accounts", guard(everybody, ADMIN)),
        web.post("/api/accounts", guard(add, ADMIN)),
        web.post("/api/accounts/{name}/password", guard(reset, ADMIN)),
        web.post("/api/accounts/{name}/disable", guard(disable, ADMIN)),
    ]


def _me(account: Account, csrf: str) -> dict[str, object]:
    return {**to_document(account), "csrf": csrf}
