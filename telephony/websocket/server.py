"""Where Asterisk connects its calls by WebSocket."""

import asyncio
import hmac
import uuid
from collections.abc import AsyncIterator

import structlog
from aiohttp import WSMsgType, encode_basic_auth, hdrs, web

from telephony.settings import WebSocketSettings
from telephony.sip.addresses import is_withheld
from telephony.websocket.line import CODINGS, WebSocketLine
from telephony.websocket.protocol import Event, read_event
from voicebot.core.call import CallEnd, CallStart, Channel
from voicebot.core.errors import LineError
from voicebot.core.ports import Clock, Line

log = structlog.get_logger(__name__)

PATH = "/media"
_MOST_BYTES = 65_500  # the longest message that Asterisk knows
_LONGEST_NUMBER = 64
_SHUTDOWN_S = 3.0


class WebSocketServer:
    """Takes connections of Asterisk's ``websocket_client.conf`` and hands them out as calls."""

    def __init__(self, settings: WebSocketSettings, clock: Clock, tenant: str = "default"):
        self._settings = settings
        self._clock = clock
        self._tenant = tenant
        self._runner: web.AppRunner | None = None
        self._connected = 0
        self._lines: set[WebSocketLine] = set()
        # As many as there can be calls; when nobody takes them from here, further ones are refused.
        self._answered: asyncio.Queue[WebSocketLine | None] = asyncio.Queue(maxsize=settings.max_concurrent_calls)
        self._stopped = asyncio.Event()

    @property
    def active(self) -> int:
        """Calls that last now."""
        return len(self._lines)

    async def start(self) -> None:
        """Listen; raises `LineError` with a remedy when the port is taken."""
        settings = self._settings
        app = web.Application(client_max_size=1024)
        app.router.add_get(PATH, self._connect)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_S)
        await runner.setup()
        try:
            await web.TCPSite(runner, settings.listen_address, settings.port).start()
        except OSError as error:
            await runner.cleanup()
            raise LineError(
                f"不能监听 WebSocket 媒体端口 {settings.listen_address}:{settings.port}：{error.strerror}。",
                code="port_taken",
                remedy="请停止占用它的程序，或在设置中改用别的端口（port）或地址（listen_address）。",
            ) from error
        self._runner = runner
        log.info("websocket_listening", address=settings.listen_address, port=settings.port)

    async def calls(self) -> AsyncIterator[Line]:
        """Calls, as they come; ends after `stop`."""
        while not self._stopped.is_set():
            line = await self._answered.get()
            if line is not None and line.end is None:
                yield line

    async def stop(self) -> None:
        """Take no more calls, end those that last, and release the port."""
        runner, self._runner = self._runner, None
        if runner is None:
            return
        await asyncio.gather(*(line.hang_up(CallEnd.SHUTDOWN) for line in list(self._lines)))
        await runner.cleanup()
        self._stopped.set()
        if self._answered.empty():
            self._answered.put_nowait(None)  # wakes up whoever waits for the next call

    async def _connect(self, request: web.Request) -> web.StreamResponse:
        if not self._may_enter(request):
            log.warning("websocket_not_allowed", remote=request.remote)
            return web.Response(status=401, headers={hdrs.WWW_AUTHENTICATE: "Basic"})
        if self._connected >= self._settings.max_concurrent_calls or self._answered.full():
            log.warning("websocket_full")
            return web.Response(status=503, headers={hdrs.RETRY_AFTER: "5"})
        self._connected += 1
        try:
            socket = web.WebSocketResponse(protocols=("media",), max_msg_size=_MOST_BYTES, compress=False)
            await socket.prepare(request)
            begun = await self._begun(socket)
            if begun is None:
                await socket.close(code=1008)
            else:
                await self._serve(socket, begun, request)
            return socket
        finally:
            self._connected -= 1

    def _may_enter(self, request: web.Request) -> bool:
        password = self._settings.password.get_secret_value()
        if not password:
            return True
        given = request.headers.get(hdrs.AUTHORIZATION, "")
        return hmac.compare_digest(given.encode(), encode_basic_auth(self._settings.user, password).encode())

    async def _begun(self, socket: web.WebSocketResponse) -> Event | None:
        try:
            async with asyncio.timeout(self._settings.hello_timeout_s):
                message = await socket.receive()
            if message.type is not WSMsgType.TEXT:
                raise ValueError("not a text message")
            event = read_event(message.data)
        except (TimeoutError, ValueError) as error:
            log.warning("websocket_stranger", error=type(error).__name__)
            return None
        if event.name != "MEDIA_START" or event.fields.get("format") not in CODINGS:
            log.warning("websocket_format", event_name=event.name[:40], wanted=sorted(CODINGS))
            return None
        return event

    async def _serve(self, socket: web.WebSocketResponse, begun: Event, request: web.Request) -> None:
        start = CallStart(
            call_id=uuid.uuid4().hex,
            channel=Channel.WEBSOCKET,
            answered_at=self._clock.now(),
            tenant=self._tenant,
            caller_number=_caller(request)[:_LONGEST_NUMBER],
            dialled_number=request.query.get("dialled", "")[:_LONGEST_NUMBER] or self._settings.number,
            diversion=request.query.get("diversion", "")[:_LONGEST_NUMBER],
        )
        line = WebSocketLine(socket, start, begun, CODINGS[begun.fields["format"]], self._settings, self._clock)
        self._lines.add(line)
        log.info("call_connected", call_id=start.call_id)
        try:
            self._answered.put_nowait(line)
            await line.run()
        finally:
            self._lines.discard(line)


def _caller(request: web.Request) -> str:
    """The caller's number; "" when it is withheld.

    Asterisk gives the number of a caller who asked for privacy (RFC 3323) all the same, and says so beside it
    (``CALLERID(num-pres)``: ``prohib…``, ``unavailable``).
    """
    number = request.query.get("caller", "")
    hidden = request.query.get("presentation", "").startswith(("prohib", "unavailable"))
    return "" if hidden or is_withheld(number) else number
