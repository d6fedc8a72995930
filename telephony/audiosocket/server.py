"""Where a PBX connects its calls."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import structlog

from telephony.audiosocket.dialplan import DialplanServer, Led
from telephony.audiosocket.line import AudioSocketLine
from telephony.audiosocket.protocol import Kind, Message, Parser
from telephony.listening import listen
from telephony.settings import AudioSocketSettings
from voicebot.core.call import CallEnd, CallStart, Channel
from voicebot.core.errors import LineError
from voicebot.core.ports import Clock, Line

log = structlog.get_logger(__name__)

_IDENTITY_BYTES = 16


class AudioSocketServer:
    """Takes connections that say who they are, and hands them out as calls."""

    def __init__(self, settings: AudioSocketSettings, clock: Clock, tenant: str = "default"):
        self._settings = settings
        self._clock = clock
        self._tenant = tenant
        self._dialplan = DialplanServer(settings, settings.agi_port) if settings.agi_port is not None else None
        self._server: asyncio.Server | None = None
        self._greeting: set[asyncio.Task[None]] = set()
        self._lines: set[AudioSocketLine] = set()
        # As many as there can be calls; when nobody takes them from here, further ones are cut.
        self._answered: asyncio.Queue[AudioSocketLine | None] = asyncio.Queue(maxsize=settings.max_concurrent_calls)
        self._stopped = asyncio.Event()

    @property
    def active(self) -> int:
        """Calls that last now."""
        return len(self._lines)

    async def start(self) -> None:
        """Listen; raises `LineError` with a remedy when the port is taken."""
        address, port = self._settings.listen_address, self._settings.port
        self._server = await listen(self._connected, address, port, name="AudioSocket", setting="port")
        log.info("audiosocket_listening", address=address, port=port)
        if self._dialplan is not None:
            try:
                await self._dialplan.start()
            except LineError:
                await self.stop()
                raise

    async def calls(self) -> AsyncIterator[Line]:
        """Calls, as they come; ends after `stop`."""
        while not self._stopped.is_set():
            line = await self._answered.get()
            if line is not None and line.end is None:
                yield line

    async def stop(self) -> None:
        """Take no more calls, end those that last, and release the port."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        for task in list(self._greeting):
            task.cancel()
        await asyncio.gather(*self._greeting, return_exceptions=True)
        await asyncio.gather(*(line.hang_up(CallEnd.SHUTDOWN) for line in list(self._lines)))
        if self._dialplan is not None:
            await self._dialplan.stop()
        await server.wait_closed()
        self._stopped.set()
        if self._answered.empty():
            self._answered.put_nowait(None)  # wakes up whoever waits for the next call

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._greeting) >= self._settings.max_concurrent_calls:
            log.warning("audiosocket_full")
            self._refuse(writer)
            return
        task = asyncio.create_task(self._greet(reader, writer), name="audiosocket-hello")
        self._greeting.add(task)
        task.add_done_callback(self._greeting.discard)

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        taken = False
        try:
            async with asyncio.timeout(self._settings.hello_timeout_s):
                identity = await self._identity(reader)
            if identity is not None:
                taken = self._take(reader, writer, identity)
        except (TimeoutError, OSError) as error:
            log.info("audiosocket_silent", error=type(error).__name__)
        finally:
            if not taken:
                self._refuse(writer)

    def _refuse(self, writer: asyncio.StreamWriter) -> None:
        """An error and not a hang-up, so that a dialplan can tell a call that nobody took from one that is done."""
        writer.write(Message(Kind.ERROR).to_bytes())
        writer.close()

    async def _identity(self, reader: asyncio.StreamReader) -> uuid.UUID | None:
        hello = b""
        while len(hello) < 3 + _IDENTITY_BYTES:
            data = await reader.read(3 + _IDENTITY_BYTES - len(hello))
            if not data:
                return None
            hello += data
        messages = Parser().push(hello)
        if len(messages) != 1 or messages[0].kind != Kind.IDENTITY or len(messages[0].payload) != _IDENTITY_BYTES:
            log.warning("audiosocket_stranger", kind=hello[0])
            return None
        identity = uuid.UUID(bytes=messages[0].payload)
        if self._dialplan is not None and self._dialplan.call(identity) is not None:
            return identity
        if self._settings.allowed_uuids and identity not in self._settings.allowed_uuids:
            log.warning("audiosocket_not_allowed", identity=str(identity))
            return None
        return identity

    def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, identity: uuid.UUID) -> bool:
        led = self._dialplan.call(identity) if self._dialplan is not None else None
        if led is not None and led.line is not None:
            return self._take_back(reader, writer, led.line)
        if len(self._lines) >= self._settings.max_concurrent_calls or self._answered.full():
            log.warning("audiosocket_full")
            return False
        start = CallStart(
            call_id=uuid.uuid4().hex,
            channel=Channel.AUDIOSOCKET,
            answered_at=self._clock.now(),
            tenant=self._tenant,
            caller_number=led.caller_number if led is not None else "",
            dialled_number=(led.dialled_number if led is not None else "") or self._settings.number,
            diversion=led.diversion if led is not None else "",
        )
        line = AudioSocketLine(reader, writer, start, self._settings, self._clock, led)
        if led is not None:
            led.attach(line)
        self._lines.add(line)
        line.on_end(self._lines.discard)
        log.info("call_connected", call_id=start.call_id, identity=str(identity))
        self._answered.put_nowait(line)
        return True

    def _take_back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: Led) -> bool:
        """A call that nobody else took comes back, if it is still ours."""
        if not line.away:
            return False
        line.come_back(reader, writer)
        return True
