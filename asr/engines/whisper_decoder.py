"""Whisper in CTranslate2: audio to encoder output, encoder output to tokens and their probabilities. No policy."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
from faster_whisper.feature_extractor import FeatureExtractor
from faster_whisper.tokenizer import Tokenizer
from numpy.typing import NDArray
from tokenizers import Tokenizer as BytePairs

from asr.characters import character_confidence
from asr.engines.lean_vocabulary import Vocabulary, WholeVocabulary, cut_down
from asr.engines.speech_model import Samples
from asr.window import FULL_WINDOW_S
from voicebot.core.errors import ModelError

RATE_HZ = 16000
ENCODED_PER_S = 50  # states of the encoder
LANGUAGES = ("zh", "en")
_FRAMES_PER_S = 100  # mel frames; the encoder halves them
_MOST_TOKENS = 448
_NEEDED = ("model.bin", "config.json", "tokenizer.json")

Encoded = NDArray[np.float32]
"""Encoder output: stretches, half frames, dimensions."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """One way to write a stretch: the tokenizer's numbers and the mean log-probability of a token."""

    tokens: tuple[int, ...]
    mean: float


class WhisperDecoder:
    """A loaded model, used by several threads at once."""

    def __init__(
        self, folder: Path, *, device: str, compute_type: str, threads: int, workers: int, lean_vocabulary: bool
    ):
        """Read ``folder``. Raises `ModelError` when it lacks files or holds something else."""
        missing = [name for name in _NEEDED if not (folder / name).is_file()]
        if missing:
            raise ModelError(
                f"The Whisper model in {folder} lacks {', '.join(missing)}.",
                code="model_missing",
                remedy="Run `voicebot models pull`, or set asr.model to a folder in CTranslate2's form.",
            )
        try:
            files, self._vocabulary = _lean(folder) if lean_vocabulary else (None, WholeVocabulary())
            self._model: Any = ctranslate2.models.Whisper(
                str(folder),
                device=device,
                compute_type=compute_type,
                intra_threads=threads,
                inter_threads=workers,
                files=files,
            )
            self._byte_pairs = BytePairs.from_file(str(folder / "tokenizer.json"))
            if self._byte_pairs.token_to_id("<|zh|>") is None:
                raise ValueError("it knows English only")
        except Exception as error:  # both libraries raise RuntimeError, ValueError or plain Exception for bad files
            raise ModelError(
                f"The Whisper model in {folder} cannot be read: {error}.",
                code="model_damaged",
                remedy="Run `voicebot models pull` again; it checks every file.",
            ) from error
        self._features = FeatureExtractor(feature_size=self._model.n_mels)
        self._tokenizers = {
            language: Tokenizer(self._byte_pairs, multilingual=True, task="transcribe", language=language)
            for language in LANGUAGES
        }

    def encode(self, audio: Sequence[Samples], window_s: float) -> Encoded:
        """16 kHz audio of several stretches, all behind one window of at most 30 s; longer audio is cut off."""
        frames = round(min(window_s, FULL_WINDOW_S) * _FRAMES_PER_S)
        batch = np.empty((len(audio), self._model.n_mels, frames), np.float32)
        for number, samples in enumerate(audio):
            features = self._features(samples)[:, :frames]
            # Silence, as in training: zeros would be a noise some 30 dB above the quietest place.
            batch[number] = features.min()
            batch[number, :, : features.shape[1]] = features
        return np.asarray(self._model.encode(ctranslate2.StorageView.from_array(batch), to_cpu=True))

    def decode(
        self,
        encoded: Encoded,
        language: str,
        before: Sequence[str],
        *,
        beam_size: int,
        most_tokens: int,
        no_repeat_ngram: int = 0,
    ) -> list[list[Decoded]]:
        """For each stretch ``beam_size`` ways to write it, best first, of at most ``most_tokens`` tokens.

        ``before`` is the text that each of them follows.
        """
        prompts = self._equally_long([self._prompt(language, each) for each in before])
        # CTranslate2 gives the text half of this and no more than the prompt leaves of it.
        longest = min(_MOST_TOKENS, most_tokens + max(most_tokens, len(prompts[0])))
        results = self._model.generate(
            ctranslate2.StorageView.from_array(encoded),
            prompts,
            beam_size=beam_size,
            num_hypotheses=beam_size,
            no_repeat_ngram_size=no_repeat_ngram,
            max_length=longest,
            return_scores=True,
        )
        return [
            [
                Decoded(tuple(self._vocabulary.to_tokenizer(tokens)), score)
                for tokens, score in zip(result.sequences_ids, result.scores, strict=True)
            ]
            for result in results
        ]

    def text(self, decoded: Decoded, language: str) -> str:
        """The text, without the spaces around it."""
        text: str = self._tokenizers[language].decode(list(decoded.tokens))
        return text.strip()

    def confidence(self, encoded: Encoded, decoded: Decoded, language: str, before: str) -> tuple[float, ...]:
        """Probability of each character of `text`, from one more look at the single stretch in ``encoded``."""
        if not decoded.tokens:
            return ()
        start = self._prompt(language, before)[:-1]  # `align` adds the sign for "no times" itself
        tokens = self._vocabulary.to_model(decoded.tokens)
        view = ctranslate2.StorageView.from_array(np.ascontiguousarray(encoded))
        aligned = self._model.align(view, start, [tokens], 2 * encoded.shape[1])[0]
        whole = self._tokenizers[language].decode(list(decoded.tokens))
        # Byte-level pairs: each letter of a token's name stands for one byte of the text.
        sizes = [len(self._byte_pairs.id_to_token(token) or "") for token in decoded.tokens]
        first = len(whole) - len(whole.lstrip())
        return character_confidence(whole, sizes, aligned.text_token_probs)[first : first + len(whole.strip())]

    def probabilities(
        self, encoded: Encoded, texts: Sequence[str], language: str, before: str, frames: int
    ) -> list[tuple[float, ...]]:
        """How probable each token of each text is in the single stretch in ``encoded``; only ``frames`` are seen."""
        tokens = [self._vocabulary.to_model(self._tokenizers[language].encode(text)) for text in texts]
        seen = np.ascontiguousarray(np.repeat(encoded[:, :frames], len(texts), axis=0))
        aligned = self._model.align(
            ctranslate2.StorageView.from_array(seen),
            self._prompt(language, before)[:-1],
            tokens,
            [2 * seen.shape[1]] * len(texts),
        )
        return [tuple(each.text_token_probs) for each in aligned]

    def _prompt(self, language: str, before: str) -> list[int]:
        """Start of the transcript: what it follows, and the task."""
        tokenizer = self._tokenizers[language]
        past = [tokenizer.sot_prev, *tokenizer.encode(before)] if before else []
        return self._vocabulary.to_model([*past, *tokenizer.sot_sequence, tokenizer.no_timestamps])

    @staticmethod
    def _equally_long(prompts: list[list[int]]) -> list[list[int]]:
        """Prompts of one batch must have one length: the older words go. The task at their end is never touched."""
        shortest = min(map(len, prompts))
        return [[prompt[0], *prompt[len(prompt) - shortest + 1 :]] for prompt in prompts]


def _lean(folder: Path) -> tuple[dict[str, bytes] | None, Vocabulary]:
    return cut_down(folder) or (None, WholeVocabulary())
