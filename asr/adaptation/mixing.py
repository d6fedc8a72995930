"""How much of the change to keep: all that helps the new speech and does not hurt speech unlike it.

Fine-tuning forgets; a weighted mean of the old and the new weights forgets less and keeps most of the gain
(Wortsman et al. 2022, "Robust fine-tuning of zero-shot models"). The weight is chosen by measuring, on the
adapter as it will be shipped.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from asr.adaptation.adapter import Adapter
from asr.adaptation.ct2_file import Array
from asr.adaptation.decoder import Decoder
from asr.adaptation.training import Examples, mean_loss

WEIGHTS = (0.25, 0.4, 0.55, 0.7, 0.85, 1.0)
_UNTRIED_WEIGHT = 0.5  # what a trial on 326 utterances found best; used when there is no other speech to ask


@dataclass(frozen=True, slots=True)
class Mixing:
    """The chosen weight and the losses (nats a token) on both sets for each weight tried, 0 being the base."""

    weight: float
    losses: Mapping[float, tuple[float, float]]


def choose_weight(
    decoder: Decoder,
    base: Mapping[str, Array],
    adapter: Adapter,
    validation: Examples,
    unlike: Examples | None,
    *,
    batch: int,
    report: Callable[[float, float, float], None],
) -> Mixing:
    """Ask both sets at every weight; the best on validation among those that leave ``unlike`` no worse.

    Leaves the decoder at the chosen weight. Without ``unlike`` the weight is one half.
    """
    losses: dict[float, tuple[float, float]] = {}
    for weight in (0.0, *WEIGHTS):
        decoder.load(mixed(base, adapter, weight))
        asked = mean_loss(decoder, validation, batch)
        other = mean_loss(decoder, unlike, batch) if unlike else float("nan")
        losses[weight] = (asked, other)
        report(weight, asked, other)
    harmless = [weight for weight, (_, other) in losses.items() if unlike and other <= losses[0.0][1]]
    chosen = min(harmless, key=lambda weight: losses[weight][0]) if unlike else _UNTRIED_WEIGHT
    decoder.load(mixed(base, adapter, chosen))
    return Mixing(chosen, losses)


def mixed(base: Mapping[str, Array], adapter: Adapter, weight: float) -> dict[str, Array]:
    """The base's tensors with ``weight`` times the adapter's changes."""
    state = {}
    for name, tensor in base.items():
        change = adapter.change(name, weight)
        state[name] = tensor if change is None else tensor + change
    return state
