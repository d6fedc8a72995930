"""Encoder and decoder trained together, and the text that a model writes."""

import contextlib

import torch
from torch import Tensor, nn

from asr.adaptation.ct2_file import Ct2File
from asr.adaptation.decoder import Decoder, Past
from asr.adaptation.encoder import Encoder
from asr.adaptation.examples import Batch
from asr.adaptation.tokens import Tokens
from asr.adaptation.training import Examples, Model
from voicebot.language.edit_distance import edit_distance

_MASKS, _MASKED_BINS, _MASKED_SHARE = 2, 12, 0.05  # SpecAugment (Park et al. 2019), gentle
_MORE_TOKENS = 24  # a text longer than the right one by so much is cut: it loops


class Reader(nn.Module):
    """The decoder alone, on encoder outputs that were computed before."""

    def __init__(self, base: Ct2File, rank: int):
        super().__init__()
        self.decoder = Decoder(base, rank)
        self.parts = (self.decoder.weights,)

    def encode(self, batch: Batch) -> Tensor:
        """Encoder outputs as they were kept."""
        return batch.sound

    def decode(self, tokens: Tensor, encoded: Tensor, heard: Tensor, past: Past | None = None) -> Tensor:
        """Hidden states (batch, tokens, width)."""
        hidden: Tensor = self.decoder(tokens, encoded, heard, past)
        return hidden

    def logits(self, hidden: Tensor) -> Tensor:
        """Scores over the vocabulary."""
        return self.decoder.logits(hidden)


class Listener(nn.Module):
    """From sound to the decoder's hidden states."""

    def __init__(self, base: Ct2File, rank: int, *, with_decoder: bool = True):
        """Without ``with_decoder`` only the encoder is trained."""
        super().__init__()
        self.encoder = Encoder(base, rank)
        self.decoder = Decoder(base, rank if with_decoder else 0)
        self.parts = (self.encoder.weights, self.decoder.weights) if with_decoder else (self.encoder.weights,)

    def encode(self, batch: Batch) -> Tensor:
        """Encoder outputs of a batch of samples; while training, parts of the features are masked."""
        frames = 2 * batch.heard.shape[-1]
        with torch.no_grad(), torch.autocast("cuda", enabled=False):
            mel = self.encoder.features(batch.sound, batch.lengths, frames)
            if self.training:
                mel = _masked(mel)
        encoded: Tensor = self.encoder(mel)
        return encoded

    def decode(self, tokens: Tensor, encoded: Tensor, heard: Tensor, past: Past | None = None) -> Tensor:
        """Hidden states (batch, tokens, width)."""
        hidden: Tensor = self.decoder(tokens, encoded, heard, past)
        return hidden

    def logits(self, hidden: Tensor) -> Tensor:
        """Scores over the vocabulary."""
        return self.decoder.logits(hidden)


def _masked(mel: Tensor) -> Tensor:
    """A few bands of frequency and time set to the clip's mean."""
    mel = mel.clone()
    mean = mel.mean((1, 2))
    for row in range(mel.shape[0]):
        for _ in range(_MASKS):
            bins = int(torch.randint(0, _MASKED_BINS + 1, ()))
            low = int(torch.randint(0, mel.shape[1] - bins, ()))
            mel[row, low : low + bins] = mean[row]
            times = int(torch.randint(0, int(mel.shape[2] * _MASKED_SHARE) + 1, ()))
            begin = int(torch.randint(0, mel.shape[2] - times, ()))
            mel[row, :, begin : begin + times] = mean[row]
    return mel


def error_rate(model: Model, examples: Examples, tokens: Tokens, size: int) -> float:
    """Character error rate, percent, of the most likely text, character by character; signs do not count."""
    wrong = right = 0
    model.train(False)
    with torch.no_grad(), contextlib.ExitStack() as held:
        for part in model.parts:
            held.enter_context(part.merged())
        for batch in examples.batches(size, None):
            for text, written in zip(batch.texts, _write(model, batch, tokens), strict=True):
                meant = _sounds(text)
                wrong += edit_distance(meant, _sounds(written))
                right += len(meant)
    return 100 * wrong / max(1, right)


def _write(model: Model, batch: Batch, tokens: Tokens) -> list[str]:
    """Greedy decoding from each row's own prompt."""
    assert len(set(batch.prefix)) == 1, "a decision is measured with one prompt"  # noqa: S101
    prefix = batch.prefix[0]
    given, encoded, past = batch.tokens[:, :prefix], model.encode(batch), Past()
    ended = torch.zeros(len(given), dtype=torch.bool, device=given.device)
    written: list[Tensor] = []
    for _ in range(batch.tokens.shape[1] - prefix + _MORE_TOKENS):
        with torch.autocast("cuda", torch.bfloat16, enabled=given.is_cuda):
            logits = model.logits(model.decode(given, encoded, batch.heard, past)[:, -1])
        chosen = torch.where(ended, tokens.end, logits.argmax(-1))
        ended |= chosen == tokens.end
        written.append(chosen)
        given = chosen[:, None]
        if bool(ended.all()):
            break
    rows = torch.stack(written, dim=1).tolist()
    return [tokens.read([token for token in row if token != tokens.end]) for row in rows]


def _sounds(text: str) -> str:
    return "".join(character for character in text.lower() if character.isalnum())
