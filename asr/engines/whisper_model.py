"""What to make of Whisper's answers: a short window, a guard against loops, an ear for silence and for English.

The encoder takes less than the 30 s it was trained on, how much less its folder says (`asr.window`). What a short
window loses, it loses to repetition, which the guard notices and one full window mends.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from asr.answers import best_answer, likely_answers, sounds_like
from asr.correction import Hypothesis
from asr.engines.ending import ending_sound
from asr.engines.resampling import at_rate
from asr.engines.speech_model import Heard, Samples, Stretch
from asr.engines.whisper_decoder import (
    ENCODED_PER_S,
    LANGUAGES,
    RATE_HZ,
    Decoded,
    Encoded,
    WhisperDecoder,
)
from asr.invention import is_english_aside, is_invented
from asr.loops import most_tokens, runs_away
from asr.settings import AsrSettings
from asr.window import FULL_WINDOW_S, UNADAPTED, Window, window_of
from voicebot.audio.level import rms_dbfs
from voicebot.audio.narrowband import resample, to_pcm
from voicebot.audio.vad import SileroDetector
from voicebot.core.errors import RecognitionError
from voicebot.core.frames import FRAME_BYTES, FRAME_MS, SAMPLE_RATE_HZ
from voicebot.core.ports import RecogniserCapabilities
from voicebot.core.speech import Expect

_HINT = "以下是普通话的句子。"  # makes it write simplified characters and punctuation
_ECHO, _ECHO_SURE = "普通话", 0.65  # a word of the hint: in a text no surer than this it was not said
_RETRY_NGRAM = 4  # for the retry only: it would break the repeated digits of telephone numbers
_CHINESE = ("zh", "yue")
_WEAK = -0.7  # mean log-probability of a token below which an answer deserves a second look
_CLEARLY = 0.3  # by this mean log-probability English was better for English callers and never for Chinese ones
# English that comes up in a Chinese call is believed from this mean log-probability on: a voice without words, moved
# by 25 ms at a time, gave -0.93 at best; English sentences that were written about right gave -0.53 to -0.69.
_BELIEVABLE = -0.9
_QUIET_DBFS = -60.0  # nobody speaks below this
_ANSWER_S = 3.0  # a short answer, with the silence around it
_ANSWER_MARGIN_S = 1.5  # what the encoder makes of the silence behind it is needed too
_CHINESE_LETTERS = "\u2e80"  # and what follows: no Latin letter has a higher code point
_ASKED_FOR = 4.0  # nats by which an answer is likelier than the same sounds without a question
_ASKED_FOR_OPEN = 2.0  # the same after a question that anything may follow
_ASKED_FOR_ALIKE = 14.0  # the same for a listener's sounds into the bot's words, written with other characters
_SLOW_MS, _SLOW_CHARACTER_MS = 500.0, 450.0  # nobody draws an answer out for longer
_NO_ANSWER = -12.0  # nats; none of the answers was said
_TINY = 1e-9
_SPEECH = 0.5  # Silero's own threshold
_SPEECH_MS = 160.0  # a short 嗯 has more


class WhisperModel:
    """`SpeechModel` on a folder in CTranslate2's form, of any size of Whisper that knows several languages.

    Confidence of a character: the least probability of the tokens it is written with, when the decoder is
    shown its own first choice once more.
    """

    def __init__(self, settings: AsrSettings, folder: Path):
        self._settings = settings
        self._folder = folder
        self._decoder: WhisperDecoder | None = None
        self._window = UNADAPTED

    @property
    def capabilities(self) -> RecogniserCapabilities:
        """Two languages are promised; the model knows more."""
        return RecogniserCapabilities(
            name=f"whisper/{self._folder.name}",
            languages=LANGUAGES,
            streaming=True,
            partials=True,
            confidence=True,
            local=True,
        )

    def load(self) -> None:
        """Read the folder and hear a second of noise, so that the first caller does not wait. Raises `ModelError`."""
        decoder = WhisperDecoder(
            self._folder,
            device=self._settings.device,
            compute_type=self._settings.compute_type,
            threads=self._settings.cpu_threads,
            workers=self._settings.workers,
            lean_vocabulary=self._settings.lean_vocabulary,
        )
        self._window = window_for(self._settings, self._folder)
        noise = np.random.default_rng(0).normal(0, 1e-2, RATE_HZ).astype(np.float32)
        encoded = decoder.encode([noise], self._window.min_s)
        decoder.decode(encoded, "zh", [_HINT], beam_size=self._settings.beam_size, most_tokens=4)
        ending_sound()
        self._decoder = decoder

    def unload(self) -> None:
        """Free the weights."""
        self._decoder = None

    def hear(self, stretches: Sequence[Stretch]) -> list[Heard]:
        """Hear stretches that ask for the same language in one run of the model; raises `RecognitionError`."""
        decoder = self._decoder
        if decoder is None:
            raise RecognitionError("The model is not loaded.", code="recogniser_stopped", retryable=False)
        loud = [number for number, stretch in enumerate(stretches) if rms_dbfs(to_pcm(stretch.samples)) > _QUIET_DBFS]
        heard = [Heard()] * len(stretches)
        try:
            for number, answer in zip(
                loud, _Hearing(decoder, self._settings, self._window).of([stretches[n] for n in loud]), strict=True
            ):
                heard[number] = answer
        except RuntimeError as error:
            raise RecognitionError(f"The model failed: {error}.", code="model_failed") from error
        return heard


class _Hearing:
    """One run of the model, and second looks where the answer asks for one."""

    def __init__(self, decoder: WhisperDecoder, settings: AsrSettings, window: Window):
        self._decoder = decoder
        self._settings = settings
        self._window = window

    def of(self, stretches: Sequence[Stretch]) -> list[Heard]:
        """Answers for stretches that ask for the same language."""
        if not stretches:
            return []
        audio = [at_rate(stretch, RATE_HZ) for stretch in stretches]
        longest_s = max(stretch.duration_s for stretch in stretches)
        encoded = self._decoder.encode(audio, self._window.seconds(longest_s))
        asked = stretches[0].context.language
        language = asked if asked in LANGUAGES else "zh"
        choices = self._decoder.decode(
            encoded,
            language,
            [_before(stretch, language) for stretch in stretches],
            beam_size=self._settings.partial_beam_size if stretches[0].quick else self._settings.beam_size,
            most_tokens=_limit(longest_s),
        )
        return [
            replace(
                self._judge(stretch, audio[at], encoded[at : at + 1], language, choices[at]),
                ending=_ending(stretch, encoded[at]),
            )
            for at, stretch in enumerate(stretches)
        ]

    def _judge(
        self, stretch: Stretch, samples: Samples, encoded: Encoded, language: str, choices: list[Decoded]
    ) -> Heard:
        """Loops are heard again, doubtful Chinese is tried as English, inventions are dropped."""
        retried = self._runs_away(stretch, language, choices[0])
        if retried:
            encoded = self._decoder.encode([samples], FULL_WINDOW_S)
            choices = self._again(stretch, encoded, language, no_repeat_ngram=_RETRY_NGRAM)
            if self._runs_away(stretch, language, choices[0]):
                return Heard(language=language, retried=True)
        if stretch.quick:
            return Heard(self._hypotheses(language, choices, ()), language, retried)
        weak = choices[0].mean < _WEAK
        doubtful = (
            weak or stretch.context.language not in _CHINESE or _is_latin(self._decoder.text(choices[0], language))
        )
        if language == "zh" and (answer := self._answer(stretch, encoded, choices[0])):
            return Heard((answer,), language, retried)
        if language == "zh" and doubtful and (english := self._english(stretch, encoded, choices[0])):
            language, choices = "en", english
        text = self._decoder.text(choices[0], language)
        if not text or is_invented(text) or (weak and not contains_speech(stretch)):
            return Heard(language=language, retried=retried)
        confidence = self._decoder.confidence(encoded, choices[0], language, _before(stretch, language))
        if language == "zh" and _echoes_the_hint(text, confidence):
            return Heard(language=language, retried=retried)
        return Heard(self._hypotheses(language, choices, confidence), language, retried)

    def _again(self, stretch: Stretch, encoded: Encoded, language: str, no_repeat_ngram: int = 0) -> list[Decoded]:
        return self._decoder.decode(
            encoded,
            language,
            [_before(stretch, language)],
            beam_size=self._settings.beam_size,
            most_tokens=_limit(stretch.duration_s),
            no_repeat_ngram=no_repeat_ngram,
        )[0]

    def _english(self, stretch: Stretch, encoded: Encoded, chinese: Decoded) -> list[Decoded] | None:
        """The stretch written in English, when that fits the sound clearly better than ``chinese`` does.

        The model's own language token cannot be asked: CTranslate2 refuses it for a cut vocabulary, and written
        in the wrong language a text is far less probable anyway. Asked for English, the model may still write
        Chinese, without the sentence that goes before: that is no English.
        """
        english = self._again(stretch, encoded, "en")
        text = self._decoder.text(english[0], "en")
        better = english[0].mean > chinese.mean + _CLEARLY and not self._runs_away(stretch, "en", english[0])
        better = better and _is_latin(text)
        if stretch.context.language in _CHINESE:
            better = better and english[0].mean > _BELIEVABLE and not is_english_aside(text)
        return english if better else None

    def _answer(self, stretch: Stretch, encoded: Encoded, choice: Decoded) -> Hypothesis | None:
        """One of the answers that the question calls for, when it fits the sound about as well as ``choice`` does.

        A decoder weighs 没有恋 against 没有了 as if nothing had been asked; the question makes the second one some
        hundred times likelier.
        """
        expects, heard = stretch.context.expects, self._decoder.text(choice, "zh")
        if stretch.duration_s > _ANSWER_S or stretch.context.language not in _CHINESE or is_invented(heard):
            return None
        answers = likely_answers(expects, heard, over_bot=stretch.context.over_bot)
        voice_ms = voiced_ms(stretch) if answers else 0.0
        answers = tuple(answer for answer in answers if voice_ms <= _SLOW_MS + _SLOW_CHARACTER_MS * len(answer))
        if not answers or (choice.mean < _WEAK and voice_ms < _SPEECH_MS):
            return None
        frames = round((stretch.duration_s + _ANSWER_MARGIN_S) * ENCODED_PER_S)
        told = self._decoder.probabilities(encoded, (heard, *answers), "zh", _before(stretch, "zh"), frames)
        heard_fits, *fits = (sum(math.log(max(p, _TINY)) for p in each) for each in told)
        best = max(fits)
        if stretch.context.over_bot:
            alike = [(fit, answer) for fit, answer in zip(fits, answers, strict=True) if sounds_like(heard, answer)]
            fit, answer = max(alike, default=(-math.inf, ""))
            if fit >= heard_fits - _ASKED_FOR_ALIKE:
                return Hypothesis(answer, fit, (1.0,) * len(answer))
        likelier = _ASKED_FOR_OPEN if expects is Expect.ANYTHING else _ASKED_FOR
        if best < max(heard_fits - likelier, _NO_ANSWER):
            return None
        at, sure = best_answer(answers, fits)
        if stretch.context.over_bot:  # nobody was asked: it may be none of them, and then none fits well
            sure = min(sure, *told[1 + at])
        return Hypothesis(answers[at], fits[at], (sure,) * len(answers[at]))

    def _runs_away(self, stretch: Stretch, language: str, decoded: Decoded) -> bool:
        return runs_away(self._decoder.text(decoded, language), len(decoded.tokens), stretch.duration_s)

    def _hypotheses(
        self, language: str, choices: Sequence[Decoded], confidence: tuple[float, ...]
    ) -> tuple[Hypothesis, ...]:
        return tuple(
            Hypothesis(
                self._decoder.text(decoded, language), decoded.mean * len(decoded.tokens), () if rank else confidence
            )
            for rank, decoded in enumerate(choices)
        )


def window_for(settings: AsrSettings, folder: Path) -> Window:
    """What is set, and what the model was trained with where nothing is. Raises `ModelError`."""
    trained = window_of(folder)
    return Window(
        trained.min_s if settings.window_min_s is None else settings.window_min_s,
        trained.margin_s if settings.window_margin_s is None else settings.window_margin_s,
    )


def _ending(stretch: Stretch, encoded: Encoded) -> float | None:
    """How finished the voice sounds, when it has stopped."""
    if stretch.silence_s is None:
        return None
    return ending_sound().score(encoded, stretch.duration_s - stretch.silence_s)


def _before(stretch: Stretch, language: str) -> str:
    """What the text follows: a sentence of its kind in Chinese, and the turn so far."""
    return (stretch.context.hint or _HINT if language == "zh" else "") + stretch.context.previous


def _echoes_the_hint(text: str, confidence: Sequence[float]) -> bool:
    return _ECHO in text and float(np.mean(confidence)) < _ECHO_SURE


def _is_latin(text: str) -> bool:
    """Letters, and none of them Chinese."""
    letters = [character for character in text if character.isalpha()]
    return bool(letters) and max(letters) < _CHINESE_LETTERS


def _limit(duration_s: float) -> int:
    """One token more than is honest, so that a runaway answer is seen to be one."""
    return most_tokens(duration_s) + 1


def contains_speech(stretch: Stretch) -> bool:
    """Whether there is at least `_SPEECH_MS` of voice."""
    return voiced_ms(stretch) >= _SPEECH_MS


def voiced_ms(stretch: Stretch) -> float:
    """Milliseconds of voice that Silero finds; some 8 ms of work for each second."""
    pcm = to_pcm(resample(stretch.samples, stretch.rate_hz, SAMPLE_RATE_HZ))
    detector = SileroDetector()
    frames = [pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES)]
    return float(sum(detector.push(frame) >= _SPEECH for frame in frames) * FRAME_MS)
