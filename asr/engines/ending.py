"""How a voice sounds before a silence: as at the end of what it had to say, or as in a pause inside.

A logistic regression over what Whisper's own encoder makes of the last moments of speech, so it costs no pass of its
own. Fitted by ``python -m benchmarks.fit_ending_sound`` on human speech over the telephone, stopped at the speakers'
own pauses, with the encoder that the service uses: one that is trained further needs weights of its own.
"""

from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from asr.engines.whisper_decoder import ENCODED_PER_S

WEIGHTS = "ending.npz"
_LATE, _EARLY = 8, 20  # encoder frames before the end: the last 160 ms, the 240 ms before them


def moments(encoded: NDArray[np.float32], end: int) -> NDArray[np.float32]:
    """One stretch's encoder states, shape (frames, width), and the frame at which speech ends -> (3 * width,)."""
    end = max(1, min(end, len(encoded) - 1))
    late, early = encoded[max(0, end - _LATE) : end + 1], encoded[max(0, end - _EARLY) : max(1, end - _LATE)]
    return np.concatenate([late.mean(axis=0), early.mean(axis=0), encoded[:end].mean(axis=0)])


class EndingSound:
    """The fitted weights, for an encoder of their width."""

    def __init__(self) -> None:
        with (files(__package__) / WEIGHTS).open("rb") as file:
            stored = np.load(file)
            self._weights = stored["weights"].astype(np.float32)
            self._bias = float(stored["bias"])

    def score(self, encoded: NDArray[np.float32], duration_s: float) -> float | None:
        """Log-odds that speech of so many seconds ends there for good; None for an encoder that was not fitted."""
        found = moments(encoded, round(duration_s * ENCODED_PER_S))
        return self._bias + float(self._weights @ found) if found.shape == self._weights.shape else None


@lru_cache(maxsize=1)
def ending_sound() -> EndingSound:
    """The weights, read once."""
    return EndingSound()
