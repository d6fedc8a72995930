"""Training the decoder on cached encoder outputs, watched on speakers it does not train on."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as functional
from tokenizers import Tokenizer
from torch import Tensor

from asr.adaptation.ct2_file import Array
from asr.adaptation.decoder import Decoder
from asr.adaptation.encoded import EncodedSet
from asr.adaptation.settings import AdaptationSettings

_WARM_UP = 0.08  # share of the training in which the learning rate rises; it falls to the end
_LOWEST_RATE = 0.02
_LARGEST_GRADIENT = 1.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far training has come."""

    step: int
    steps: int
    loss: float
    validation: float | None
    remaining_s: float


class Tokens:
    """Texts as the token rows that the decoder is trained on: prompt, start, text, end."""

    def __init__(self, tokenizer_file: Path, language: str = "zh"):
        self._tokenizer = Tokenizer.from_file(str(tokenizer_file))
        special = self._special
        self._start = [special("<|startoftranscript|>"), special(f"<|{language}|>")]
        self._start += [special("<|transcribe|>"), special("<|notimestamps|>")]
        self.end = special("<|endoftext|>")

    def _special(self, name: str) -> int:
        token = self._tokenizer.token_to_id(name)
        if token is None:
            raise ValueError(f"the tokenizer has no {name}")
        return int(token)

    def prefix(self, prompt: str) -> list[int]:
        """What stands before the text; an empty prompt leaves the start alone."""
        if not prompt:
            return list(self._start)
        words = self._tokenizer.encode(prompt, add_special_tokens=False).ids
        return [self._special("<|startofprev|>"), *words, *self._start]

    def text(self, text: str) -> list[int]:
        """The text and its end."""
        return [*self._tokenizer.encode(text, add_special_tokens=False).ids, self.end]


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of tokens, which of them are scored, encoder outputs and their mask."""

    tokens: Tensor
    scored: Tensor
    encoded: Tensor
    heard: Tensor


class Examples:
    """A set of encoded clips with their token rows, cut into batches of similar length."""

    def __init__(self, encoded: EncodedSet, tokens: Tokens, prompts: Sequence[str], *, whole_window: bool):
        """``prompts[i]`` is the prompt of clip i.

        Without ``whole_window`` the silence far behind a clip's end is left out: half of the work for short
        clips. What is measured for a decision sees the whole window, as the service does.
        """
        self._encoded = encoded
        self._frames = [encoded.frames(at) if whole_window else int(encoded.spoken[at]) for at in range(len(encoded))]
        self._end = tokens.end
        self._rows = []
        for text, prompt in zip(encoded.texts, prompts, strict=True):
            prefix = tokens.prefix(prompt)
            self._rows.append((len(prefix), prefix + tokens.text(text)))

    def __len__(self) -> int:
        return len(self._rows)

    def batches(self, size: int, rng: random.Random | None) -> Iterator[Batch]:
        """All clips once; shuffled when ``rng`` is given, else in order of length."""
        order = list(range(len(self)))
        if rng:
            rng.shuffle(order)
        pool = size * 8 if rng else max(1, len(order))
        groups = []
        for start in range(0, len(order), pool):
            similar = sorted(order[start : start + pool], key=lambda at: (self._frames[at], len(self._rows[at][1])))
            groups += [similar[at : at + size] for at in range(0, len(similar), size)]
        if rng:
            rng.shuffle(groups)
        for group in groups:
            yield self._batch(group)

    def _batch(self, group: Sequence[int]) -> Batch:
        longest = max(len(self._rows[at][1]) for at in group)
        frames = max(self._frames[at] for at in group)
        width = self._encoded.rows.shape[1]
        tokens = torch.full((len(group), longest), self._end)
        scored = torch.zeros((len(group), longest), dtype=torch.bool)
        encoded = torch.zeros((len(group), frames, width))
        heard = torch.zeros((len(group), 1, 1, frames), dtype=torch.bool)
        for row, at in enumerate(group):
            prefix, ids = self._rows[at]
            tokens[row, : len(ids)] = torch.tensor(ids)
            scored[row, prefix : len(ids)] = True
            count = self._frames[at]
            encoded[row, :count] = torch.from_numpy(self._encoded.clip(at, count).astype(np.float32))
            heard[row, ..., :count] = True
        return Batch(tokens, scored, encoded, heard)


def batch_loss(decoder: Decoder, batch: Batch, smoothing: float = 0.0) -> Tensor:
    """Mean cross entropy of the scored tokens, in nats."""
    hidden = decoder(batch.tokens[:, :-1], batch.encoded, batch.heard)
    scored = batch.scored[:, 1:]
    return functional.cross_entropy(
        decoder.logits(hidden[scored]), batch.tokens[:, 1:][scored], label_smoothing=smoothing
    )


def mean_loss(decoder: Decoder, examples: Examples, size: int) -> float:
    """Cross entropy in nats a token over all examples."""
    total, count = 0.0, 0
    with torch.no_grad():
        for batch in examples.batches(size, None):
            scored = int(batch.scored[:, 1:].sum())
            total += batch_loss(decoder, batch).item() * scored
            count += scored
    return total / max(1, count)


def train(
    decoder: Decoder,
    training: Examples,
    validation: Examples,
    settings: AdaptationSettings,
    report: Callable[[Progress], None],
) -> dict[str, Array]:
    """Train until time, passes or patience run out; returns the tensors that were best on the validation set."""
    torch.manual_seed(settings.seed)
    torch.set_num_threads(settings.threads)
    rng = random.Random(settings.seed)
    weights = list(decoder.weights)
    optimiser = torch.optim.AdamW(weights, lr=settings.learning_rate, weight_decay=0.01, betas=(0.9, 0.98))
    steps_per_pass = -(-len(training) // settings.batch)
    steps = steps_per_pass * settings.passes
    check_every = max(1, steps_per_pass // settings.checks_per_pass)
    limit_s = settings.minutes * 60
    best_loss, best = mean_loss(decoder, validation, settings.batch), decoder.state()
    report(Progress(0, steps, float("nan"), best_loss, limit_s))
    began, step, worse = time.monotonic(), 0, 0
    for _ in range(settings.passes):
        for batch in training.batches(settings.batch, rng):
            done = max((time.monotonic() - began) / limit_s, step / steps)
            share = max(_LOWEST_RATE, min(1.0, (done + 1 / steps) / _WARM_UP, 1 - done))
            for group in optimiser.param_groups:
                group["lr"] = settings.learning_rate * share
            loss = batch_loss(decoder, batch, settings.label_smoothing)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call, unused-ignore]
            torch.nn.utils.clip_grad_norm_(weights, _LARGEST_GRADIENT)
            optimiser.step()
            step += 1
            elapsed = time.monotonic() - began
            out_of_time = elapsed >= limit_s
            checked = None
            if step % check_every == 0 or step == steps or out_of_time:
                checked = mean_loss(decoder, validation, settings.batch)
                if checked < best_loss:
                    best_loss, best, worse = checked, decoder.state(), 0
                else:
                    worse += 1
            remaining_s = max(0.0, min(limit_s - elapsed, elapsed / step * (steps - step)))
            report(Progress(step, steps, loss.item(), checked, remaining_s))
            if out_of_time or worse >= settings.patience:
                return best
    return best
