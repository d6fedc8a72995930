"""Our own SIP client: a caller for scenarios. It needs a process of its own, as each SIP stack does."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from baresip import BaresipError, Runtime
from numpy.typing import NDArray

from telephony.settings import Codec, Encryption, TelephonySettings, Transport
from telephony.sip.dialling import DialFailedError, dial
from telephony.sip.line import SipLine
from telephony.sip.runtime import create_user_agent, free_sip_port, start_runtime
from telephony.sip.ticking import Ticker
from telephony.transfer import TransferOutcome
from voicebot.core.call import CallEnd, CallStart, Channel
from voicebot.core.errors import LineError
from voicebot.core.frames import FRAME_BYTES, FRAME_MS, SILENT_FRAME
from voicebot.core.ports import Clock

log = structlog.get_logger(__name__)


class SipCaller:
    """A `CallerLeg` that places a real call with real RTP.

    Speech goes out as a continuous stream, silence between the words, so that its position is known to 20 ms.
    """

    def __init__(
        self,
        target: str,
        clock: Clock,
        *,
        number: str = "13800138000",
        address: str = "127.0.0.1",
        codec: Codec = "pcma",
        media_encryption: Encryption = "none",
        tls_authorities: Path | None = None,
        answer_timeout_s: float = 30.0,
    ):
        """``target``: a SIP URI, ``;transport=tcp`` or ``tls`` at its end when not UDP; ``address``: our own."""
        self._target = target
        self._clock = clock
        self._answer_timeout_s = answer_timeout_s
        self._settings = TelephonySettings(
            listen_address=address,
            port=free_sip_port(address),
            number=number,
            codecs=(codec,),
            media_encryption=media_encryption,
            tls_authorities=tls_authorities,
            rtp_port_min=30000,
            rtp_port_max=30999,
        )
        self._runtime: Runtime | None = None
        self._call: Any = None
        self._line: SipLine | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._speech = bytearray()
        self._heard = bytearray()

    async def connect(self) -> None:
        """Call and wait for the answer; raises `LineError` when there is none."""
        transport = _transport_of(self._target)
        self._runtime = await start_runtime(self._settings, (transport,))
        try:
            agent = await create_user_agent(self._runtime, self._settings, transport)
            call = await dial(self._runtime, agent, self._target, self._answer_timeout_s)
        except (BaresipError, ValueError, DialFailedError) as error:
            await self._close_runtime()
            raise _not_answered(self._target, error) from error
        self._call = call
        start = CallStart(call.call_id or "", Channel.SIP, self._clock.now(), "", self._settings.number, "")
        self._line = SipLine(call, start, self._settings, self._clock, Ticker(), _nobody)
        self._tasks = [
            asyncio.create_task(self._listen(self._line), name="caller-listens"),
            asyncio.create_task(self._speak(self._line), name="caller-speaks"),
        ]

    def say(self, pcm: bytes) -> int:
        """Speak 8 kHz int16 PCM, behind what is still being said; returns the position at which it starts."""
        at = self.position + len(self._speech) // 2
        self._speech += pcm
        return at

    @property
    def saying(self) -> bool:
        """Is something still being said?"""
        return bool(self._speech)

    async def press(self, digits: str) -> None:
        """Press keys (RFC 4733), one after the other; nothing happens when the call is over."""
        try:
            await self._call.send_dtmf(digits)
        except BaresipError as error:
            log.info("keys_not_sent", error=type(error).__name__)

    def received(self, since: int = 0) -> NDArray[np.int16]:
        """Everything heard from a position on; silence where nothing came."""
        return np.frombuffer(bytes(self._heard[2 * since :]), "<i2").astype(np.int16)

    @property
    def position(self) -> int:
        """Samples since answer, now."""
        return self._line.position if self._line else 0

    @property
    def ended(self) -> bool:
        """Is the call over, whoever ended it?"""
        return self._line is not None and self._line.end is not None

    async def hang_up(self) -> None:
        """End the call and stop the stack; calling it twice does no harm."""
        if self._line is not None:
            await self._line.hang_up(CallEnd.CALLER_HUNG_UP)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._close_runtime()

    async def _close_runtime(self) -> None:
        runtime, self._runtime = self._runtime, None
        if runtime is not None:
            await runtime.close()

    async def _listen(self, line: SipLine) -> None:
        async for frame in line.frames():
            self._heard += frame.pcm

    async def _speak(self, line: SipLine) -> None:
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while line.end is None:
            frame = bytes(self._speech[:FRAME_BYTES]).ljust(FRAME_BYTES, b"\0") if self._speech else SILENT_FRAME
            del self._speech[:FRAME_BYTES]
            await line.play(frame)
            due_s = max(due_s + FRAME_MS / 1000, loop.time() - 0.1)
            await asyncio.sleep(due_s - loop.time())


def _transport_of(target: str) -> Transport:
    if "transport=tls" in target:
        return "tls"
    return "tcp" if "transport=tcp" in target else "udp"


async def _nobody(_: str) -> Any:
    raise DialFailedError(TransferOutcome.FAILED, "a caller transfers nobody")


def _not_answered(target: str, error: Exception) -> LineError:
    if isinstance(error, DialFailedError) and error.outcome is TransferOutcome.NO_ANSWER:
        code, why = "no_answer", "无人接听"
    elif isinstance(error, DialFailedError) and error.outcome is not TransferOutcome.FAILED:
        code, why = "call_refused", f"对方没有接通（{error}）"
    else:
        code, why = "call_failed", str(error)
    return LineError(
        f"呼叫 {target} 失败：{why}。", code=code, remedy="请确认服务已经启动（voicebot doctor），地址和端口正确。"
    )
