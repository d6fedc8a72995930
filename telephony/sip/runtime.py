"""The SIP stack of this process. There can be only one: its state is global to the process."""

import errno
import socket
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from baresip import Account, BaresipError, Config, RegistrationError, Runtime, UserAgent

from telephony.settings import TelephonySettings, Transport
from telephony.sip.refusals import tell_refusals_of_the_log
from voicebot.core.errors import LineError

# A bare name means 8 kHz to the stack.
_CODECS = {"pcma": "pcma", "pcmu": "pcmu", "g722": "g722/16000/1", "opus": "opus/48000/2"}
_HEADERS = ("From", "To", "P-Asserted-Identity", "Privacy", "Diversion", "Supported")
_ENCRYPTION = {"sdes": "srtp-mand", "dtls": "dtls_srtp"}
_ANY_ADDRESS = "0.0.0.0"  # noqa: S104


def check_port_free(address: str, port: int) -> None:
    """Raise `LineError` when the SIP port cannot be taken; the stack itself would only log it."""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with closing(socket.socket(socket.AF_INET, kind)) as probe:
            if kind == socket.SOCK_STREAM:  # as the stack does: connections of a previous run may linger
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError as error:
                raise _cannot_listen(address, port, error) from error


def free_sip_port(address: str) -> int:
    """A port that is free for UDP and TCP now, for a client that nobody has to find."""
    for _ in range(20):
        with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
            probe.bind((address, 0))
            port = int(probe.getsockname()[1])
        try:
            check_port_free(address, port)
            check_port_free(address, port + 1)  # TLS, when it is used
        except (LineError, OverflowError):
            continue
        return port
    raise LineError("找不到空闲的 SIP 端口。", code="no_free_port", remedy="请检查本机的端口占用情况。")


def _cannot_listen(address: str, port: int, error: OSError) -> LineError:
    if error.errno == errno.EADDRINUSE:
        return LineError(
            f"SIP 端口 {address}:{port} 已被占用。",
            code="port_taken",
            remedy=f"请停止占用它的程序（可用 ss -lnup 'sport = :{port}' 查看），或在设置中改用别的端口（port）。",
        )
    if error.errno == errno.EACCES:
        return LineError(
            f"没有权限监听 SIP 端口 {address}:{port}。",
            code="port_forbidden",
            remedy="请改用 1024 以上的端口（port）。",
        )
    return LineError(
        f"不能监听 SIP 地址 {address}:{port}：{error.strerror}。",
        code="address_unusable",
        remedy="请把 listen_address 设为本机已有的地址，或 0.0.0.0。",
    )


async def start_runtime(settings: TelephonySettings, transports: Sequence[Transport]) -> Runtime:
    """Start the stack with the settings that a hotline needs; raises `LineError` with a remedy."""
    check_port_free(settings.listen_address, settings.port)
    if "tls" in transports:
        check_port_free(settings.listen_address, settings.port + 1)
    if settings.tls_certificate:
        _check_readable(settings.tls_certificate)
    if settings.tls_authorities:
        _check_readable(settings.tls_authorities)
    tell_refusals_of_the_log()
    runtime = Runtime()
    try:
        await runtime.start(_config(settings, transports))
    except BaresipError as error:
        raise LineError(
            f"SIP 协议栈启动失败：{error}。", code="sip_start_failed", remedy="请检查网络接口和端口设置后重试。"
        ) from error
    return runtime


def _check_readable(pem: Path) -> None:
    try:
        text = pem.read_text(errors="replace")
    except OSError as error:
        raise LineError(
            f"读不到证书文件 {pem}：{error.strerror}。", code="certificate_missing", remedy="请检查路径和权限。"
        ) from error
    if "-----BEGIN" not in text:
        raise LineError(f"{pem} 不是 PEM 证书文件。", code="certificate_invalid", remedy="请提供 PEM 格式的证书文件。")


def _config(settings: TelephonySettings, transports: Sequence[Transport]) -> Config:
    lines = [
        f"sip_transports {','.join(transports)}",  # else the stack takes the next port for TLS, certificate or not
        f"sip_listen {settings.listen_address}:{settings.port}",
        "net_af ipv4",  # as the line is: an offer of IPv6 media is then a 488, and without this word a 500
        f"rtp_ports {settings.rtp_port_min}-{settings.rtp_port_max}",
        f"audio_jitter_buffer_ms {settings.jitter_buffer_min_ms}-{settings.jitter_buffer_max_ms}",
        "call_hold_other_calls no",  # calls are strangers to each other; the stack would hold all but the newest
    ]
    if settings.tls_certificate:
        lines.append(f"sip_certificate {settings.tls_certificate}")
    if settings.tls_authorities:
        lines += [f"sip_cafile {settings.tls_authorities}", "sip_verify_server yes"]
    return Config(
        # The stack finds loopback only when told so, and routes from one address when pinned to it.
        net_interface=None if settings.listen_address == _ANY_ADDRESS else settings.listen_address,
        max_concurrent_calls=settings.max_concurrent_calls,
        expose_headers=_HEADERS,
        rtp_timeout=settings.rtp_timeout_s,
        extra_config_text="\n".join(lines),
    )


async def create_user_agent(runtime: Runtime, settings: TelephonySettings, transport: Transport) -> UserAgent:
    """One identity for one SIP transport: takes every dialled number, audio only, refuses to be transferred."""
    # catchall: a trunk dials any of the hotline's numbers. video_codecs: or each answer is followed by a re-INVITE.
    params = ["catchall=yes", "video_codecs=none"]
    if settings.media_encryption != "none":
        params.append(f"mediaenc={_ENCRYPTION[settings.media_encryption]}")
    account = Account(
        user=settings.number,
        domain=settings.registrar or f"{settings.listen_address}:{settings.port}",
        password=settings.auth_password.get_secret_value(),
        auth_user=settings.auth_user or None,
        reg_interval=settings.register_interval_s if settings.registrar else 0,
        transport=transport,
        audio_codecs=tuple(_CODECS[codec] for codec in settings.codecs),
        extra_params=tuple(params),
    )
    # A REFER from a peer would make us dial wherever it likes, at our cost.
    return await UserAgent.create(runtime, account, transfer_policy="reject")


async def register(agent: UserAgent, settings: TelephonySettings) -> None:
    """Register with the switch; raises `LineError` with a remedy. The stack renews it by itself."""
    try:
        await agent.register()
    except RegistrationError as error:
        if error.status in (401, 403, 407):
            code, remedy = "registration_refused", "请检查 number、auth_user 和 auth_password。"
        else:
            code, remedy = "registrar_unreachable", "请检查 registrar 地址，以及到它的网络。"
        raise LineError(f"向 {settings.registrar} 注册失败：{error}。", code=code, remedy=remedy) from error
