"""Whisper's audio encoder in PyTorch, from 16 kHz samples on, built from the tensors of a CTranslate2 file.

Only training imports this module. Shapes are read from the file, so any Whisper size fits.
"""

import math

import numpy as np
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray
from torch import Tensor, nn

from asr.adaptation.ct2_file import Ct2File
from asr.adaptation.weights import Weights

_HEAD_WIDTH = 64  # the same in every Whisper size
_RATE_HZ, _FFT, _HOP = 16_000, 400, 160
_LOWEST_LOG_SPAN = 8.0


def mel_filters(bins: int) -> NDArray[np.float32]:
    """(bins, 201) triangular filters on Slaney's mel scale, each of equal area, as Whisper was trained with."""
    linear_hz, log_from_hz = 200.0 / 3, 1000.0
    step = math.log(6.4) / 27.0

    def to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
        above = log_from_hz / linear_hz
        return np.where(mel < above, mel * linear_hz, log_from_hz * np.exp(step * (mel - above)))

    top_mel = log_from_hz / linear_hz + math.log(_RATE_HZ / 2 / log_from_hz) / step
    corners = to_hz(np.linspace(0.0, top_mel, bins + 2))
    at = np.fft.rfftfreq(_FFT, 1 / _RATE_HZ)
    rising = (at[None, :] - corners[:-2, None]) / np.diff(corners)[:-1, None]
    falling = (corners[2:, None] - at[None, :]) / np.diff(corners)[1:, None]
    filters = np.maximum(0.0, np.minimum(rising, falling)) * (2.0 / (corners[2:] - corners[:-2]))[:, None]
    return np.asarray(filters, np.float32)


class Encoder(nn.Module):
    """Log-mel features, two convolutions, a pre-norm transformer."""

    def __init__(self, base: Ct2File, rank: int):
        super().__init__()
        names = [name for name in base.names() if name.startswith("encoder/") and base.is_float16(name)]
        trained = [name for name in names if "/layer_" in name]
        self.weights = Weights(base, names, trained, rank)
        self.layers = 1 + max(int(name.split("/")[1][6:]) for name in names if name.startswith("encoder/layer_") and
                              name.split("/")[1][6:].isdigit())  # fmt: skip
        self.width, bins = base.shape("encoder/conv1/weight")[:2]
        self.heads = self.width // _HEAD_WIDTH
        self.filters = nn.Parameter(torch.from_numpy(mel_filters(bins)), requires_grad=False)
        self.window = nn.Parameter(torch.hann_window(_FFT), requires_grad=False)

    def features(self, samples: Tensor, lengths: Tensor, frames: int) -> Tensor:
        """(batch, bins, frames) of zero-padded samples at 16 kHz (batch, n) with their real ``lengths``.

        Behind the end of a clip stands its own quietest value, as the service pads.
        """
        spectrum = torch.stft(
            functional.pad(samples, (0, _HOP)), _FFT, _HOP, window=self.window, pad_mode="reflect", return_complex=True
        )
        power = spectrum[..., :-1].abs().square()
        mel = torch.clamp(self.filters @ power, min=1e-10).log10()
        real = torch.arange(mel.shape[-1], device=mel.device)[None, :] < (lengths // _HOP + 1)[:, None]
        loudest = mel.masked_fill(~real[:, None], -math.inf).amax((1, 2), keepdim=True)
        mel = (torch.maximum(mel, loudest - _LOWEST_LOG_SPAN) + 4.0) / 4.0
        quietest = mel.masked_fill(~real[:, None], math.inf).amin((1, 2), keepdim=True)
        mel = torch.where(real[:, None], mel, quietest)
        if mel.shape[-1] < frames:
            missing = frames - mel.shape[-1]
            mel = torch.cat([mel, quietest.expand(-1, mel.shape[1], missing)], dim=-1)
        return mel[..., :frames]

    def forward(self, mel: Tensor) -> Tensor:
        """Encoder outputs (batch, frames / 2, width)."""
        w = self.weights
        x = functional.gelu(functional.conv1d(mel, w["encoder/conv1/weight"], w["encoder/conv1/bias"], padding=1))
        x = functional.gelu(
            functional.conv1d(x, w["encoder/conv2/weight"], w["encoder/conv2/bias"], stride=2, padding=1)
        )
        x = x.transpose(1, 2) + w["encoder/position_encodings/encodings"][: x.shape[2]]
        for number in range(self.layers):
            layer = f"encoder/layer_{number}"
            query, key, value = self._linear(
                self._norm(x, f"{layer}/self_attention/layer_norm"), f"{layer}/self_attention/linear_0"
            ).chunk(3, -1)
            mixed = functional.scaled_dot_product_attention(self._split(query), self._split(key), self._split(value))
            x = x + self._linear(mixed.transpose(1, 2).flatten(2), f"{layer}/self_attention/linear_1")
            inner = functional.gelu(self._linear(self._norm(x, f"{layer}/ffn/layer_norm"), f"{layer}/ffn/linear_0"))
            x = x + self._linear(inner, f"{layer}/ffn/linear_1")
        return self._norm(x, "encoder/layer_norm")

    def _norm(self, x: Tensor, name: str) -> Tensor:
        return functional.layer_norm(x, (self.width,), self.weights[f"{name}/gamma"], self.weights[f"{name}/beta"])

    def _linear(self, x: Tensor, name: str) -> Tensor:
        return functional.linear(x, self.weights[f"{name}/weight"], self.weights[f"{name}/bias"])

    def _split(self, x: Tensor) -> Tensor:
        return x.view(x.shape[0], x.shape[1], self.heads, _HEAD_WIDTH).transpose(1, 2)
