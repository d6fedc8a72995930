"""Whisper's text decoder in PyTorch, built from the tensors of a CTranslate2 file and trained in place.

Only training imports this module. Shapes are read from the file, so any Whisper size fits.
"""

import re

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from asr.adaptation.ct2_file import Ct2File
from asr.adaptation.weights import Weights

_HEAD_WIDTH = 64  # the same in every Whisper size
_FINAL_NORM = "decoder/layer_norm"
_EMBEDDING = "decoder/embeddings/weight"
_LAYER = re.compile(r"decoder/layer_(\d+)/")
_POSITIONS = "decoder/position_encodings/encodings"


Past = dict[int, Tensor]
"""Keys and values of what was handed in before, four for each layer: of the text, then of the sound."""


def trainable_names(base: Ct2File) -> tuple[str, ...]:
    """The tensors that training may change: the decoder's layers and its last norm, not the embeddings."""
    return tuple(
        name
        for name in base.names()
        if base.is_float16(name) and (_LAYER.match(name) or name.startswith(f"{_FINAL_NORM}/"))
    )


class Decoder(nn.Module):
    """Pre-norm transformer decoder; its tensors carry the names of the file's. With rank 0 it is not trained."""

    def __init__(self, base: Ct2File, rank: int):
        super().__init__()
        names = trainable_names(base)
        self.weights = Weights(base, (_EMBEDDING, _POSITIONS, *names), names if rank else (), rank)
        self.layers = 1 + max(int(found[1]) for name in names if (found := _LAYER.match(name)))
        self.width = base.shape(_EMBEDDING)[1]
        self.heads = self.width // _HEAD_WIDTH

    def _norm(self, x: Tensor, name: str) -> Tensor:
        return functional.layer_norm(x, (self.width,), self.weights[f"{name}/gamma"], self.weights[f"{name}/beta"])

    def _linear(self, x: Tensor, name: str) -> Tensor:
        return functional.linear(x, self.weights[f"{name}/weight"], self.weights[f"{name}/bias"])

    def _split(self, x: Tensor) -> Tensor:
        return x.view(x.shape[0], x.shape[1], self.heads, _HEAD_WIDTH).transpose(1, 2)

    def forward(self, tokens: Tensor, encoded: Tensor, heard: Tensor, past: Past | None = None) -> Tensor:
        """Hidden states (batch, tokens, width) for token ids, encoder outputs and a mask of their real frames.

        With ``past`` (empty at first, filled here) ``tokens`` are those that follow what was handed in before.
        """
        w = self.weights
        before = past[0].shape[2] if past else 0
        x = functional.embedding(tokens, w[_EMBEDDING]) + w[_POSITIONS][before : before + tokens.shape[1]]
        for number in range(self.layers):
            layer = f"decoder/layer_{number}"
            x = x + self._look_back(self._norm(x, f"{layer}/self_attention/layer_norm"), number, past)
            x = x + self._listen(self._norm(x, f"{layer}/attention/layer_norm"), number, encoded, heard, past)
            inner = functional.gelu(self._linear(self._norm(x, f"{layer}/ffn/layer_norm"), f"{layer}/ffn/linear_0"))
            x = x + self._linear(inner, f"{layer}/ffn/linear_1")
        return self._norm(x, _FINAL_NORM)

    def _look_back(self, x: Tensor, number: int, past: Past | None) -> Tensor:
        """Attention over the text so far."""
        name = f"decoder/layer_{number}/self_attention"
        query, key, value = (self._split(part) for part in self._linear(x, f"{name}/linear_0").chunk(3, -1))
        first = past is None or 4 * number not in past
        if past is not None:
            if not first:
                key = torch.cat([past[4 * number], key], dim=2)
                value = torch.cat([past[4 * number + 1], value], dim=2)
            past[4 * number], past[4 * number + 1] = key, value
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=first)
        return self._linear(mixed.transpose(1, 2).flatten(2), f"{name}/linear_1")

    def _listen(self, x: Tensor, number: int, encoded: Tensor, heard: Tensor, past: Past | None) -> Tensor:
        """Attention over the sound."""
        name = f"decoder/layer_{number}/attention"
        query = self._split(self._linear(x, f"{name}/linear_0"))
        if past is not None and 4 * number + 2 in past:
            key, value = past[4 * number + 2], past[4 * number + 3]
        else:
            key, value = (self._split(part) for part in self._linear(encoded, f"{name}/linear_1").chunk(2, -1))
            if past is not None:
                past[4 * number + 2], past[4 * number + 3] = key, value
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=heard)
        return self._linear(mixed.transpose(1, 2).flatten(2), f"{name}/linear_2")

    def logits(self, hidden: Tensor) -> Tensor:
        """Scores over the vocabulary."""
        return functional.linear(hidden, self.weights[_EMBEDDING])
