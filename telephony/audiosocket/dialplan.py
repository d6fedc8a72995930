"""Where an Asterisk dialplan asks what to do with a call: to our door first, and then, at the bot's wish, to others.

AudioSocket alone knows no number, no transfer, and no difference between a bot that hangs up and one that died.
A dialplan that asks here by FastAGI tells the first, does the second, and goes on by itself after the third.
"""

import asyncio
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import structlog

from telephony.audiosocket.agi import LONGEST_LINE, AgiConnection, AgiError
from telephony.listening import listen
from telephony.settings import AudioSocketSettings
from telephony.sip.addresses import is_withheld
from telephony.transfer import TransferOutcome, is_allowed
from voicebot.core.call import CallEnd

log = structlog.get_logger(__name__)

ANSWERED = "voicebot-answered"
"""The dialplan's context that tells us that a target has answered."""
_LONGEST_NUMBER = 64
_HIDDEN = 0x60  # of a caller's presentation (Q.951): restricted, or not available
_DIALLABLE = re.compile(r"[0-9A-Za-z*#+_.-]{1,64}")  # nothing that a dialplan would read as more than an extension
_ENDED_BY_US = {CallEnd.BOT_HUNG_UP, CallEnd.MAX_DURATION}  # any other call is left to the dialplan, so to agents
_PARTING_S = 2.0  # between the news that the audio is over and its end at the door
_OUTCOMES = {
    "ANSWER": TransferOutcome.ANSWERED,
    "BUSY": TransferOutcome.BUSY,
    "NOANSWER": TransferOutcome.NO_ANSWER,
    "DONTCALL": TransferOutcome.REFUSED,
    "TORTURE": TransferOutcome.REFUSED,
}
"""By Asterisk's ``DIALSTATUS``; everything else is a failure."""
_GONE = {"ANSWER": CallEnd.HANDED_OFF, "CANCEL": CallEnd.CALLER_HUNG_UP}
"""After which the caller does not come back."""


class Led(Protocol):
    """What a call's audio comes to."""

    @property
    def end(self) -> CallEnd | None:
        """Why the call is over; None while it lasts."""

    @property
    def away(self) -> bool:
        """Is the caller with somebody else, and may come back?"""

    def come_back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Nobody took the call: its audio is here again."""

    def on_end(self, listener: Callable[[Any], None]) -> None:
        """Call ``listener`` once, when the call is over."""

    def close(self, reason: CallEnd) -> None:
        """The call is over."""


class _Wish(NamedTuple):
    target: str
    outcome: asyncio.Future[TransferOutcome]


class LedCall:
    """A call whose dialplan does what we say."""

    def __init__(self, connection: AgiConnection, told: Mapping[str, str], settings: AudioSocketSettings):
        self.identity = uuid.uuid4()
        self.line: Led | None = None
        self._connection = connection
        self._told = told
        self._settings = settings
        self._wish: _Wish | None = None
        self._over = asyncio.Event()

    def attach(self, line: Led) -> None:
        """The call has come to our door."""
        self.line = line
        line.on_end(self._line_over)

    def _line_over(self, _: object) -> None:
        self._over.set()
        self.settle(TransferOutcome.FAILED)

    @property
    def caller_number(self) -> str:
        """Who calls; "" when that is withheld. Asterisk gives withheld numbers too, and says so beside them."""
        number, presentation = self._told.get("callerid", ""), self._told.get("callingpres", "0")
        hidden = presentation.isdigit() and int(presentation) & _HIDDEN
        return "" if hidden or number == "unknown" or is_withheld(number) else number[:_LONGEST_NUMBER]

    @property
    def dialled_number(self) -> str:
        """The extension that was called."""
        return self._told.get("extension", "")[:_LONGEST_NUMBER]

    @property
    def diversion(self) -> str:
        """Where the call was diverted from."""
        number = self._told.get("rdnis", "")
        return "" if number == "unknown" else number[:_LONGEST_NUMBER]

    def may_go_to(self, target: str) -> bool:
        """Is ``target`` an extension that calls are ever put through to?"""
        return bool(_DIALLABLE.fullmatch(target)) and is_allowed(target, self._settings.transfer_targets)

    def wish(self, target: str) -> "asyncio.Future[TransferOutcome]":
        """When the audio has left us, ring ``target``; what becomes of it. Unanswered calls come back to the door."""
        self._wish = _Wish(target, asyncio.get_running_loop().create_future())
        return self._wish.outcome

    def settle(self, outcome: TransferOutcome) -> None:
        """The target has answered, or never will."""
        if self._wish is not None and not self._wish.outcome.done():
            self._wish.outcome.set_result(outcome)

    async def lead(self) -> None:
        """Until the call is over for us: a target has it, it has ended, or the dialplan goes on alone."""
        door = f"AudioSocket({self.identity},{self._settings.seen_address})"
        try:
            await self._connection.execute("TryExec", door)
            while self._wish is not None:
                status = await self._ring(self._wish)
                self.settle(_OUTCOMES.get(status, TransferOutcome.FAILED))
                if status in _GONE:
                    self._close(_GONE[status])
                    return
                self._wish = None
                await self._connection.execute("TryExec", door)
            if self.line is not None:
                async with asyncio.timeout(_PARTING_S):
                    await self._over.wait()
                if self.line.end in _ENDED_BY_US:
                    await self._connection.hang_up()
        except (AgiError, TimeoutError) as error:
            log.info("dialplan_gone", error=str(error) or type(error).__name__)
        finally:
            self._close(CallEnd.LINE_LOST)

    def _close(self, reason: CallEnd) -> None:
        if self.line is not None:
            self.line.close(reason)  # says nothing when it is over by now

    async def _ring(self, wish: _Wish) -> str:
        """The ``DIALSTATUS``; "ANSWER" as soon as that is told, while they speak on without us."""
        where = self._settings.transfer_dial.replace("{target}", wish.target)
        dial = f"{where},{self._settings.ring_timeout_s},U({ANSWERED}^{self.identity})"
        ringing: asyncio.Future[Any] = asyncio.ensure_future(self._connection.execute("Dial", dial))
        try:
            await asyncio.wait((ringing, wish.outcome), return_when=asyncio.FIRST_COMPLETED)
            if not ringing.done():  # told that it is answered, or given up at our end
                return "ANSWER" if wish.outcome.result() is TransferOutcome.ANSWERED else "CANCEL"
            return await self._connection.variable("DIALSTATUS") if ringing.result() >= 0 else "CANCEL"
        finally:
            ringing.cancel()
            await asyncio.gather(ringing, return_exceptions=True)


class DialplanServer:
    """Takes the questions of dialplans; the calls' audio is the AudioSocket server's."""

    def __init__(self, settings: AudioSocketSettings, port: int):
        self._settings = settings
        self._port = port
        self._server: asyncio.Server | None = None
        self._asking: set[asyncio.Task[None]] = set()
        self._calls: dict[uuid.UUID, LedCall] = {}

    def call(self, identity: uuid.UUID) -> LedCall | None:
        """The call that we sent to the door under ``identity``."""
        return self._calls.get(identity)

    async def start(self) -> None:
        """Listen; raises `LineError` with a remedy when the port is taken."""
        address = self._settings.listen_address
        self._server = await listen(
            self._connected, address, self._port, name="FastAGI", setting="agi_port", longest_line=LONGEST_LINE
        )
        log.info("agi_listening", address=address, port=self._port)

    async def stop(self) -> None:
        """Take no more questions and leave the calls to their dialplans."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        for task in list(self._asking):
            task.cancel()
        await asyncio.gather(*self._asking, return_exceptions=True)
        await server.wait_closed()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A call and the word that its target has answered are two questions.
        if len(self._asking) >= 2 * self._settings.max_concurrent_calls:
            log.warning("agi_full")
            writer.close()
            return
        task = asyncio.create_task(self._answer(AgiConnection(reader, writer)), name="agi")
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _answer(self, connection: AgiConnection) -> None:
        try:
            async with asyncio.timeout(self._settings.hello_timeout_s):
                told = await connection.told()
            script = told.get("network_script", "")
            if script == "answered":
                self._answered(told.get("arg_1", ""))
            elif script == "":
                await self._lead(LedCall(connection, told, self._settings))
            else:
                log.warning("agi_unknown", script=script[:40])
        except (AgiError, TimeoutError) as error:
            log.warning("agi_stranger", error=str(error)[:80] or type(error).__name__)
        finally:
            connection.close()

    def _answered(self, identity: str) -> None:
        try:
            call = self._calls.get(uuid.UUID(identity))
        except ValueError:
            call = None
        if call is None:
            log.warning("agi_answered_unknown")
        else:
            call.settle(TransferOutcome.ANSWERED)

    async def _lead(self, call: LedCall) -> None:
        self._calls[call.identity] = call
        try:
            await call.lead()
        finally:
            del self._calls[call.identity]
