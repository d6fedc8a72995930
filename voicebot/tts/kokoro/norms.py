"""How the generator is to level its channels in a clause of some length, known before the clause is made.

The published generator takes mean and deviation of each channel from the whole clause. For one voice they follow the
length of the clause closely (a short one is mostly the silence around it): a line in 1/frames misses the logarithm of
the deviation by 0.019 to 0.029, by voice, on clauses it was not fitted to, as ``benchmarks/fit_voice_norms.py`` prints
when it fits ``norms.npz``.
"""

from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

_TINY = 1e-5


@dataclass(frozen=True, slots=True)
class Norms:
    """Of one voice. ``mean`` and ``log_variance``: (2, 9216), constant and share of 100/frames; ``rms``: its level."""

    mean: Array
    log_variance: Array
    rms: float

    def scale_and_shift(self, frames: int, gain: Array, offset: Array) -> tuple[Array, Array]:
        """What leveling and the style's gain and offset come to: x * scale + shift, each (9216,)."""
        features = length_features(frames)
        scale = (1 + gain) / np.sqrt(np.exp(features @ self.log_variance) + _TINY)
        return scale, offset - scale * (features @ self.mean)


def length_features(frames: int) -> Array:
    """What the statistics follow."""
    return np.array([1.0, 100.0 / frames], np.float32)


@cache
def _table() -> dict[str, NDArray[np.generic]]:
    with resources.as_file(resources.files("voicebot.tts.kokoro") / "norms.npz") as path, np.load(path) as data:
        return dict(data)


def measured() -> frozenset[str]:
    """The voices whose norms are known."""
    return frozenset(name.partition(".")[0] for name in _table())


def norms_of(voice: str) -> Norms:
    """The norms of a voice that was measured."""
    table = _table()
    mean, log_variance = (table[f"{voice}.{name}"].astype(np.float32) for name in ("mean", "log_variance"))
    return Norms(mean, log_variance, float(table[f"{voice}.rms"]))
