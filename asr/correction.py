"""What the recogniser hands to the correction by sound, and what it takes back.

The engine knows what it might have heard, the corrector knows the language and the city. They meet in
these few nouns, so that either can be replaced without the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from voicebot.core.speech import Correction, HearingContext


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One thing that the engine may have heard.

    ``score`` is the sum of the natural-log probabilities of its tokens: hypotheses of the same audio
    compare by it, and the first of a sequence is the engine's own choice. ``confidence`` holds a
    probability in [0, 1] for each character of ``text``; it is empty when the engine gives none.
    """

    text: str
    score: float = 0.0
    confidence: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Corrected:
    """The text that was taken, and each change against the first hypothesis with its reason."""

    text: str
    corrections: tuple[Correction, ...] = ()


class Corrector(Protocol):
    """Chooses the words that fit the sound, the language and the city best."""

    def correct(self, hypotheses: Sequence[Hypothesis], context: HearingContext) -> Corrected:
        """Correct the first of ``hypotheses`` (never empty, best first) with the help of the others.

        Pure CPU work without I/O; called in a worker thread, by several threads at once.
        """
