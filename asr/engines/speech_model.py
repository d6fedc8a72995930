"""A model that turns a stretch of speech into text, without streams, queues or an event loop around it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from asr.correction import Hypothesis
from voicebot.core.ports import RecogniserCapabilities
from voicebot.core.speech import HearingContext

Samples = NDArray[np.float32]
"""Mono audio in [-1, 1]."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Speech to be heard in one pass. ``quick`` asks for a fast rather than a good answer.

    ``silence_s`` of silence lie behind the speech; None when the speech may go on to the end of the samples.
    """

    samples: Samples
    rate_hz: int
    context: HearingContext
    quick: bool = False
    silence_s: float | None = None

    @property
    def duration_s(self) -> float:
        """Length of the audio in seconds."""
        return len(self.samples) / self.rate_hz


@dataclass(frozen=True, slots=True)
class Heard:
    """What a model made of a stretch: hypotheses best first, none when there is no speech in it.

    ``retried`` is True when a first answer ran away and a second one was taken. ``ending`` is the log-odds that the
    voice sounded finished; None when the model cannot tell, or the stretch does not end in silence.
    """

    hypotheses: tuple[Hypothesis, ...] = ()
    language: str = "zh"
    retried: bool = False
    ending: float | None = None


class SpeechModel(Protocol):
    """Blocking; called in worker threads, by several at once."""

    @property
    def capabilities(self) -> RecogniserCapabilities:
        """What this model can do."""

    def load(self) -> None:
        """Read the weights and run once, so that the first caller does not wait; raises `ModelError`."""

    def hear(self, stretches: Sequence[Stretch]) -> list[Heard]:
        """One answer for each stretch; raises `RecognitionError`."""

    def unload(self) -> None:
        """Give memory back."""
