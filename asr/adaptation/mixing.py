"""How much of the change to keep: all that helps the new speech and does not hurt speech unlike it.

Fine-tuning forgets; a weighted mean of the old and the new weights forgets less and keeps most of the gain
(Wortsman et al. 2022, "Robust fine-tuning of zero-shot models"). The weight is chosen by the errors that the
model makes when it writes, not by its loss: loss also counts signs and spelling that nobody hears.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from asr.adaptation.listener import error_rate
from asr.adaptation.tokens import Tokens
from asr.adaptation.training import Examples, Model

WEIGHTS = (0.25, 0.4, 0.55, 0.7, 0.85, 1.0)
UNTRIED_WEIGHT = 0.5  # what a trial on 326 utterances found best; used when there is no other speech to ask


@dataclass(frozen=True, slots=True)
class Mixing:
    """The chosen weight and the character error rates (%) on both sets for each weight tried, 0 being the base."""

    weight: float
    errors: Mapping[float, tuple[float, float]]


def choose_weight(
    model: Model,
    validation: Examples,
    unlike: Examples | None,
    before: Examples | None,
    tokens: Tokens,
    *,
    batch: int,
    report: Callable[[float, float, float], None],
) -> Mixing:
    """Ask both sets at every weight; the best on validation among those that leave ``unlike`` no worse.

    ``before`` is the same speech as the base was made to hear it, when that is another way. Leaves the
    model at the chosen weight. Without ``unlike`` the weight is one half.
    """
    errors: dict[float, tuple[float, float]] = {}
    for weight in (0.0, *WEIGHTS):
        _keep(model, weight)
        asked = error_rate(model, validation, tokens, batch)
        others = unlike if weight else before or unlike
        other = error_rate(model, others, tokens, batch) if others else float("nan")
        errors[weight] = (asked, other)
        report(weight, asked, other)
    harmless = [weight for weight, (_, other) in errors.items() if unlike and other <= errors[0.0][1]]
    chosen = min(harmless, key=lambda weight: errors[weight][0]) if unlike else UNTRIED_WEIGHT
    _keep(model, chosen)
    return Mixing(chosen, errors)


def _keep(model: Model, share: float) -> None:
    for part in model.parts:
        part.share = share
