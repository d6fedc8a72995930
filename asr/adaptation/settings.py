"""What may be set about an adaptation."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class AdaptationSettings(BaseModel):
    """Adapting the embedded recogniser to recordings and words of a city."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    threads: int = Field(2, ge=1, description="processor threads for encoding and training")
    minutes: float = Field(20, gt=0, description="longest training time, minutes, encoding not counted")
    parts: Literal["decoder", "encoder", "all"] = Field(
        "decoder", description="what is trained; with the encoder every pass hears another telephone (needs a GPU)"
    )
    device: Literal["cpu", "cuda"] = Field("cpu", description="where training runs")
    passes: int = Field(4, ge=1, description="longest training, passes over the clips")
    batch: int = Field(16, ge=1, description="clips in a step")
    learning_rate: float = Field(6e-4, gt=0, description="highest learning rate")
    rank: int = Field(24, ge=1, description="rank of the change of each matrix; an adapter of rank 24 has some 4 MB")
    label_smoothing: float = Field(0.1, ge=0, lt=1, description="share of probability given to other tokens")
    prompt: str = Field("以下是普通话的句子。", description="the prompt that the service gives the recogniser")
    prompt_share: float = Field(0.7, ge=0, le=1, description="share of clips trained with the prompt")
    validation_share: float = Field(0.04, gt=0, lt=0.5, description="share of clips whose speakers are held out")
    checks_per_pass: int = Field(2, ge=1, description="how often the held-out speakers are asked in a pass")
    patience: int = Field(2, ge=1, description="checks without gain before training stops")
    window_min_s: float = Field(
        2.0, gt=0, le=30, description="shortest window that the encoder learns, s; the decoder alone keeps its base's"
    )
    window_margin_s: float = Field(0.5, ge=0, description="silence behind the speech inside it, s")
    noises: float = Field(0.03, ge=0, lt=1, description="share of clips in which nobody speaks; with the encoder only")
    min_clip_s: float = Field(1.0, gt=0, description="shortest clip used, s")
    max_clip_s: float = Field(14.0, gt=0, description="longest clip used, s")
    seed: int = Field(3, ge=0, description="seed of all random choices")
