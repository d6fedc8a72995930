"""A caller made of two UDP sockets: says on the wire exactly what a test wants, and nothing on its own."""

import asyncio
import re
import struct
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import numpy as np
from numpy.typing import NDArray

from voicebot.audio.g711 import decode_a_law, decode_mu_law, encode_a_law, encode_mu_law
from voicebot.audio.tones import tone
from voicebot.core.frames import FRAME_SAMPLES

_ADDRESS = "127.0.0.1"
_KEYS = "0123456789*#ABCD"
_EVENT_TYPE = 101


@dataclass(frozen=True)
class Message:
    """A SIP request or response, parsed just enough."""

    first: str
    headers: dict[str, str]
    body: str
    raw: str

    @property
    def status(self) -> int:
        return int(self.first.split()[1]) if self.first.startswith("SIP/2.0") else 0

    @property
    def method(self) -> str:
        return self.headers["cseq"].split()[1] if self.status else self.first.split()[0]


def parse(data: bytes) -> Message:
    head, _, body = data.decode(errors="replace").partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers.setdefault(name.strip().lower(), value.strip())
    return Message(first, headers, body, data.decode(errors="replace"))


@dataclass
class Packet:
    """An RTP packet as it came in."""

    at_s: float
    sequence: int
    timestamp: int
    payload_type: int
    payload: bytes

    @property
    def pcm(self) -> bytes:
        """Its audio, 8 kHz int16."""
        return decode_a_law(self.payload) if self.payload_type == 8 else decode_mu_law(self.payload)


@dataclass
class Media(asyncio.DatagramProtocol):
    """RTP: 20 ms of what is queued, silence otherwise; keeps every packet that comes."""

    payload_type: int = 8
    packets: list[Packet] = field(default_factory=list)
    speech: bytearray = field(default_factory=bytearray)
    keys: str = ""
    remote: tuple[str, int] | None = None
    sending: bool = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)
        self.port: int = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if len(data) > 12:
            sequence, timestamp = struct.unpack(">HI", data[2:8])
            self.packets.append(Packet(time.monotonic(), sequence, timestamp, data[1] & 0x7F, data[12:]))

    async def run(self) -> None:
        sequence, timestamp, key_left, key_start = 0, 0, 0, 0
        due = time.monotonic()
        while True:
            if self.keys and not key_left:
                key_left, key_start = 10, timestamp
            if key_left:  # RFC 4733: seven packets down, three to end
                code, end = _KEYS.index(self.keys[0]), key_left <= 3
                duration = FRAME_SAMPLES * min(8, 11 - key_left)
                payload = bytes([code, 0x80 if end else 0]) + struct.pack(">H", duration)
                self._send(_EVENT_TYPE, sequence, key_start, payload, marker=key_left == 10)
                key_left -= 1
                if not key_left:
                    self.keys = self.keys[1:]
            else:
                pcm = bytes(self.speech[: 2 * FRAME_SAMPLES]).ljust(2 * FRAME_SAMPLES, b"\0")
                del self.speech[: 2 * FRAME_SAMPLES]
                self.send_audio(sequence, pcm)
            sequence, timestamp = (sequence + 1) & 0xFFFF, timestamp + FRAME_SAMPLES
            due += 0.02
            await asyncio.sleep(max(0, due - time.monotonic()))

    def send_audio(self, number: int, pcm: bytes) -> None:
        """The packet of this number since the start: 20 ms of 8 kHz PCM."""
        coded = encode_a_law(pcm) if self.payload_type == 8 else encode_mu_law(pcm)
        self._send(self.payload_type, number & 0xFFFF, number * FRAME_SAMPLES & 0xFFFFFFFF, coded)

    def _send(self, kind: int, sequence: int, timestamp: int, payload: bytes, *, marker: bool = False) -> None:
        if self.remote and self.sending:
            first = bytes([0x80, kind | (0x80 if marker else 0)])
            self.transport.sendto(first + struct.pack(">HII", sequence, timestamp, 0x1234) + payload, self.remote)

    def heard(self) -> NDArray[np.int16]:
        """All that was received, in order of its sequence numbers."""
        packets = [packet for packet in self.packets if packet.payload_type in (0, 8)]
        pcm = b"".join(packet.pcm for packet in sorted(packets, key=lambda packet: packet.sequence))
        return np.frombuffer(pcm, "<i2")


class RawSip(asyncio.DatagramProtocol):
    """One dialog with the line under test. Use as ``async with RawSip(port) as peer``."""

    def __init__(
        self,
        port: int,
        *,
        payload_type: int = 8,
        dialled: str = "12345",
        caller: str = "13800138000",
        own_address: str = _ADDRESS,
    ):
        self.port = port
        self.own_address = own_address
        self.dialled = dialled
        self.caller = caller
        self.media = Media(payload_type)
        self.requests: list[Message] = []
        self.answer_requests = True
        self._waiting: list[tuple[Callable[[Message], bool], asyncio.Future[Message]]] = []
        self._call_id = uuid.uuid4().hex
        self._from_tag = uuid.uuid4().hex[:8]
        self._to_tag = ""
        self._target = f"sip:{dialled}@{_ADDRESS}:{port}"
        self._route = ""  # through the proxies that put themselves on record
        self._cseq = 0
        self._branch = ""

    async def __aenter__(self) -> "RawSip":
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=(self.own_address, 0))
        await loop.create_datagram_endpoint(lambda: self.media, local_addr=(_ADDRESS, 0))
        self._talking = asyncio.create_task(self.media.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._talking.cancel()
        await asyncio.gather(self._talking, return_exceptions=True)
        self.transport.close()
        self.media.transport.close()
        await asyncio.sleep(0)  # lets the loop close the sockets

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)
        self.own_port: int = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        message = parse(data)
        if message.headers.get("call-id") != self._call_id:
            return
        if not message.status:
            self.requests.append(message)
            if self.answer_requests and message.method in ("BYE", "INVITE", "UPDATE", "OPTIONS"):
                self.answer(message, 200, self.sdp() if message.method == "INVITE" else "")
        self._tell(message)

    def _tell(self, message: Message) -> None:
        for waiting in list(self._waiting):
            if not waiting[1].done() and waiting[0](message):
                waiting[1].set_result(message)

    async def wait(self, wanted: Callable[[Message], bool], timeout_s: float = 5) -> Message:
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting.append((wanted, future))
        try:
            return await asyncio.wait_for(future, timeout_s)
        finally:
            self._waiting.remove((wanted, future))

    async def request_from_line(self, method: str, timeout_s: float = 5) -> Message:
        """The first request of this kind, also when it has come already."""
        for request in self.requests:
            if request.method == method:
                return request
        return await self.wait(lambda message: not message.status and message.method == method, timeout_s)

    def sdp(self, direction: str = "sendrecv") -> str:
        law = {8: "PCMA", 0: "PCMU"}[self.media.payload_type]
        lines = [
            "v=0",
            f"o=- 1 {self._cseq + 1} IN IP4 {_ADDRESS}",
            "s=-",
            f"c=IN IP4 {_ADDRESS}",
            "t=0 0",
            f"m=audio {self.media.port} RTP/AVP {self.media.payload_type} {_EVENT_TYPE}",
            f"a=rtpmap:{self.media.payload_type} {law}/8000",
            f"a=rtpmap:{_EVENT_TYPE} telephone-event/8000",
            f"a=fmtp:{_EVENT_TYPE} 0-15",
            "a=ptime:20",
            f"a={direction}",
        ]
        return "\r\n".join(lines) + "\r\n"

    def send(self, method: str, body: str = "", headers: str = "", *, kind: str = "application/sdp") -> None:
        """A request of this dialog; an ACK and a CANCEL belong to the INVITE before them."""
        if method not in ("ACK", "CANCEL"):
            self._cseq += 1
        if method != "CANCEL":
            self._branch = f"z9hG4bK{uuid.uuid4().hex[:12]}"
        tag = f";tag={self._to_tag}" if self._to_tag else ""
        text = (
            f"{method} {self._target} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {_ADDRESS}:{self.own_port};branch={self._branch};rport\r\n"
            f"Max-Forwards: 70\r\n"
            f"From: <sip:{self.caller}@{_ADDRESS}:{self.own_port}>;tag={self._from_tag}\r\n"
            f"To: <sip:{self.dialled}@{_ADDRESS}:{self.port}>{tag}\r\n"
            f"Call-ID: {self._call_id}\r\nCSeq: {self._cseq} {method}\r\n"
            f"Contact: <sip:{self.caller}@{_ADDRESS}:{self.own_port}>\r\n{self._route}{headers}"
            + (f"Content-Type: {kind}\r\n" if body else "")
            + f"Content-Length: {len(body)}\r\n\r\n{body}"
        )
        self.transport.sendto(text.encode(), (_ADDRESS, self.port))

    def answer(self, request: Message, status: int, body: str = "") -> None:
        own = {"to": request.headers["to"] + self._own_tag(request)}
        copied = "".join(
            f"{name}: {(request.headers | own)[name.lower()]}\r\n" for name in ("Via", "From", "To", "Call-ID", "CSeq")
        )
        text = (
            f"SIP/2.0 {status} Whatever\r\n{copied}"
            f"Contact: <sip:{self.caller}@{_ADDRESS}:{self.own_port}>\r\n"
            + ("Content-Type: application/sdp\r\n" if body else "")
            + f"Content-Length: {len(body)}\r\n\r\n{body}"
        )
        self.transport.sendto(text.encode(), (_ADDRESS, self.port))

    def _own_tag(self, request: Message) -> str:
        return "" if "tag=" in request.headers["to"] else f";tag={self._from_tag}"

    async def invite(
        self,
        *,
        late_offer: bool = False,
        headers: str = "",
        direction: str = "sendrecv",
        sdp: str = "",
        timeout_s: float = 5,
    ) -> Message:
        """INVITE or re-INVITE, acknowledged; returns the final response. ``sdp`` is said in place of our own."""
        offer = sdp or self.sdp(direction)
        self.send("INVITE", "" if late_offer else offer, headers)
        response = await self.wait(lambda message: message.status >= 200 and message.method == "INVITE", timeout_s)
        tag = re.search(r"tag=([^;\s]+)", response.headers["to"])
        self._to_tag = tag[1] if tag else ""
        if response.status == 200:
            contact = re.search(r"<([^>]+)>", response.headers["contact"])
            assert contact
            self._target = contact[1]
            proxies = re.findall(r"(?im)^Record-Route: *(.+?)\r$", response.raw)
            self._route = "".join(f"Route: {proxy}\r\n" for proxy in reversed(proxies))
            port = re.search(r"m=audio (\d+)", response.body)
            assert port
            self.media.remote = (_ADDRESS, int(port[1]))
        self.send("ACK", offer if late_offer else "")
        return response

    async def bye(self) -> int:
        """Hang up; the status of the answer."""
        self.send("BYE")
        return (await self.wait(lambda message: message.method == "BYE" and message.status > 0)).status

    async def hears_itself(self) -> bool:
        """Say a tone to a line that echoes; whether it comes back within three seconds."""
        before = len(self.media.heard())
        self.media.speech.extend(tone((900,), 600))
        for _ in range(30):
            await asyncio.sleep(0.1)
            if np.abs(self.media.heard()[before:].astype(int)).max(initial=0) > 1000:
                return True
        return False

    def notify(self, status_line: str, *, last: bool) -> None:
        """What became of a REFER (RFC 3515)."""
        state = "terminated;reason=noresource" if last else "active;expires=60"
        headers = f"Event: refer\r\nSubscription-State: {state}\r\n"
        self.send("NOTIFY", f"SIP/2.0 {status_line}\r\n", headers, kind="message/sipfrag;version=2.0")


class RawPhone(RawSip):
    """A phone that is called: answers the first INVITE with ``status``, silently when it is 0."""

    def __init__(self, status: int = 200):
        super().__init__(0)
        self._status = status
        self._call_id = ""

    @property
    def uri(self) -> str:
        return f"sip:8001@{_ADDRESS}:{self.own_port}"

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        message = parse(data)
        if message.method == "INVITE" and not message.status and not self._call_id:
            self._call_id = message.headers["call-id"]
            self.port = addr[1]
            self.requests.append(message)
            caller, contact = re.search(r"tag=([^;\s]+)", message.headers["from"]), message.headers["contact"]
            assert caller
            self._to_tag, self._target = caller[1], contact.partition("<")[2].partition(">")[0]
            if self._status == 200:
                media = re.search(r"m=audio (\d+)", message.body)
                assert media
                self.media.remote = (_ADDRESS, int(media[1]))
            self._answer_call(message)
            self._tell(message)
        elif message.method == "INVITE" and message.headers["cseq"] == self.requests[0].headers["cseq"]:
            self._answer_call(message)  # it was sent once more
        else:
            super().datagram_received(data, addr)
            if message.method == "CANCEL":
                self.answer(message, 200)
                self.answer(self.requests[0], 487)

    def _answer_call(self, invite: Message) -> None:
        if self._status:
            self.answer(invite, self._status, self.sdp() if self._status == 200 else "")
