"""What can be set about the telephone line."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class TelephonySettings(BaseModel):
    """The SIP line. Figures of buffers and codecs come from trials with sipp and baresip on loopback."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    listen_address: str = Field(
        default="0.0.0.0",  # noqa: S104
        description="address to listen on for SIP and RTP; 0.0.0.0 is every one",
    )
    port: int = Field(default=5060, ge=1, le=65535, description="SIP port, for UDP and TCP")
    transports: tuple[Literal["udp", "tcp"], ...] = Field(
        default=("udp", "tcp"), description="SIP transports that take calls"
    )
    number: str = Field(default="12345", description="user part of the hotline's own SIP address")
    codecs: tuple[Literal["pcma", "pcmu", "g722", "opus"], ...] = Field(
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
