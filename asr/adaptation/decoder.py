"""Whisper's text decoder in PyTorch, built from the tensors of a CTranslate2 file and trained in place.

Only training imports this module. Shapes are read from the file, so any Whisper size fits.
"""

import math
import re

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from asr.adaptation.ct2_file import Array, Ct2File

_HEAD_WIDTH = 64  # the same in every Whisper size
_FINAL_NORM = "decoder/layer_norm"
_EMBEDDING = "decoder/embeddings/weight"
_LAYER = re.compile(r"decoder/layer_(\d+)/")
_POSITIONS = "decoder/position_encodings/encodings"


def trainable_names(base: Ct2File) -> tuple[str, ...]:
    """The tensors that training may change: the decoder's layers and its last norm, not the embeddings."""
    return tuple(
        name
        for name in base.names()
        if base.is_float16(name) and (_LAYER.match(name) or name.startswith(f"{_FINAL_NORM}/"))
    )


class Decoder(nn.Module):
    """Pre-norm transformer decoder; parameters carry the names of the file's tensors."""

    def __init__(self, base: Ct2File):
        super().__init__()
        self.embedding = nn.Parameter(_tensor(base.read(_EMBEDDING)), requires_grad=False)
        self.positions = nn.Parameter(_tensor(base.read(_POSITIONS)), requires_grad=False)
        self.names = trainable_names(base)
        self.weights = nn.ParameterList([nn.Parameter(_tensor(base.read(name))) for name in self.names])
        self._at = {name: index for index, name in enumerate(self.names)}
        self.layers = 1 + max(int(found[1]) for name in self.names if (found := _LAYER.match(name)))
        self.width = self.embedding.shape[1]
        self.heads = self.width // _HEAD_WIDTH

    def _weight(self, name: str) -> Tensor:
        weight: Tensor = self.weights[self._at[name]]
        return weight

    def _norm(self, x: Tensor, name: str) -> Tensor:
        return functional.layer_norm(x, (self.width,), self._weight(f"{name}/gamma"), self._weight(f"{name}/beta"))

    def _linear(self, x: Tensor, name: str) -> Tensor:
        return functional.linear(x, self._weight(f"{name}/weight"), self._weight(f"{name}/bias"))

    def _split(self, x: Tensor) -> Tensor:
        return x.view(x.shape[0], x.shape[1], self.heads, _HEAD_WIDTH).transpose(1, 2)

    def forward(self, tokens: Tensor, encoded: Tensor, heard: Tensor) -> Tensor:
        """Hidden states (batch, tokens, width) for token ids, encoder outputs and a mask of their real frames."""
        x = functional.embedding(tokens, self.embedding) + self.positions[: tokens.shape[1]]
        for number in range(self.layers):
            layer = f"decoder/layer_{number}"
            query, key, value = self._linear(
                self._norm(x, f"{layer}/self_attention/layer_norm"), f"{layer}/self_attention/linear_0"
            ).chunk(3, -1)
            mixed = functional.scaled_dot_product_attention(
                self._split(query), self._split(key), self._split(value), is_causal=True
            )
            x = x + self._linear(mixed.transpose(1, 2).flatten(2), f"{layer}/self_attention/linear_1")
            query = self._linear(self._norm(x, f"{layer}/attention/layer_norm"), f"{layer}/attention/linear_0")
            key, value = self._linear(encoded, f"{layer}/attention/linear_1").chunk(2, -1)
            mixed = functional.scaled_dot_product_attention(
                self._split(query), self._split(key), self._split(value), attn_mask=heard
            )
            x = x + self._linear(mixed.transpose(1, 2).flatten(2), f"{layer}/attention/linear_2")
            inner = functional.gelu(self._linear(self._norm(x, f"{layer}/ffn/layer_norm"), f"{layer}/ffn/linear_0"))
            x = x + self._linear(inner, f"{layer}/ffn/linear_1")
        return self._norm(x, _FINAL_NORM)

    def logits(self, hidden: Tensor) -> Tensor:
        """Scores over the vocabulary."""
        return functional.linear(hidden, self.embedding)

    def state(self) -> dict[str, Array]:
        """A copy of the trainable tensors, float32, by name."""
        return {
            name: weight.detach().numpy().astype(np.float32, copy=True)
            for name, weight in zip(self.names, self.weights, strict=True)
        }

    def load(self, state: dict[str, Array]) -> None:
        """Put tensors back."""
        with torch.no_grad():
            for name, weight in zip(self.names, self.weights, strict=True):
                weight.copy_(_tensor(state[name]))

    @property
    def size(self) -> int:
        """How many numbers training may change."""
        return sum(math.prod(weight.shape) for weight in self.weights)


def _tensor(array: Array) -> Tensor:
    return torch.from_numpy(array.astype(np.float32))
