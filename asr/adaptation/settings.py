"""What may be set about an adaptation."""

from pydantic import BaseModel, ConfigDict, Field


class AdaptationSettings(BaseModel):
    """Adapting the embedded recogniser to recordings and words of a city."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    threads: int = Field(2, ge=1, description="processor threads for encoding and training")
    minutes: float = Field(20, gt=0, description="longest training time, minutes, encoding not counted")
    passes: int = Field(4, ge=1, description="longest training, passes over the clips")
    batch: int = Field(16, ge=1, description="clips in a step")
    learning_rate: float = Field(3e-5, gt=0, description="highest learning rate")
    label_smoothing: float = Field(0.1, ge=0, lt=1, description="share of probability given to other tokens")
    prompt: str = Field("以下是普通话的句子。", description="the prompt that the service gives the recogniser")
    prompt_share: float = Field(0.7, ge=0, le=1, description="share of clips trained with the prompt")
    validation_share: float = Field(0.04, gt=0, lt=0.5, description="share of clips whose speakers are held out")
    checks_per_pass: int = Field(2, ge=1, description="how often the held-out speakers are asked in a pass")
    patience: int = Field(2, ge=1, description="checks without gain before training stops")
    min_clip_s: float = Field(1.0, gt=0, description="shortest clip used, s")
    max_clip_s: float = Field(14.0, gt=0, description="longest clip used, s")
    adapter_kb: int = Field(5500, ge=64, description="largest adapter, kB")
    seed: int = Field(3, ge=0, description="seed of all random choices")
