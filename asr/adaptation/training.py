"""Training on a set of clips, watched on speakers it does not train on."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as functional
from torch import Tensor

from asr.adaptation.decoder import Past
from asr.adaptation.examples import Batch
from asr.adaptation.settings import AdaptationSettings
from asr.adaptation.weights import Weights

_WARM_UP = 0.08  # share of the training in which the learning rate rises; it falls to the end
_LOWEST_RATE = 0.02
_LARGEST_GRADIENT = 1.0
_REMEMBERED = 0.99  # of the running mean of the weights, a step; the mean hears better than any of its steps
_FORGOTTEN_STEPS = 10  # the mean of the first steps reaches back less far


class Model(Protocol):
    """What is trained: the decoder alone, or encoder and decoder."""

    @property
    def parts(self) -> Sequence[Weights]:
        """The tensors of its parts."""

    def encode(self, batch: Batch) -> Tensor:
        """Encoder outputs (batch, frames, width)."""

    def decode(self, tokens: Tensor, encoded: Tensor, heard: Tensor, past: Past | None = None) -> Tensor:
        """Hidden states (batch, tokens, width) of the decoder."""

    def logits(self, hidden: Tensor) -> Tensor:
        """Scores over the vocabulary."""

    def train(self, mode: bool = True) -> object:
        """Switch what belongs to training only."""


class Examples(Protocol):
    """A set of clips with their token rows."""

    def __len__(self) -> int:
        """How many."""

    def batches(self, size: int, rng: random.Random | None) -> Iterator[Batch]:
        """All clips once; shuffled and changed anew when ``rng`` is given, else in order and always the same."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far training has come."""

    step: int
    steps: int
    loss: float
    validation: float | None
    remaining_s: float


def batch_loss(model: Model, batch: Batch, smoothing: float = 0.0) -> Tensor:
    """Mean cross entropy of the scored tokens, in nats."""
    with torch.autocast("cuda", torch.bfloat16, enabled=batch.tokens.is_cuda):
        hidden = model.decode(batch.tokens[:, :-1], model.encode(batch), batch.heard)
        scored = batch.scored[:, 1:]
        logits = model.logits(hidden[scored])
    return functional.cross_entropy(logits.float(), batch.tokens[:, 1:][scored], label_smoothing=smoothing)


def mean_loss(model: Model, examples: Examples, size: int) -> float:
    """Cross entropy in nats a token over all examples."""
    total, count = 0.0, 0
    model.train(False)
    with torch.no_grad():
        for batch in examples.batches(size, None):
            scored = int(batch.scored[:, 1:].sum())
            total += batch_loss(model, batch).item() * scored
            count += scored
    return total / max(1, count)


def train(
    model: Model,
    training: Examples,
    validation: Examples,
    settings: AdaptationSettings,
    report: Callable[[Progress], None],
) -> None:
    """Train until time, passes or patience run out; the model then is what was best on the validation set.

    Asked and kept is a running mean of the weights (Polyak and Juditsky 1992, here with exponential forgetting).
    """
    torch.manual_seed(settings.seed)
    torch.set_num_threads(settings.threads)
    rng = random.Random(settings.seed)
    weights = [tensor for part in model.parts for tensor in part.trainable]
    optimiser = torch.optim.AdamW(weights, lr=settings.learning_rate, weight_decay=0.01, betas=(0.9, 0.98))
    steps_per_pass = -(-len(training) // settings.batch)
    steps = steps_per_pass * settings.passes
    check_every = max(1, steps_per_pass // settings.checks_per_pass)
    limit_s = settings.minutes * 60
    best_loss, best, mean = mean_loss(model, validation, settings.batch), _copies(weights), _copies(weights)
    report(Progress(0, steps, float("nan"), best_loss, limit_s))
    began, step, worse = time.monotonic(), 0, 0
    for _ in range(settings.passes):
        for batch in training.batches(settings.batch, rng):
            model.train(True)
            done = max((time.monotonic() - began) / limit_s, step / steps)
            share = max(_LOWEST_RATE, min(1.0, (done + 1 / steps) / _WARM_UP, 1 - done))
            for group in optimiser.param_groups:
                group["lr"] = settings.learning_rate * share
            loss = batch_loss(model, batch, settings.label_smoothing)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call, unused-ignore]
            torch.nn.utils.clip_grad_norm_(weights, _LARGEST_GRADIENT)
            optimiser.step()
            step += 1
            remembered = min(_REMEMBERED, step / (step + _FORGOTTEN_STEPS))
            for weight, kept in zip(weights, mean, strict=True):
                kept.lerp_(weight.detach(), 1 - remembered)
            elapsed = time.monotonic() - began
            out_of_time = elapsed >= limit_s
            checked = None
            if step % check_every == 0 or step == steps or out_of_time:
                current = _copies(weights)
                _put(weights, mean)
                checked = mean_loss(model, validation, settings.batch)
                _put(weights, current)
                if checked < best_loss:
                    best_loss, best, worse = checked, _copies(mean), 0
                else:
                    worse += 1
            remaining_s = max(0.0, min(limit_s - elapsed, elapsed / step * (steps - step)))
            report(Progress(step, steps, loss.item() if checked else float("nan"), checked, remaining_s))
            if out_of_time or worse >= settings.patience:
                break
        else:
            continue
        break
    _put(weights, best)


def _put(weights: Sequence[Tensor], kept: Sequence[Tensor]) -> None:
    with torch.no_grad():
        for weight, value in zip(weights, kept, strict=True):
            weight.copy_(value)


def _copies(weights: Sequence[Tensor]) -> list[Tensor]:
    return [weight.detach().clone() for weight in weights]
