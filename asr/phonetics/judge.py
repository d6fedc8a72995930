"""Which proposed changes are worth believing: a regression over what speaks for and against each of them.

A search that only looks for the likeliest words harms names it does not know: they are unlikely whatever was said.
The weights were fitted on recognised speech, where it is known which changes mended something, and on right
sentences, where each change is harm (`benchmarks/fit_correction.py`).
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

WEIGHTS = "judge.toml"


_BACKED = 6.0  # nats by which texts of the city make the new words likelier than the old ones
_BACKED_CITY = 3.0  # the same for words of the city's lexicon


@dataclass(frozen=True, slots=True)
class Enough:
    """How probable a change has to be: of any words, to a word of the city's lexicon, and with its texts behind it.

    The weights come from speech about anything; callers of a hotline talk about what its city writes about. A change
    that the city's texts back (路灯花了 to 路灯坏了) was next to never wrong, however little else speaks for it.
    """

    other: float
    city: float
    backed: float
    backed_city: float


class Judge:
    """The probability that a change mends more than it breaks, and whether that is enough."""

    def __init__(self, weights: Mapping[str, float], bias: float, enough: Enough):
        self._weights = weights
        self._bias = bias
        self._enough = enough

    @classmethod
    def load(cls) -> "Judge":
        """The judge that comes with the product."""
        data = tomllib.loads(resources.files("asr.phonetics").joinpath(WEIGHTS).read_text("utf-8"))
        return cls(data["weights"], data["bias"], Enough(**data["enough"]))

    def probability(self, signs: Mapping[str, float]) -> float:
        """How likely a change with these signs (`asr.phonetics.change`) is right."""
        odds = self._bias + sum(weight * signs[name] for name, weight in self._weights.items())
        return 1 / (1 + math.exp(-max(-50.0, min(50.0, odds))))

    def believes(self, signs: Mapping[str, float]) -> bool:
        """Whether to make the change."""
        backing, enough = signs["texts_better"], self._enough
        if signs["city"]:
            needed = enough.backed_city if backing >= _BACKED_CITY else enough.city
        else:
            needed = enough.backed if backing >= _BACKED else enough.other
        return self.probability(signs) >= needed
