"""What can be set about hearing."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

EngineName = Literal["whisper", "funasr", "funasr_server", "openai"]


class AsrSettings(BaseModel):
    """The recogniser: which engine, how it is fed, and who takes over when it fails."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine: EngineName = Field(
        "whisper", description="engine that hears first: whisper, funasr, funasr_server or openai"
    )
    fallback: tuple[EngineName, ...] = Field(
        (), description="engines that take over, in order, when the first one fails"
    )
    slow_ms: float = Field(
        3000, gt=0, description="a final text that takes longer than this goes to the next engine, ms"
    )

    model: str = Field("whisper-base-telephone-zh", description="folder of the Whisper model inside the models folder")
    base_model: str = Field("whisper-base", description="the model without adaptation, for comparison")
    lean_vocabulary: bool = Field(True, description="load Chinese and common English tokens only; a third faster")
    device: Literal["cpu", "cuda"] = Field("cpu", description="where the model runs: cpu or cuda")
    compute_type: str = Field("int8", description="CTranslate2 number type; int8 is the fastest on a CPU")
    cpu_threads: int = Field(1, ge=1, description="threads of one pass")
    workers: int = Field(2, ge=1, description="passes that run at the same time")
    batch_size: int = Field(1, ge=1, description="passes that may share a run; 3 saves 7 % CPU, callers wait longer")
    queue_size: int = Field(32, ge=1, description="passes that may wait; beyond it a turn is refused as overload")

    beam_size: int = Field(5, ge=1, description="hypotheses kept while decoding a final text")
    partial_beam_size: int = Field(1, ge=1, description="hypotheses kept while decoding a partial text")
    partial_interval_ms: float = Field(1000, gt=0, description="new speech between two partial passes, ms")
    window_min_s: float | None = Field(
        None, gt=0, le=30, description="shortest window the model sees, s; empty: what the model was trained with"
    )
    window_margin_s: float | None = Field(
        None, ge=0, description="silence behind the speech inside the window, s; empty: what the model was trained with"
    )
    long_turn_s: float = Field(25, gt=5, le=28, description="a longer turn is cut at its quietest place, s")

    openai_url: str = Field("", description="base URL of an OpenAI-compatible transcription service, up to /v1")
    openai_model: str = Field("whisper-1", description="model name that the transcription service knows")
    openai_api_key: SecretStr = Field(
        SecretStr(""), description="key of the transcription service; empty when it needs none"
    )
    funasr_model: str = Field(
        "iic/SenseVoiceSmall",
        description="FunASR model that hears whole turns: a name on the hub or a folder; empty for none",
    )
    funasr_streaming_model: str = Field(
        "", description="FunASR model that hears while the caller speaks, as paraformer-zh-streaming; empty for none"
    )
    funasr_hub: Literal["ms", "hf"] = Field("ms", description="where FunASR models come from: ms or hf")
    funasr_url: str = Field("", description="ws:// or wss:// address of a FunASR runtime server")
    remote_timeout_s: float = Field(5, gt=0, description="longest wait for an answer of a remote engine, s")
