"""What can be set about the voice."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

KOKORO_VOICES = (
    "zf_xiaobei", "zf_xiaoni", "zf_xiaoxiao", "zf_xiaoyi",
    "zm_yunjian", "zm_yunxi", "zm_yunxia", "zm_yunyang",
)  # fmt: skip


class TtsSettings(BaseModel):
    """The ``[tts]`` section."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine: Literal["kokoro", "edge"] = Field(
        default="kokoro", description="kokoro: on this machine; edge: an online trial voice, with kokoro behind it"
    )
    voice: str = Field(default="zf_xiaoxiao", description="kokoro voice: " + ", ".join(KOKORO_VOICES))
    speed: float = Field(default=1.0, ge=0.5, le=2.0, description="speaking rate, 1 is the voice's own")
    level_dbfs: float = Field(default=-20.0, ge=-40, le=-10, description="loudness while speaking, dBFS RMS")
    threads: int = Field(default=2, ge=1, le=64, description="CPU threads of one synthesis")
    parallel: int = Field(default=1, ge=1, le=64, description="syntheses at the same time")
    max_waiting: int = Field(default=32, ge=1, description="clauses that may wait; more are refused")
    clauses_ahead: int = Field(default=2, ge=1, le=8, description="clauses made ahead of the one being spoken")
    cache_memory_mb: int = Field(default=64, ge=1, description="spoken clauses kept in memory, MiB (1 MiB is 65 s)")
    cache_disk_mb: int = Field(default=512, ge=1, description="fixed clauses on disk, MiB (1 MiB is 131 s)")
    render_ahead: bool = Field(default=True, description="render the answers of the knowledge base while nobody calls")
    edge_voice: str = Field(default="zh-CN-XiaoxiaoNeural", description="voice of the online engine")
    edge_proxy: str = Field(default="", description="HTTP proxy for the online engine; empty for none")
    first_audio_ms: int = Field(default=800, ge=50, description="ms until the online engine's first audio")
    stall_ms: int = Field(default=1500, ge=50, description="ms without a byte that count as a failure")
    cool_down_s: float = Field(default=60.0, ge=0, description="s for which a failed online engine is left alone")

    @field_validator("voice")
    @classmethod
    def _known(cls, voice: str) -> str:
        if voice not in KOKORO_VOICES:
            raise ValueError(f"没有名为 {voice} 的声音，可用：{'、'.join(KOKORO_VOICES)}")
        return voice
