"""Whisper in CTranslate2 with a short window, a guard against loops, and an ear for silence and English.

The encoder of Whisper is trained on 30 s and takes less: a window of max(10 s, length + 1 s) costs a third and
hears as well. What it loses, it loses to repetition, which the guard notices and one full window mends.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import soxr
from faster_whisper.feature_extractor import FeatureExtractor
from faster_whisper.tokenizer import Tokenizer
from tokenizers import Tokenizer as BytePairs

from asr.characters import character_confidence
from asr.correction import Hypothesis
from asr.engines.speech_model import Heard, Samples, Stretch
from asr.invention import is_invented
from asr.loops import most_tokens, runs_away
from asr.settings import AsrSettings
from voicebot.audio.level import rms_dbfs
from voicebot.audio.narrowband import resample, to_pcm
from voicebot.audio.vad import SileroDetector
from voicebot.core.errors import ModelError, RecognitionError
from voicebot.core.frames import FRAME_BYTES, FRAME_MS, SAMPLE_RATE_HZ
from voicebot.core.ports import RecogniserCapabilities

_RATE_HZ = 16000
_FRAMES_PER_S = 100  # mel frames; the encoder halves them
_FULL_WINDOW_S = 30.0
_MOST_TOKENS = 448
_PROMPTS = {"zh": "以下是普通话的句子。"}  # makes it write simplified characters and punctuation
_RETRY_NGRAM = 4  # for the retry only: it would break the repeated digits of telephone numbers
_WEAK = -0.7  # mean log-probability of a token below which the answer deserves a second look
_OTHER_LANGUAGE = 0.6  # probability from which the model's own language detection is believed
_QUIET_DBFS = -60.0  # nobody speaks below this, comfort noise included
_SPEECH = 0.5  # Silero's own threshold
_SPEECH_MS = 160.0  # a short 嗯 has more
_NEEDED = ("model.bin", "config.json", "tokenizer.json")


class WhisperModel:
    """`SpeechModel` on a folder in CTranslate2's form, of any size of Whisper that knows several languages.

    Confidence of a character: the least probability that the decoder gives to the tokens it is written with,
    when the first hypothesis is scored once more against the audio.
    """

    def __init__(self, settings: AsrSettings, folder: Path):
        self._settings = settings
        self._folder = folder
        self._model: Any = None

    @property
    def capabilities(self) -> RecogniserCapabilities:
        """Two languages are promised; the model knows more."""
        return RecogniserCapabilities(
            name=f"whisper/{self._folder.name}",
            languages=("zh", "en"),
            streaming=True,
            partials=True,
            confidence=True,
            local=True,
        )

    def load(self) -> None:
        """Read the folder and hear a second of near silence. Raises `ModelError`."""
        missing = [name for name in _NEEDED if not (self._folder / name).is_file()]
        if missing:
            raise ModelError(
                f"The Whisper model in {self._folder} lacks {', '.join(missing)}.",
                code="model_missing",
                remedy="Run `voicebot models pull`, or set asr.model to a folder in CTranslate2's form.",
            )
        try:
            self._model = ctranslate2.models.Whisper(
                str(self._folder),
                device=self._settings.device,
                compute_type=self._settings.compute_type,
                intra_threads=self._settings.cpu_threads,
                inter_threads=self._settings.workers,
            )
            self._byte_pairs = BytePairs.from_file(str(self._folder / "tokenizer.json"))
        except Exception as error:  # both libraries raise RuntimeError, ValueError or plain Exception for bad files
            raise ModelError(
                f"The Whisper model in {self._folder} cannot be read: {error}.",
                code="model_damaged",
                remedy="Run `voicebot models pull` again; it checks every file.",
            ) from error
        self._features = FeatureExtractor(feature_size=self._model.n_mels)
        self._tokenizers = {
            language: Tokenizer(self._byte_pairs, self._model.is_multilingual, task="transcribe", language=language)
            for language in self.capabilities.languages
        }
        self._warm_up()

    def _warm_up(self) -> None:
        noise = np.random.default_rng(0).normal(0, 1e-3, _RATE_HZ).astype(np.float32)
        encoded = self._encode([noise], self._settings.window_min_s)
        self._model.generate(encoded, [self._prompt("zh", "")], beam_size=self._settings.beam_size, max_length=8)

    def unload(self) -> None:
        """Free the weights."""
        self._model = None

    def hear(self, stretches: Sequence[Stretch]) -> list[Heard]:
        """Hear stretches of one language in one run of the model; raises `RecognitionError`."""
        if self._model is None:
            raise RecognitionError("The model is not loaded.", code="recogniser_stopped", retryable=False)
        heard: list[Heard] = [Heard()] * len(stretches)
        loud = [number for number, stretch in enumerate(stretches) if rms_dbfs(to_pcm(stretch.samples)) > _QUIET_DBFS]
        if not loud:
            return heard
        try:
            for number, answer in zip(loud, self._hear_batch([stretches[number] for number in loud]), strict=True):
                heard[number] = answer
        except RuntimeError as error:
            raise RecognitionError(f"The model failed: {error}.", code="model_failed") from error
        return heard

    def _hear_batch(self, stretches: Sequence[Stretch]) -> list[Heard]:
        audio = [to_model_rate(stretch) for stretch in stretches]
        longest_s = max(len(samples) / _RATE_HZ for samples in audio)
        window_s = max(self._settings.window_min_s, longest_s + self._settings.window_margin_s)
        encoded = self._encode(audio, window_s)
        languages = self._languages(encoded, stretches)
        results = self._decode(encoded, stretches, languages)
        return [
            self._judge(result, stretch, samples, language, encoded if len(stretches) == 1 else None)
            for result, stretch, samples, language in zip(results, stretches, audio, languages, strict=True)
        ]

    def _encode(self, audio: Sequence[Samples], window_s: float) -> Any:
        """Encoder output of all stretches behind one window."""
        frames = round(min(window_s, _FULL_WINDOW_S) * _FRAMES_PER_S)
        batch = np.zeros((len(audio), self._model.n_mels, frames), np.float32)
        for number, samples in enumerate(audio):
            features = self._features(samples)[:, :frames]
            batch[number, :, : features.shape[1]] = features
        return self._model.encode(ctranslate2.StorageView.from_array(batch))

    def _prompt(self, language: str, previous: str) -> list[int]:
        """Start of the transcript: what was said before, the language's own hint, and the task."""
        tokenizer = self._tokenizers[language]
        hint = _PROMPTS.get(language, "") + previous
        before = [tokenizer.sot_prev, *tokenizer.encode(hint)] if hint else []
        return [*before, *tokenizer.sot_sequence, tokenizer.no_timestamps]

    def _languages(self, encoded: Any, stretches: Sequence[Stretch]) -> list[str]:
        """The language to decode each stretch in; "auto" asks the model, which must be sure to say anything but zh."""
        if all(stretch.context.language in self._tokenizers for stretch in stretches):
            return [stretch.context.language for stretch in stretches]
        detected = self._detect(encoded)
        return [
            stretch.context.language if stretch.context.language in self._tokenizers else found
            for stretch, found in zip(stretches, detected, strict=True)
        ]

    def _detect(self, encoded: Any) -> list[str]:
        names: list[str] = []
        for ranking in self._model.detect_language(encoded):
            token, probability = ranking[0]
            language = token.strip("<|>")
            names.append(language if language in self._tokenizers and probability > _OTHER_LANGUAGE else "zh")
        return names

    def _decode(
        self, encoded: Any, stretches: Sequence[Stretch], languages: Sequence[str], *, retry: bool = False
    ) -> list[Any]:
        beam = self._settings.partial_beam_size if stretches[0].quick else self._settings.beam_size
        most = max(most_tokens(stretch.duration_s) for stretch in stretches)
        results: list[Any] = self._model.generate(
            encoded,
            [
                self._prompt(language, stretch.context.previous)
                for stretch, language in zip(stretches, languages, strict=True)
            ],
            beam_size=beam,
            num_hypotheses=beam,
            no_repeat_ngram_size=_RETRY_NGRAM if retry else 0,
            # CTranslate2 gives the text half of this; one token more than is honest shows that it ran away.
            max_length=min(_MOST_TOKENS, 2 * (most + 2)),
            return_scores=True,
            return_no_speech_prob=True,
        )
        return results

    def _judge(self, result: Any, stretch: Stretch, samples: Samples, language: str, encoded: Any) -> Heard:
        """One decoded stretch to an answer: loops retried, other languages tried, inventions dropped."""
        retried = False
        if self._runs_away(result, stretch):
            retried = True
            encoded = self._encode([samples], _FULL_WINDOW_S)
            result = self._decode(encoded, [stretch], [language], retry=True)[0]
            if self._runs_away(result, stretch):
                return Heard(language=language, retried=True)
        if stretch.quick:
            return Heard(self._hypotheses(result, language, ()), language, retried)
        weak = result.scores[0] < _WEAK
        if weak and stretch.context.language != "en":
            if encoded is None:
                encoded = self._encode([samples], self._settings.window_min_s)
            other = self._detect(encoded)[0]
            if other != language:
                second = self._decode(encoded, [stretch], [other])[0]
                if second.scores[0] > result.scores[0] and not self._runs_away(second, stretch):
                    result, language = second, other
        text = self._text(result.sequences_ids[0], language)
        if not text or is_invented(text) or (weak and not contains_speech(stretch)):
            return Heard(language=language, retried=retried)
        if encoded is None:
            encoded = self._encode([samples], self._settings.window_min_s)
        probabilities = self._token_probabilities(encoded, result.sequences_ids[0], language)
        return Heard(self._hypotheses(result, language, probabilities), language, retried)

    def _runs_away(self, result: Any, stretch: Stretch) -> bool:
        tokens = result.sequences_ids[0]
        return runs_away(self._byte_pairs.decode(tokens), len(tokens), stretch.duration_s)

    def _text(self, tokens: Sequence[int], language: str) -> str:
        text: str = self._tokenizers[language].decode(tokens)
        return text.strip()

    def _token_probabilities(self, encoded: Any, tokens: Sequence[int], language: str) -> Sequence[float]:
        frames = encoded.shape[1] * 2
        aligned = self._model.align(encoded, self._tokenizers[language].sot_sequence, [list(tokens)], frames)
        probabilities: Sequence[float] = aligned[0].text_token_probs
        return probabilities

    def _hypotheses(self, result: Any, language: str, probabilities: Sequence[float]) -> tuple[Hypothesis, ...]:
        hypotheses: list[Hypothesis] = []
        for tokens, mean in zip(result.sequences_ids, result.scores, strict=True):
            text = self._text(tokens, language)
            score = mean * (len(tokens) + 1)  # CTranslate2 divides by the length, end token included
            confidence = () if hypotheses else self._per_character(tokens, probabilities, language)
            hypotheses.append(Hypothesis(text, score, confidence))
        return tuple(hypotheses)

    def _per_character(self, tokens: Sequence[int], probabilities: Sequence[float], language: str) -> tuple[float, ...]:
        whole = self._tokenizers[language].decode(tokens)
        # Byte-level pairs: each letter of a token's name stands for one byte of the text.
        sizes = [len(self._byte_pairs.id_to_token(token) or "") for token in tokens]
        first = len(whole) - len(whole.lstrip())
        return character_confidence(whole, sizes, probabilities)[first : first + len(whole.strip())]


def to_model_rate(stretch: Stretch) -> Samples:
    """The audio at 16 kHz."""
    if stretch.rate_hz == _RATE_HZ:
        return stretch.samples
    samples: Samples = soxr.resample(stretch.samples, stretch.rate_hz, _RATE_HZ)
    return samples.astype(np.float32, copy=False)


def contains_speech(stretch: Stretch) -> bool:
    """Whether Silero finds at least `_SPEECH_MS` of voice; some 8 ms of work for each second."""
    pcm = to_pcm(resample(stretch.samples, stretch.rate_hz, SAMPLE_RATE_HZ))
    detector = SileroDetector()
    frames = [pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES)]
    return sum(detector.push(frame) >= _SPEECH for frame in frames) * FRAME_MS >= _SPEECH_MS
