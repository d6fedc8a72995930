"""The HTTP server: built from what it shows, started and stopped by the app."""

import errno
from collections.abc import Mapping

from aiohttp import web

from voicebot.core.errors import ConfigurationError
from voicebot.web.account_routes import account_routes
from voicebot.web.call_routes import CallDoor, call_routes
from voicebot.web.desk_routes import desk_routes
from voicebot.web.doorkeeper import Doorkeeper
from voicebot.web.editor_routes import editor_routes
from voicebot.web.figure_routes import figure_routes
from voicebot.web.front_page import Front, front_routes
from voicebot.web.headset_routes import headset_routes
from voicebot.web.health_routes import Health, Probe, health_routes
from voicebot.web.identity_provider import IdentityProvider
from voicebot.web.metrics import Metrics
from voicebot.web.office import Office
from voicebot.web.oidc_routes import oidc_routes
from voicebot.web.open311 import Open311, open311_routes
from voicebot.web.openapi import openapi_routes
from voicebot.web.page_routes import page_routes
from voicebot.web.proxies import behind
from voicebot.web.record_routes import record_routes
from voicebot.web.refusals import door
from voicebot.web.settings import WebSettings
from voicebot.web.third_party_routes import third_party_routes
from voicebot.web.webhook_routes import webhook_routes

_MAX_REQUEST_BYTES = 64 * 1024  # nothing is uploaded here
_SHUTDOWN_S = 3.0  # for answers that are under way


def build_web(
    settings: WebSettings,
    *,
    front: Front,
    probes: Mapping[str, Probe],
    metrics: Metrics,
    office: Office,
    calls: CallDoor | None = None,
) -> web.Application:
    """All pages and routes. ``probes`` maps a part (models, database, sip, queue) to the question how it is.

    ``calls`` opens the call page.
    """
    health = Health(probes, deadline_s=settings.probe_deadline_ms / 1000)
    app = web.Application(middlewares=[behind(settings.trusted_proxies), door()], client_max_size=_MAX_REQUEST_BYTES)
    app.add_routes(front_routes(front, health))
    app.add_routes(health_routes(health, metrics, office.record.queue))
    doorkeeper = Doorkeeper(
        office.people.logins,
        office.clock,
        token=settings.api_token.get_secret_value(),
        per_minute=settings.requests_per_minute,
    )
    provider = IdentityProvider(settings.oidc, office.clock) if settings.oidc is not None else None
    app.add_routes(account_routes(office.people, doorkeeper, settings, office.clock, provider))
    if provider is not None:
        app.add_routes(oidc_routes(provider, office.people, settings, office.clock))
    app.add_routes(record_routes(office.record, doorkeeper))
    app.add_routes(desk_routes(office.desk, doorkeeper))
    app.add_routes(third_party_routes(office.desk.held, office.desk.agents, office.record.audit, doorkeeper))
    app.add_routes(editor_routes(office.editing, doorkeeper))
    if office.headset is not None:
        app.add_routes(headset_routes(office.headset, office.record.audit, office.clock, doorkeeper))
    app.add_routes(figure_routes(office.figures, office.record.tickets, office.record.tenant, doorkeeper))
    app.add_routes(webhook_routes(office.webhooks, office.people.audit, doorkeeper))
    open311 = Open311(office.record.tickets, office.desk.help, office.clock, office.record.tenant)
    app.add_routes(open311_routes(open311, doorkeeper))
    app.add_routes(openapi_routes(doorkeeper))
    app.add_routes(page_routes(doorkeeper, provider=settings.oidc.title if settings.oidc is not None else ""))
    if calls is not None:
        app.add_routes(call_routes(calls, office.clock))
    return app


class WebServer:
    """Serves an application until it is stopped."""

    def __init__(self, app: web.Application, settings: WebSettings):
        self._app = app
        self._settings = settings
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Where a browser finds it; only while it runs."""
        assert self._runner is not None and self._runner.addresses  # noqa: S101, PT018 - asked before `start`
        host, port = self._runner.addresses[0][:2]
        if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
            host = "127.0.0.1"
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def start(self) -> None:
        """Listen; raises `ConfigurationError` with a remedy when the port is taken."""
        runner = web.AppRunner(self._app, access_log=None, shutdown_timeout=_SHUTDOWN_S)
        await runner.setup()
        host, port = self._settings.host, self._settings.port
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            await runner.cleanup()
            raise _not_listening(host, port, error) from error
        self._runner = runner

    async def stop(self) -> None:
        """Release the port; answers under way get a moment. Calling it twice does no harm."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()


def _not_listening(host: str, port: int, error: OSError) -> ConfigurationError:
    if error.errno == errno.EADDRINUSE:
        return ConfigurationError(
            f"网页端口 {port} 已被占用。", code="port_taken", remedy="请停掉占用它的程序，或改设置 web.port。"
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return ConfigurationError(
            f"没有权限使用网页端口 {port}。", code="port_refused", remedy="请改用 1024 以上的端口（设置 web.port）。"
        )
    return ConfigurationError(
        f"网页地址 {host}:{port} 不能使用。", code="address_refused", remedy="请核对设置 web.host。"
    )
