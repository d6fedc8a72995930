"""What can be set about the telephone line."""

from ipaddress import IPv4Network
from pathlib import Path
from typing import Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

Transport = Literal["udp", "tcp", "tls"]
Codec = Literal["pcma", "pcmu", "g722", "opus"]
Encryption = Literal["none", "sdes", "dtls"]

RTP_PORTS_PER_CALL = 4
"""RTP and RTCP, and as many again for ports that were used a moment ago."""


class TelephonySettings(BaseModel):
    """The SIP line. Figures of buffers and codecs come from trials with sipp and baresip on loopback."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    listen_address: str = Field(
        default="0.0.0.0",  # noqa: S104
        description="address to listen on for SIP and RTP; 0.0.0.0 is every one",
    )
    port: int = Field(default=5060, ge=1, le=65534, description="SIP port, for UDP and TCP; TLS takes the next one")
    transports: tuple[Transport, ...] = Field(
        default=("udp", "tcp"), min_length=1, description="SIP transports that take calls: udp, tcp, tls"
    )
    number: str = Field(default="12345", description="user part of the hotline's own SIP address")
    codecs: tuple[Codec, ...] = Field(
        default=("pcma", "pcmu"), min_length=1, description="audio codecs, the preferred one first"
    )
    rtp_port_min: int = Field(default=20000, ge=1024, le=65535, description="lowest RTP port; two ports a call")
    rtp_port_max: int = Field(default=20999, ge=1024, le=65535, description="highest RTP port")
    max_concurrent_calls: int = Field(
        default=30, ge=1, description="calls at the same time; one more hears the busy tone"
    )
    max_call_s: int = Field(default=3600, ge=1, description="longest call, seconds; the dead-call guard of last resort")
    rtp_timeout_s: int = Field(
        default=30, ge=0, description="seconds without RTP after which a call counts as lost; 0 never"
    )
    jitter_buffer_min_ms: int = Field(default=20, ge=0, description="shortest delay of the jitter buffer, milliseconds")
    jitter_buffer_max_ms: int = Field(
        default=100, ge=20, description="longest delay of the jitter buffer, milliseconds"
    )
    send_buffer_ms: int = Field(
        default=160,
        ge=40,
        le=1000,
        description="audio handed to the stack ahead of time, milliseconds; a barge-in flushes it",
    )
    transfer_timeout_s: int = Field(default=60, ge=1, description="seconds to wait for the outcome of a transfer")
    transfer: Literal["blind", "attended"] = Field(
        default="blind",
        description="how calls are handed on: by REFER alone, or after the target has answered (needs Replaces)",
    )
    transfer_targets: tuple[str, ...] = Field(
        default=("*",),
        description="patterns of extensions and SIP addresses that are ever dialled, for transfers and three-way calls",
    )
    ring_timeout_s: int = Field(default=30, ge=1, description="seconds to let a called phone ring")
    tls_certificate: Path | None = Field(
        default=None, description="PEM file with certificate chain and private key; needed by tls"
    )
    tls_authorities: Path | None = Field(
        default=None, description="PEM file of authorities; when set, the certificates of servers we call are checked"
    )
    media_encryption: Encryption = Field(
        default="none",
        description="SRTP: none, sdes (keys in SDP; use with tls) or dtls; when set, plain RTP is refused",
    )
    registrar: str = Field(default="", description="host[:port] of a registrar or switch to register with; empty: none")
    auth_user: str = Field(default="", description="name for digest authentication; empty: the number")
    auth_password: SecretStr = Field(default=SecretStr(""), description="password for digest authentication")
    register_interval_s: int = Field(default=300, ge=30, description="seconds between registrations")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.rtp_port_max - self.rtp_port_min + 1 < RTP_PORTS_PER_CALL * self.max_concurrent_calls:
            raise ValueError("rtp_port_min..rtp_port_max has too few ports: four for each of max_concurrent_calls")
        if self.jitter_buffer_max_ms < self.jitter_buffer_min_ms:
            raise ValueError("jitter_buffer_max_ms is below jitter_buffer_min_ms")
        if "tls" in self.transports and self.tls_certificate is None:
            raise ValueError("transport tls needs tls_certificate")
        return self


class AudioSocketSettings(BaseModel):
    """The door for a PBX's media socket (Asterisk's AudioSocket, FreeSWITCH with mod_audio_socket)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    listen_address: str = Field(default="127.0.0.1", description="address to listen on; the protocol has no password")
    port: int = Field(default=9092, ge=1, le=65535, description="TCP port")
    number: str = Field(default="12345", description="number that these callers dialled; the protocol does not tell")
    allowed_uuids: tuple[UUID, ...] = Field(default=(), description="identities that may call; empty: every one")
    max_concurrent_calls: int = Field(default=30, ge=1, description="calls at the same time; one more is cut at once")
    hello_timeout_s: float = Field(default=5.0, gt=0, description="seconds within which a PBX must say its identity")
    idle_timeout_s: float = Field(
        default=30.0, gt=0, description="seconds without a word from the PBX after which a call counts as lost"
    )
    max_call_s: int = Field(default=3600, ge=1, description="longest call, seconds")
    send_buffer_ms: int = Field(
        default=160, ge=40, le=1000, description="audio taken ahead of time, milliseconds; a barge-in flushes it"
    )
    agi_port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="TCP port where an Asterisk dialplan asks by FastAGI what to do; needed for transfers; unset: none",
    )
    media_host: str = Field(
        default="", description="address of this door as that Asterisk reaches it; empty: listen_address"
    )
    transfer_targets: tuple[str, ...] = Field(
        default=("*",), description="patterns of extensions that calls are ever put through to"
    )
    transfer_dial: str = Field(
        default="Local/{target}@default",
        pattern=r"^[^\s,\"]*\{target\}[^\s,\"]*$",
        description="what that Asterisk dials for {target}, e.g. PJSIP/{target}",
    )
    ring_timeout_s: int = Field(default=30, ge=1, description="seconds to let a called extension ring")

    @property
    def seen_address(self) -> str:
        """``host:port`` of this door as the PBX reaches it."""
        return f"{self.media_host or self.listen_address}:{self.port}"


class WebSocketSettings(BaseModel):
    """The door for Asterisk's chan_websocket."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    listen_address: str = Field(default="127.0.0.1", description="address to listen on")
    port: int = Field(default=9093, ge=1, le=65535, description="TCP port; the path is /media")
    user: str = Field(default="asterisk", description="user name, as in websocket_client.conf")
    password: SecretStr = Field(
        default=SecretStr(""), description="password, as in websocket_client.conf; empty: whoever reaches the port"
    )
    number: str = Field(default="12345", description="number that callers dialled when the dialplan does not tell")
    max_concurrent_calls: int = Field(default=30, ge=1, description="calls at the same time; one more is refused")
    hello_timeout_s: float = Field(default=5.0, gt=0, description="seconds within which Asterisk must say MEDIA_START")
    idle_timeout_s: float = Field(
        default=30.0, gt=0, description="seconds without a message after which a call counts as lost"
    )
    max_call_s: int = Field(default=3600, ge=1, description="longest call, seconds")
    send_buffer_ms: int = Field(
        default=160, ge=40, le=1000, description="audio sent ahead of its playing, milliseconds; a barge-in flushes it"
    )


class WebRtcSettings(BaseModel):
    """Calls from the call page."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = Field(default=True, description="whether the page /call takes calls")
    number: str = Field(default="12345", description="number that these callers count as having dialled")
    max_concurrent_calls: int = Field(default=10, ge=1, description="calls at the same time; one more is refused")
    calls_per_minute: int = Field(default=6, ge=1, description="calls that one address may begin, per minute")
    stun_servers: tuple[str, ...] = Field(
        default=(), description="STUN servers, e.g. stun:stun.example.cn:3478; none are needed in one's own network"
    )
    turn_servers: tuple[str, ...] = Field(
        default=(), description="TURN servers for pages behind strict firewalls, e.g. turn:turn.example.cn:3478"
    )
    turn_secret: SecretStr = Field(
        default=SecretStr(""), description="secret shared with the TURN server (coturn: static-auth-secret)"
    )
    connect_timeout_s: float = Field(default=20.0, gt=0, description="seconds within which a connection must stand")
    silent_timeout_s: float = Field(default=15.0, gt=0, description="seconds without audio that count as a lost call")
    max_call_s: int = Field(default=3600, ge=1, description="longest call, seconds")
    send_buffer_ms: int = Field(
        default=160, ge=40, le=1000, description="audio taken ahead of time, milliseconds; a barge-in flushes it"
    )


class EdgeSettings(BaseModel):
    """The machine between the trunk and the workers: Kamailio for SIP, rtpengine for RTP, coturn for browsers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    listen_address: str = Field(default="0.0.0.0", description="address of the edge towards the trunk")  # noqa: S104
    port: int = Field(default=5060, ge=1, le=65535, description="SIP port of the edge, UDP and TCP")
    advertised_address: str = Field(
        default="", description="address that the trunk sees, when the edge stands behind NAT; empty: listen_address"
    )
    trunks: tuple[IPv4Network, ...] = Field(
        default=(), description="networks that may send calls, e.g. 10.1.2.3/32; everybody else is not answered"
    )
    workers: tuple[str, ...] = Field(
        default=(), description="host:port of workers on other machines; empty: the workers of this machine"
    )
    calls_per_second: int = Field(
        default=50, ge=1, description="calls that one address may begin, per second; one more is refused with 503"
    )
    answer_within_ms: int = Field(
        default=1000, ge=100, description="milliseconds after which a silent worker is given up and the next one asked"
    )
    ping_interval_s: int = Field(
        default=2, ge=1, description="seconds between two questions to a worker: are you there"
    )
    session_expires_s: int = Field(
        default=1800, ge=90, description="session timer (RFC 4028), seconds; a call nobody refreshes is cleared"
    )
    overflow: str = Field(default="", description="SIP URI that takes calls when every worker is full; empty: 503")
    rtpengine_control: str = Field(
        default="127.0.0.1:2223", description="where rtpengine takes Kamailio's orders (UDP)"
    )
    rtp_port_min: int = Field(default=30000, ge=1024, le=65535, description="lowest RTP port of the edge")
    rtp_port_max: int = Field(default=39999, ge=1024, le=65535, description="highest RTP port of the edge")
    turn_realm: str = Field(default="hotline.local", description="realm of the TURN server")
    turn_port: int = Field(default=3478, ge=1, le=65535, description="port of the TURN server, UDP and TCP")
    turn_relay_port_min: int = Field(default=49160, ge=1024, le=65535, description="lowest relay port of TURN")
    turn_relay_port_max: int = Field(default=49999, ge=1024, le=65535, description="highest relay port of TURN")
