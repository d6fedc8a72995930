"""Clips with their token rows, in batches: as encoder outputs kept on disk, or as sound that is changed each time."""

import copy
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from asr.adaptation.clips import Signal
from asr.adaptation.encoded import EncodedSet, window_features
from asr.adaptation.tokens import Tokens
from asr.window import UNADAPTED, Window

Change = Callable[[Signal, np.random.Generator], Signal]

_POOL = 8  # batches among which clips of similar length are put together
_SHORT_SHARE = 0.5  # of the training batches
_LONG_SHARE = 0.25  # long turns, and callers that share a run, come behind long windows


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of tokens (batch, n), which of them are scored, the sound, and which of its encoder frames are real.

    ``sound`` is encoder output (batch, frames, width), or samples at 16 kHz (batch, n) with their real ``lengths``.
    ``prefix`` counts the tokens before the text of each row.
    """

    tokens: Tensor
    scored: Tensor
    sound: Tensor
    heard: Tensor
    lengths: Tensor
    prefix: tuple[int, ...]
    texts: tuple[str, ...]

    def to(self, device: torch.device) -> "Batch":
        """The batch in another memory."""
        moved = {name: getattr(self, name).to(device) for name in ("tokens", "scored", "sound", "heard", "lengths")}
        return replace(self, **moved)


class _Rows:
    """Token rows of texts, each behind its prompt."""

    def __init__(self, texts: Sequence[str], tokens: Tokens, prompts: Sequence[str]):
        self.texts = tuple(texts)
        self._end = tokens.end
        self.rows = []
        for text, prompt in zip(texts, prompts, strict=True):
            prefix = tokens.prefix(prompt)
            self.rows.append((len(prefix), prefix + tokens.text(text)))

    def groups(self, size: int, lengths: Sequence[int], rng: random.Random | None) -> list[list[int]]:
        """Clips put together by length; shuffled when ``rng`` is given."""
        order = list(range(len(self.rows)))
        if rng:
            rng.shuffle(order)
        pool = size * _POOL if rng else max(1, len(order))
        groups = []
        for start in range(0, len(order), pool):
            similar = sorted(order[start : start + pool], key=lambda at: (lengths[at], len(self.rows[at][1])))
            groups += [similar[at : at + size] for at in range(0, len(similar), size)]
        if rng:
            rng.shuffle(groups)
        return groups

    def tensors(self, group: Sequence[int]) -> tuple[Tensor, Tensor]:
        longest = max(len(self.rows[at][1]) for at in group)
        tokens = torch.full((len(group), longest), self._end)
        scored = torch.zeros((len(group), longest), dtype=torch.bool)
        for row, at in enumerate(group):
            prefix, ids = self.rows[at]
            tokens[row, : len(ids)] = torch.tensor(ids)
            scored[row, prefix : len(ids)] = True
        return tokens, scored


class EncodedExamples:
    """A set of encoded clips: for training the decoder alone."""

    def __init__(self, encoded: EncodedSet, tokens: Tokens, prompts: Sequence[str], *, whole_window: bool):
        """``prompts[i]`` is the prompt of clip i.

        Without ``whole_window`` the silence far behind a clip's end is left out: half of the work for short
        clips. What is measured for a decision sees the whole window, as the service does.
        """
        self._encoded = encoded
        self._frames = [encoded.frames(at) if whole_window else int(encoded.spoken[at]) for at in range(len(encoded))]
        self._rows = _Rows(encoded.texts, tokens, prompts)

    def __len__(self) -> int:
        return len(self._frames)

    def batches(self, size: int, rng: random.Random | None) -> Iterator[Batch]:
        """All clips once; shuffled when ``rng`` is given, else in order of length."""
        for group in self._rows.groups(size, self._frames, rng):
            yield self._batch(group)

    def _batch(self, group: Sequence[int]) -> Batch:
        frames = [self._frames[at] for at in group]
        tokens, scored = self._rows.tensors(group)
        encoded = torch.zeros((len(group), max(frames), self._encoded.rows.shape[1]))
        for row, at in enumerate(group):
            encoded[row, : frames[row]] = torch.from_numpy(self._encoded.clip(at, frames[row]).astype(np.float32))
        prefix = tuple(self._rows.rows[at][0] for at in group)
        texts = tuple(self._rows.texts[at] for at in group)
        return Batch(tokens, scored, encoded, _mask(frames), torch.tensor(frames), prefix, texts)


class HeardExamples:
    """Clips as sound: for training encoder and decoder.

    In training each is brought through another telephone whenever it comes, and each batch stands in another window,
    as long for all of its clips, as the turns of callers do that share a run.
    """

    def __init__(
        self,
        signals: Sequence[Signal],
        texts: Sequence[str],
        tokens: Tokens,
        prompts: Sequence[str],
        change: Change,
        window: Window,
        *,
        seed: int,
        workers: int,
        device: torch.device,
    ):
        self._signals = signals
        self._rows = _Rows(texts, tokens, prompts)
        self._change = change
        self._window = window
        self._seed = seed
        self._workers = workers
        self._device = device

    def behind(self, window: Window) -> "HeardExamples":
        """The same clips, to be measured behind another window."""
        other = copy.copy(self)
        other._window = window
        return other

    def __len__(self) -> int:
        return len(self._signals)

    def batches(self, size: int, rng: random.Random | None) -> Iterator[Batch]:
        """All clips once; in another order and through other telephones each time when ``rng`` is given."""
        turn = 1 + rng.getrandbits(30) if rng else 0
        groups = self._rows.groups(size, [len(signal) for signal in self._signals], rng)
        loader: torch.utils.data.DataLoader[Batch] = torch.utils.data.DataLoader(
            _Groups(self, groups, turn), batch_size=None, num_workers=self._workers, shuffle=False
        )
        for batch in loader:
            yield batch.to(self._device)

    def batch(self, group: Sequence[int], turn: int) -> Batch:
        """One batch of the clips of a group in the ``turn``-th way; 0 is the one to measure with."""
        changed = [self._change(self._signals[at], np.random.default_rng((self._seed, turn, at))) for at in group]
        lengths = [len(signal) for signal in changed]
        samples = torch.zeros((len(group), max(lengths)))
        for row, signal in enumerate(changed):
            samples[row, : len(signal)] = torch.from_numpy(signal)
        tokens, scored = self._rows.tensors(group)
        prefix = tuple(self._rows.rows[at][0] for at in group)
        texts = tuple(self._rows.texts[at] for at in group)
        if turn:
            window = drawn(self._window, np.random.default_rng((self._seed, turn, *group)))
            frames = [window_features(window, max(lengths)) // 2] * len(group)
        else:
            frames = [window_features(self._window, length) // 2 for length in lengths]
        return Batch(tokens, scored, samples, _mask(frames), torch.tensor(lengths), prefix, texts)


class _Groups(torch.utils.data.Dataset[Batch]):
    """Batches by number, as a loader's processes ask for them."""

    def __init__(self, examples: HeardExamples, groups: Sequence[Sequence[int]], turn: int):
        self._examples, self._groups, self._turn = examples, groups, turn

    def __len__(self) -> int:
        return len(self._groups)

    def __getitem__(self, number: int) -> Batch:
        return self._examples.batch(self._groups[number], self._turn)


def drawn(window: Window, rng: np.random.Generator) -> Window:
    """A window to train with: about as short as ``window``, as long as `UNADAPTED`, or between them."""
    kind = rng.random()
    if kind < _SHORT_SHARE:
        return Window(window.min_s * rng.uniform(0.8, 1.2), window.margin_s * rng.uniform(0.5, 2.0))
    if kind < 1 - _LONG_SHARE:
        return Window(rng.uniform(window.min_s, UNADAPTED.min_s), rng.uniform(window.margin_s, 4.0))
    return Window(rng.uniform(UNADAPTED.min_s, 16.0), UNADAPTED.margin_s)


def _mask(frames: Sequence[int]) -> Tensor:
    """(batch, 1, 1, frames) true where a clip's own window is."""
    heard = torch.zeros((len(frames), 1, 1, max(frames)), dtype=torch.bool)
    for row, count in enumerate(frames):
        heard[row, ..., :count] = True
    return heard
