"""The tensors of a model with what training adds to them: thin factors for matrices, a difference for vectors.

Low-rank adaptation as of Hu et al. 2021 ("LoRA"): the base stays as it is, ``left @ right`` is added to it. What is
trained is what is shipped, so nothing is lost by squeezing a full change into a few MB afterwards.
"""

import contextlib
import math
from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from asr.adaptation.adapter import Adapter, rounded
from asr.adaptation.ct2_file import Array, Ct2File


class Weights(nn.Module):
    """Tensors of a CTranslate2 file by name; those in ``trained`` carry a change of at most ``rank``.

    ``share`` says how much of the change counts (1 while training, the mixing weight afterwards).
    """

    def __init__(self, base: Ct2File, names: Iterable[str], trained: Iterable[str], rank: int, seed: int = 0):
        super().__init__()
        self.share = 1.0
        self._merged: dict[str, Tensor] = {}
        generator = torch.Generator().manual_seed(seed)
        self._base = nn.ParameterDict()
        self._left = nn.ParameterDict()
        self._right = nn.ParameterDict()
        self._whole = nn.ParameterDict()
        for name in names:
            tensor = torch.from_numpy(base.read(name).astype(np.float32))
            self._base[_key(name)] = nn.Parameter(tensor, requires_grad=False)
        for name in trained:
            shape = base.shape(name)
            if len(shape) == 1:
                self._whole[_key(name)] = nn.Parameter(torch.zeros(shape))
            elif len(shape) == 2:
                self._left[_key(name)] = nn.Parameter(torch.zeros(shape[0], rank))
                right = torch.randn(rank, shape[1], generator=generator) / math.sqrt(shape[1])
                self._right[_key(name)] = nn.Parameter(right)

    def __getitem__(self, name: str) -> Tensor:
        """A tensor with ``share`` of its change."""
        key = _key(name)
        if key in self._merged:
            return self._merged[key]
        tensor: Tensor = self._base[key]
        if key in self._left:
            return torch.addmm(tensor, self._left[key], self._right[key], alpha=self.share)
        if key in self._whole:
            return tensor + self.share * self._whole[key]
        return tensor

    @contextlib.contextmanager
    def merged(self) -> Iterator[None]:
        """While it lasts every change is added once instead of at every use; nothing may be trained in between."""
        self._merged = {key: self[_name(key)].detach() for key in self._base}
        try:
            yield
        finally:
            self._merged = {}

    @property
    def trainable(self) -> list[Tensor]:
        """What an optimiser may change."""
        return [*self._left.values(), *self._right.values(), *self._whole.values()]

    @property
    def size(self) -> int:
        """How many numbers training may change."""
        return sum(tensor.numel() for tensor in self.trainable)

    def changes(self) -> tuple[dict[str, tuple[Array, Array]], dict[str, Array]]:
        """Factors and vectors by name, rounded as an adapter stores them."""
        factors = {
            _name(key): (rounded(_array(left)), rounded(_array(self._right[key]).T).T)
            for key, left in self._left.items()
        }
        return factors, {_name(key): _array(whole).astype(np.float16) for key, whole in self._whole.items()}

    def load(self, adapter: Adapter) -> None:
        """Put an adapter's changes in the place of the trained ones."""
        with torch.no_grad():
            for key, left in self._left.items():
                stored = adapter.factors[_name(key)]
                left.copy_(torch.from_numpy(stored[0]))
                self._right[key].copy_(torch.from_numpy(np.ascontiguousarray(stored[1])))
            for key, whole in self._whole.items():
                whole.copy_(torch.from_numpy(adapter.vectors[_name(key)].astype(np.float32)))


def _key(name: str) -> str:
    return name.replace("/", "|").replace(".", "_")  # a parameter's name may hold no dot


def _name(key: str) -> str:
    return key.replace("|", "/")


def _array(tensor: Tensor) -> Array:
    return tensor.detach().float().cpu().numpy()
