"""What can be set about the conversation."""

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class LanguageModelSettings(BaseModel):
    """An OpenAI-compatible chat endpoint that reads what the rules did not find; callers' words are sent to it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(pattern="^https?://", description="base URL up to /v1, e.g. http://127.0.0.1:8000/v1")
    model: str = Field("default", description="model name that the endpoint knows")
    api_key: SecretStr = Field(SecretStr(""), description="sent as bearer token; empty: none")
    deadline_ms: float = Field(
        1200, ge=100, le=10_000, description="after this the rules go on alone, in ms; a caller may wait for it"
    )
    max_tokens: int = Field(200, ge=50, le=2000, description="longest answer")
    at_once: int = Field(4, ge=1, le=64, description="requests at the same time; one more is not made")
    requests_per_call: int = Field(5, ge=1, le=50, description="requests that one call may cost")
    cool_down_s: float = Field(30, ge=0, description="rest after three failures in a row, in seconds")


class DialogSettings(BaseModel):
    """Patience, doubt and length of a conversation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    silence_prompt_ms: int = Field(5000, ge=3000, le=15000, description="silence before the caller is asked, in ms")
    wait_prompt_ms: int = Field(30000, ge=5000, le=120000, description="the same after the caller said to wait, in ms")
    silence_prompts: int = Field(2, ge=1, le=5, description="prompts into silence before the call is ended")
    failures: int = Field(2, ge=1, le=5, description="turns in a row that may fail before a person takes over")
    min_confidence: float = Field(0.25, ge=0, le=1, description="mean character probability below which a turn fails")
    doubt_confidence: float = Field(
        0.55, ge=0, le=1, description="the same for a free sentence that names nothing the city knows"
    )
    repeat_days: int = Field(30, ge=0, le=365, description="days back in which the same matter is looked for; 0 never")
    max_portions: int = Field(6, ge=1, le=20, description="portions of an answer spoken in one call turn sequence")
    max_turns: int = Field(80, ge=10, le=500, description="caller turns before a person takes over")
    language_model: LanguageModelSettings | None = Field(
        None, description="optional; without this section the rules work alone"
    )
    pause_recording: bool = Field(
        False, description="leave the caller out of the recording while they prove who they are (state of a ticket)"
    )
    rating: bool = Field(True, description="ask how satisfied the caller is before the end")
