"""A SIP line server on loopback that does something simple with each call."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from telephony.settings import TelephonySettings
from telephony.sip.book import CallBook
from telephony.sip.runtime import free_sip_port
from telephony.sip.server import SipLineServer
from voicebot.core.clock import SystemClock
from voicebot.core.ports import Line


class Service:
    """A running server; ``lines`` are the calls so far, ``keys`` what was pressed."""

    def __init__(
        self,
        server: SipLineServer,
        port: int,
        handle: Callable[["Service", Line], Awaitable[None]],
        *,
        collect_keys: bool,
    ):
        self.server = server
        self.port = port
        self.lines: list[Line] = []
        self.keys: list[str] = []
        self._handle = handle
        self._collect_keys = collect_keys
        self._tasks: set[asyncio.Task[Any]] = set()
        self._new = asyncio.Condition()

    async def serve(self) -> None:
        async for line in self.server.calls():
            if self._collect_keys:
                self._tasks.add(asyncio.create_task(self._collect(line)))
            self._tasks.add(asyncio.ensure_future(self._handle(self, line)))
            async with self._new:
                self.lines.append(line)
                self._new.notify_all()

    async def _collect(self, line: Line) -> None:
        async for key in line.digits():
            self.keys.append(key)

    async def line(self, count: int = 1) -> Line:
        """The newest call once there have been so many."""
        async with asyncio.timeout(5), self._new:
            await self._new.wait_for(lambda: len(self.lines) >= count)
        return self.lines[-1]

    async def ended(self) -> None:
        """Every call is over and its tasks are done."""
        async with asyncio.timeout(5):
            await asyncio.gather(*self._tasks)


async def echo(service: Service, line: Line) -> None:
    """Say what the caller says."""
    async for frame in line.frames():
        await line.play(frame.pcm)


async def listen(service: Service, line: Line) -> None:
    """Say nothing."""
    async for _ in line.frames():
        pass


@asynccontextmanager
async def sip_service(
    handle: Callable[[Service, Line], Awaitable[None]] = echo,
    *,
    collect_keys: bool = True,
    book: CallBook | None = None,
    **settings: Any,
) -> AsyncIterator[Service]:
    """A server on a free port of loopback; everything is released at the end."""
    port = free_sip_port("127.0.0.1")
    made = TelephonySettings.model_validate(
        {"listen_address": "127.0.0.1", "port": port, "rtp_port_min": 40000, "rtp_port_max": 40999, **settings}
    )
    server = SipLineServer(made, SystemClock(), book=book)
    service = Service(server, port, handle, collect_keys=collect_keys)
    await server.start()
    serving = asyncio.create_task(service.serve())
    try:
        yield service
    finally:
        await server.stop()
        await serving
        await service.ended()
