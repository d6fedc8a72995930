"""What can be set about the conversation."""

from pydantic import BaseModel, ConfigDict, Field


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
    rating: bool = Field(True, description="ask how satisfied the caller is before the end")
