"""Where SIP calls come in."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import structlog
from baresip import BaresipError, Call, CallState, Event, Runtime, StackEvent, UserAgent

from telephony.settings import TelephonySettings
from telephony.sip.addresses import ADDRESS_SCHEMES, caller_number, header_number, number_of, sip_uri
from telephony.sip.book import CallBook, NoBook
from telephony.sip.dialling import DialFailedError, dial, give_up
from telephony.sip.line import SipLine
from telephony.sip.refusals import tell_refusal
from telephony.sip.runtime import create_user_agent, register, start_runtime
from telephony.sip.ticking import Ticker
from telephony.transfer import TransferOutcome, is_allowed
from voicebot.core.call import CallEnd, CallStart, Channel
from voicebot.core.errors import LineError
from voicebot.core.ports import Clock, Line

log = structlog.get_logger(__name__)

_ESTABLISH_S = 35.0  # the stack itself gives up on a missing ACK after 32 s (RFC 3261, timer H)


class SipLineServer:
    """Answers calls and hands them out. One per process, as the stack is."""

    def __init__(
        self, settings: TelephonySettings, clock: Clock, tenant: str = "default", book: CallBook | None = None
    ):
        """``book``: where calls that come in are entered before they are answered; None keeps no record."""
        self._book = book or NoBook()
        self._settings = settings
        self._clock = clock
        self._tenant = tenant
        self._runtime: Runtime | None = None
        self._agents: list[UserAgent] = []
        self._answering: set[asyncio.Task[None]] = set()
        self._closing: set[asyncio.Task[None]] = set()  # the entries of calls that nobody has served
        self._lines: set[SipLine] = set()
        self._untaken: set[SipLine] = set()  # answered, and still in the queue below
        self._ticker = Ticker()
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
        runtime = await start_runtime(self._settings, self._settings.transports)
        self._runtime = runtime
        runtime.on_dead = self._stack_died
        runtime.subscribe(tell_refusal)
        try:
            for transport in self._settings.transports:
                agent = await create_user_agent(runtime, self._settings, transport)
                agent.on_incoming(self._ring)
                self._agents.append(agent)
                if self._settings.registrar and transport == self._settings.transports[0]:
                    await register(agent, self._settings)
        except LineError:
            await self.stop()
            raise
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
                self._untaken.discard(line)
                yield line

    async def call(self, target: str, beside: str = "") -> Line:
        """Call a SIP address, or a number at the switch that call ``beside`` came from, else at the registrar.

        From the first of the transports, and only what ``transfer_targets`` allows. Raises `LineError` with the
        outcome as its code: ``call_busy``, ``call_no_answer``, ``call_refused``, ``call_failed``.
        """
        try:
            call = await self._dial(self._uri_of(target, beside))
        except DialFailedError as failure:
            raise LineError(
                f"外呼没有接通：{failure.reason}。", code=f"call_{failure.outcome}", remedy="请稍后再拨，或核对号码。"
            ) from failure
        return self._connect(call, self._start_of(call, self._settings.number, number_of(target) or target))

    def _uri_of(self, target: str, beside: str) -> str:
        if not is_allowed(target, self._settings.transfer_targets):
            log.warning("call_target_not_allowed", target_pii=target)
            raise DialFailedError(TransferOutcome.REFUSED, "not among the allowed targets")
        line = next((line for line in self._lines if line.start.call_id == beside), None)
        host = line.peer_host if line is not None else self._settings.registrar
        if not host and not target.startswith(ADDRESS_SCHEMES):
            raise DialFailedError(TransferOutcome.FAILED, "no switch to call a plain number at")
        return sip_uri(target, host)

    async def _dial(self, uri: str) -> Any:
        if self._runtime is None:
            raise DialFailedError(TransferOutcome.FAILED, "the line is not started")
        return await dial(self._runtime, self._agents[0], uri, self._settings.ring_timeout_s)

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
        await asyncio.gather(*self._closing, return_exceptions=True)
        self._agents.clear()
        await runtime.close()
        self._no_more()

    def _ring(self, call: Call) -> None:
        _keep(self._answering, self._answer(call), "sip-answer")

    async def _answer(self, call: Call) -> None:
        dialled = header_number(call.headers, "To") or self._settings.number
        start = self._start_of(call, caller_number(call.headers, call.peer or ""), dialled)
        settled = asyncio.Event()
        taken, end = False, CallEnd.CALLER_HUNG_UP

        def listen(event: StackEvent) -> None:
            nonlocal taken
            if event.event in (Event.CALL_ESTABLISHED, Event.CALL_CLOSED):
                settled.set()
            if event.event is Event.CALL_ESTABLISHED:
                taken = True
                self._take(call, start)

        call.on(listen)
        try:
            await self._book.enter(start)
            await call.answer()
            end = CallEnd.LINE_LOST
            async with asyncio.timeout(_ESTABLISH_S):
                await settled.wait()
        except (BaresipError, TimeoutError) as error:  # cancelled by the caller, or never acknowledged
            log.info("call_not_established", error=type(error).__name__)
        except asyncio.CancelledError:
            end = CallEnd.SHUTDOWN
            raise
        finally:
            call.off(listen)
            if call.state is CallState.INCOMING:
                await give_up(call)
            if not taken:
                self._close_entry(start, end)

    def _take(self, call: Call, start: CallStart) -> None:
        line = self._connect(call, start)
        self._untaken.add(line)
        line.on_end(self._close_untaken)
        if self._answered.full():
            log.error("call_not_taken", call_id=line.start.call_id)
            _keep(self._answering, line.hang_up(CallEnd.ERROR), "sip-hang-up")
        else:
            self._answered.put_nowait(line)

    def _start_of(self, call: Call, caller: str, dialled: str) -> CallStart:
        return CallStart(
            call_id=uuid.uuid4().hex,
            channel=Channel.SIP,
            answered_at=self._clock.now(),
            tenant=self._tenant,
            caller_number=caller,
            dialled_number=dialled,
            diversion=header_number(call.headers, "Diversion"),
        )

    def _connect(self, call: Call, start: CallStart) -> SipLine:
        line = SipLine(call, start, self._settings, self._clock, self._ticker, self._dial)
        self._lines.add(line)
        line.on_end(self._lines.discard)
        log.info("call_connected", call_id=start.call_id, sip_call_id=call.call_id)
        return line

    def _close_untaken(self, line: SipLine) -> None:
        if line in self._untaken:
            self._untaken.discard(line)
            self._close_entry(line.start, line.end or CallEnd.ERROR)

    def _close_entry(self, start: CallStart, end: CallEnd) -> None:
        _keep(self._closing, self._book.close(start, end), "close-entry")

    def _no_more(self) -> None:
        self._stopped.set()
        if self._answered.empty():
            self._answered.put_nowait(None)  # wakes up whoever waits for the next call

    def _stack_died(self) -> None:
        log.critical("sip_stack_died", lines=len(self._lines))
        for line in list(self._lines):
            line.close(CallEnd.LINE_LOST)
        self._no_more()


def _keep(tasks: set[asyncio.Task[None]], work: Coroutine[Any, Any, None], name: str) -> None:
    task = asyncio.create_task(work, name=name)
    tasks.add(task)
    task.add_done_callback(tasks.discard)
