"""How a scenario's caller reaches the product over each kind of network line."""

import uuid
from typing import Any, Literal, Protocol

import aiohttp

from telephony.audiosocket.caller import AudioSocketCaller
from telephony.caller import CallerLeg
from telephony.settings import AudioSocketSettings
from telephony.sip.addresses import shown_address
from telephony.sip.caller import SipCaller
from telephony.webrtc.caller import WebRtcCaller
from telephony.websocket.caller import WebSocketCaller
from voicebot.core.clock import SystemClock
from voicebot.core.errors import ConfigurationError, LineError
from voicebot.evaluation.scenario import LoadedScenario
from voicebot.settings import Settings

NetworkLine = Literal["sip", "webrtc", "audiosocket", "websocket"]
TELLS_NUMBERS: frozenset[NetworkLine] = frozenset({"sip", "websocket"})
"""Lines on which the service learns who calls."""


class Connect(Protocol):
    """Gives a caller's end of a line for a scenario."""

    def __call__(self, loaded: LoadedScenario) -> CallerLeg:
        """A leg that is not connected yet."""


def connect_over(settings: Settings, line: NetworkLine, target: str) -> Connect:
    """Real calls to ``target``; "" is this machine's own service.

    Raises `ConfigurationError` for a door that is shut.
    """
    if line == "sip":
        # A service that listens on all networks does not listen on the loopback where there is a network.
        own = f"sip:{settings.sip.number}@{shown_address(settings.sip.listen_address)}:{settings.sip.port}"
        return sip_connect(target or own)
    if line == "webrtc":
        return webrtc_connect(target or f"http://127.0.0.1:{settings.web.port}")
    return pbx_connect(settings, line, target)


def sip_connect(target: str) -> Connect:
    """Real SIP calls to ``target`` (a SIP URI), from this machine's loopback or from its own address to others."""
    address = "127.0.0.1" if "@127." in target or "@localhost" in target else shown_address("0.0.0.0")  # noqa: S104
    return lambda loaded: SipCaller(
        target, SystemClock(), number=loaded.scenario.caller.number or "anonymous", address=address
    )


def webrtc_connect(url: str) -> Connect:
    """Calls as the call page makes them; ``url`` is the service's own, without a path."""

    async def signal(offer: str) -> str:
        timeout = aiohttp.ClientTimeout(total=20)
        try:
            async with aiohttp.ClientSession(timeout=timeout) as session:
                token = (await _posted(session, f"{url}/call/begin", {}))["token"]
                return str((await _posted(session, f"{url}/call/offer", {"token": token, "sdp": offer}))["sdp"])
        except (aiohttp.ClientError, TimeoutError) as error:
            raise LineError(
                f"连不上 {url}。", code="call_failed", remedy="请确认服务已经启动（voicebot doctor）。"
            ) from error

    return lambda _: WebRtcCaller(signal)


def pbx_connect(settings: Settings, line: Literal["audiosocket", "websocket"], target: str) -> Connect:
    """Calls as a PBX brings them, to ``target`` (host:port); raises `ConfigurationError` when that door is shut."""
    section = settings.audiosocket if line == "audiosocket" else settings.websocket
    if section is None:
        raise ConfigurationError(
            f"设置里没有 [{line}] 一节，服务不接这种线路。",
            code="line_off",
            remedy=f"请在 voicebot.toml 里写上 [{line}]。",
        )
    host, _, port = (target or f"{shown_address(section.listen_address)}:{section.port}").rpartition(":")
    if not port.isdecimal():
        raise ConfigurationError(f"--to {target} 读不懂。", code="target_invalid", remedy="请写成 主机:端口。")
    if isinstance(section, AudioSocketSettings):
        identity = next(iter(section.allowed_uuids), uuid.uuid4())
        return lambda _: AudioSocketCaller(host, int(port), identity)
    user, password = section.user, section.password.get_secret_value()
    return lambda loaded: WebSocketCaller(
        host, int(port), user=user, password=password, number=loaded.scenario.caller.number
    )


async def _posted(session: aiohttp.ClientSession, url: str, body: dict[str, str]) -> dict[str, Any]:
    async with session.post(url, json=body) as response:
        answer: dict[str, Any] = await response.json()
        if response.status != 200:
            raise LineError(answer["error"]["message"], code=answer["error"]["code"], remedy="请稍后再试。")
        return answer
