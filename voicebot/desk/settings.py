"""How calls find people: how long things may take, and what counts as good service."""

from pydantic import BaseModel, ConfigDict, Field


class DeskSettings(BaseModel):
    """The human queue and the agents' desk."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ring_s: int = Field(20, ge=5, le=120, description="seconds an agent has to take a call before the next one gets it")
    wrap_up_s: int = Field(
        60, ge=0, le=900, description="seconds for notes after a call; then the agent is ready again"
    )
    lost_after_s: int = Field(
        30, ge=10, le=600, description="seconds without a sign of life after which an agent's desk counts as lost"
    )
    service_level_s: int = Field(15, ge=1, description="seconds within which a waiting call should reach a person")
    handling_s: int = Field(
        240, ge=10, description="seconds a person needs for a call, until the day's own calls tell better"
    )
    priority_step_s: int = Field(60, ge=1, description="seconds of waiting that one step of priority is worth")
    overflow_s: int = Field(
        120, ge=0, description="seconds after which a call that needs a special skill may go to any agent"
    )
    hold_music: str = Field(
        "none",
        description="what a caller who waits for a person hears: none, builtin, or a WAV file (8 kHz, mono, 16 bit)",
    )
    queue_news_s: int = Field(
        20,
        ge=5,
        le=300,
        description="seconds between two looks at a waiting caller's place, who is told when it changed",
    )
    pause_reasons: tuple[str, ...] = Field(
        ("休息", "用餐", "培训", "会议", "后台处理"),
        min_length=1,
        description="reasons for a pause that agents choose from",
    )
