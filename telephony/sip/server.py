"""Where SIP calls come in."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import structlog
from baresip import BaresipError, Call, Event, Runtime, StackEvent, UserAgent

from telephony.settings import TelephonySettings
from telephony.sip.addresses import caller_number, header_number
from telephony.sip.line import SipLine
from telephony.sip.runtime import create_user_agent, start_runtime
from voicebot.core.call import CallEnd, CallStart, Channel
from voicebot.core.errors import LineError
from voicebot.core.ports import Clock, Line

log = structlog.get_logger(__name__)

_ESTABLISH_S = 35.0  # the stack itself gives up on a missing ACK after 32 s (RFC 3261, timer H)


class SipLineServer:
    """Answers calls and hands them out. One per process, as the stack is."""

    def __init__(self, settings: TelephonySettings, clock: Clock, tenant: str = "default"):
        self._settings = settings
        self._clock = clock
        self._tenant = tenant
        self._runtime: Runtime | None = None
        self._agents: list[UserAgent] = []
        self._answering: set[asyncio.Task[None]] = set()
        self._lines: set[SipLine] = set()
        # As many as there can be calls; when nobody takes them from here, further calls are hung up.
        self._answered: asyncio.Queue[SipLine | None] = asyncio.Queue(maxsize=settings.max_concurrent_calls)
        self._stopped = asyncio.Event()

    @property
    def address(self) -> str:
        """What to dial."""
        return f"sip:{self._settings.number}@{self._settings.listen_address}:{self._settings.port}"

    @property
    def active(self) -> int:
        """Calls that last now."""
        return len(self._lines)

    async def start(self) -> None:
        """Listen; raises `LineError` with a remedy when the port is taken."""
        runtime = await start_runtime(self._settings)
        self._runtime = runtime
        runtime.on_dead = self._stack_died
        try:
            for transport in self._settings.transports:
                agent = await create_user_agent(runtime, self._settings, transport)
                agent.on_incoming(self._ring)
                self._agents.append(agent)
        except (BaresipError, ValueError) as error:
            await self.stop()
            raise LineError(
                f"SIP 用户代理创建失败：{error}。", code="sip_account_refused", remedy="请检查 number 和 codecs 设置。"
            ) from error
        log.info("sip_listening", address=self._settings.listen_address, port=self._settings.port)

    async def calls(self) -> AsyncIterator[Line]:
        """Answered calls, as they come; ends after `stop`."""
        while not self._stopped.is_set():
            line = await self._answered.get()
            if line is not None and line.end is None:
                yield line

    async def drain(self) -> None:
        """Take no more calls and wait until the last one has ended."""
        if self._runtime is not None:
            await self._runtime.drain()

    async def stop(self) -> None:
        """Take no more calls, end those that last, and release the port."""
        runtime, self._runtime = self._runtime, None
        if runtime is None:
            return
        for task in list(self._answering):
            task.cancel()
        await asyncio.gather(*self._answering, return_exceptions=True)
        await asyncio.gather(*(line.hang_up(CallEnd.SHUTDOWN) for line in list(self._lines)))
        self._agents.clear()
        await runtime.close()
        self._no_more()

    def _ring(self, call: Call) -> None:
        self._keep(asyncio.create_task(self._answer(call), name="sip-answer"))

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer(self, call: Any) -> None:
        settled = asyncio.Event()

        def listen(event: StackEvent) -> None:
            if event.event in (Event.CALL_ESTABLISHED, Event.CALL_CLOSED):
                settled.set()
            if event.event is Event.CALL_ESTABLISHED:
                self._connect(call)

        call.on(listen)
        try:
            await call.answer()
            async with asyncio.timeout(_ESTABLISH_S):
                await settled.wait()
        except (BaresipError, TimeoutError) as error:  # cancelled by the caller, or never acknowledged
            log.info("call_not_established", error=type(error).__name__)
        finally:
            call.off(listen)
            if call.state.value in ("incoming", "outgoing"):
                await _refuse(call)

    def _connect(self, call: Any) -> None:
        start = CallStart(
            call_id=uuid.uuid4().hex,
            channel=Channel.SIP,
            answered_at=self._clock.now(),
            tenant=self._tenant,
            caller_number=caller_number(call.headers, call.peer or ""),
            dialled_number=header_number(call.headers, "To") or self._settings.number,
            diversion=header_number(call.headers, "Diversion"),
        )
        line = SipLine(call, start, self._settings, self._clock)
        self._lines.add(line)
        line.on_end(self._lines.discard)
        log.info("call_answered", call_id=start.call_id, sip_call_id=call.call_id)
        if self._answered.full():
            log.error("call_not_taken", call_id=start.call_id)
            self._keep(asyncio.create_task(line.hang_up(CallEnd.ERROR)))
        else:
            self._answered.put_nowait(line)

    def _no_more(self) -> None:
        self._stopped.set()
        if self._answered.empty():
            self._answered.put_nowait(None)  # wakes up whoever waits for the next call

    def _stack_died(self) -> None:
        log.critical("sip_stack_died", lines=len(self._lines))
        for line in list(self._lines):
            line.close(CallEnd.LINE_LOST)
        self._no_more()


async def _refuse(call: Any) -> None:
    try:
        await call.hangup()
    except BaresipError:
        return  # gone meanwhile
