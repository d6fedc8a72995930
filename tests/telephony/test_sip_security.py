"""TLS, SRTP and registration."""

import asyncio
import re
import sys
from hashlib import md5
from pathlib import Path

import pytest

from telephony.settings import TelephonySettings
from telephony.sip.runtime import free_sip_port
from telephony.sip.server import SipLineServer
from tests.support.certificates import write_certificate
from tests.support.raw_sip import Message, RawSip, parse
from tests.support.sip_service import echo, sip_service
from voicebot.core.clock import SystemClock
from voicebot.core.errors import LineError

pytestmark = pytest.mark.network

CALL = """
import asyncio, sys, numpy as np
from pathlib import Path
from telephony.sip.caller import SipCaller
from voicebot.audio.tones import tone
from voicebot.core.clock import SystemClock
from voicebot.core.errors import LineError

async def main():
    target, encryption, authorities = sys.argv[1:]
    caller = SipCaller(target, SystemClock(), media_encryption=encryption, tls_authorities=Path(authorities))
    try:
        await caller.connect()
    except LineError as error:
        print(error.code)
        return
    for _ in range(8):  # a DTLS handshake takes its time
        caller.say(tone((900,), 600))
        await asyncio.sleep(0.9)
        heard = caller.received().astype(int)
        if np.abs(heard).max() > 1000:
            break
    await caller.hang_up()
    print("heard" if np.abs(heard).max() > 1000 else "silence")

asyncio.run(main())
"""


async def call(target: str, encryption: str, authorities: Path) -> str:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", CALL, target, encryption, str(authorities)), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    return output.decode().splitlines()[-1]


@pytest.mark.parametrize("encryption", ["none", "sdes", "dtls"])
@pytest.mark.interop("baresip-python", "TLS；SRTP 的 SDES 与 DTLS")
async def test_a_call_over_tls_is_heard(encryption: str, tmp_path: Path):
    both, authority = write_certificate(tmp_path)
    async with sip_service(
        echo, transports=("udp", "tls"), tls_certificate=both, media_encryption=encryption
    ) as service:
        assert await call(f"sip:12345@127.0.0.1:{service.port + 1};transport=tls", encryption, authority) == "heard"


async def test_a_caller_who_does_not_trust_our_certificate_does_not_get_through(tmp_path: Path):
    both, _ = write_certificate(tmp_path)
    (tmp_path / "other").mkdir()
    _, stranger = write_certificate(tmp_path / "other")
    async with sip_service(echo, transports=("tls",), tls_certificate=both) as service:
        target = f"sip:12345@127.0.0.1:{service.port + 1};transport=tls"
        assert await call(target, "none", stranger) in ("call_failed", "call_refused", "no_answer")


async def test_plain_rtp_is_refused_where_encryption_is_asked_for():
    async with sip_service(media_encryption="sdes") as service, RawSip(service.port) as peer:
        response = await peer.invite()
        assert response.status == 488
        assert service.server.active == 0


async def test_a_certificate_that_is_missing_or_damaged_is_one_clear_error(tmp_path: Path):
    port = free_sip_port("127.0.0.1")
    damaged = tmp_path / "damaged.pem"
    damaged.write_text("nonsense")
    for path, code in ((tmp_path / "none.pem", "certificate_missing"), (damaged, "certificate_invalid")):
        settings = TelephonySettings(
            listen_address="127.0.0.1", port=port, transports=("udp", "tls"), tls_certificate=path
        )
        with pytest.raises(LineError) as raised:
            await SipLineServer(settings, SystemClock()).start()
        assert raised.value.code == code


def test_tls_without_a_certificate_is_refused_by_the_settings():
    with pytest.raises(ValueError, match="tls_certificate"):
        TelephonySettings(transports=("tls",))


def test_too_few_rtp_ports_are_refused_by_the_settings():
    with pytest.raises(ValueError, match="rtp_port_min"):
        TelephonySettings(rtp_port_min=20000, rtp_port_max=20019)


class Registrar(RawSip):
    """A switch that wants a digest (RFC 2617) for one name and password."""

    def __init__(self, password: str):
        super().__init__(0)
        self._password = password
        self.registered = asyncio.Event()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        message = parse(data)
        if message.method != "REGISTER":
            return
        self.port = addr[1]
        given = message.headers.get("authorization")
        if given is None:
            self._reply(message, "401 Unauthorized", 'WWW-Authenticate: Digest realm="here", nonce="n1"\r\n')
        elif self._fits(given):
            self._reply(message, "200 OK", f"Contact: {message.headers['contact']};expires=300\r\n")
            self.registered.set()
        else:
            self._reply(message, "403 Forbidden", "")

    def _fits(self, given: str) -> bool:
        parts = dict(re.findall(r'(\w+)="([^"]*)"', given))
        secret = md5(f"{parts['username']}:here:{self._password}".encode(), usedforsecurity=False).hexdigest()
        asked = md5(f"REGISTER:{parts['uri']}".encode(), usedforsecurity=False).hexdigest()
        wanted = md5(f"{secret}:n1:{asked}".encode(), usedforsecurity=False).hexdigest()
        return parts["username"] == "trunk" and parts["response"] == wanted

    def _reply(self, request: Message, status: str, extra: str) -> None:
        copied = "".join(f"{n}: {request.headers[n.lower()]}\r\n" for n in ("Via", "From", "Call-ID", "CSeq"))
        text = f"SIP/2.0 {status}\r\n{copied}To: {request.headers['to']};tag=r\r\n{extra}Content-Length: 0\r\n\r\n"
        self.transport.sendto(text.encode(), ("127.0.0.1", self.port))


async def test_the_line_registers_with_a_switch():
    async with Registrar("secret") as registrar:
        account = {"registrar": f"127.0.0.1:{registrar.own_port}", "auth_user": "trunk", "auth_password": "secret"}
        async with sip_service(**account):
            await asyncio.wait_for(registrar.registered.wait(), 2)


async def test_a_wrong_password_is_one_clear_error():
    async with Registrar("secret") as registrar:
        settings = TelephonySettings.model_validate(
            {
                "listen_address": "127.0.0.1",
                "port": free_sip_port("127.0.0.1"),
                "registrar": f"127.0.0.1:{registrar.own_port}",
                "auth_user": "trunk",
                "auth_password": "wrong",
            }
        )
        with pytest.raises(LineError) as raised:
            await SipLineServer(settings, SystemClock()).start()
        assert raised.value.code == "registration_refused"
        assert "wrong" not in str(raised.value)
