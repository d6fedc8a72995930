"""Streams over a model that hears whole stretches: passes started early, thrown away, agreed upon, joined.

A caller turn is a row of pieces. Most turns are one piece; a long one is cut at its quietest place, and what
was heard before the cut is the context of what follows. The last piece is heard speculatively as soon as the
caller pauses, so that its text is there when the turn is found to be over.
"""

import asyncio
import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
import structlog

from asr.batching import Pass, PassQueue, Urgency
from asr.correction import Corrected, Corrector
from asr.engines.speech_model import Heard, Samples, SpeechModel, Stretch
from asr.settings import AsrSettings
from voicebot.core.errors import HotlineError, OverloadError, RecognitionError
from voicebot.core.frames import SAMPLE_RATE_HZ, AudioFrame, ms_to_samples
from voicebot.core.ports import RecogniserCapabilities
from voicebot.core.speech import HearingContext, Transcript

log = structlog.get_logger(__name__)

_SHORTEST_S = 0.1  # less is a click
_CUT_SEARCH_S = 10.0  # a long turn is cut somewhere in its last ten seconds
_CUT_KEEP_S = 0.5  # but not so late that the next piece begins in the middle of a word just spoken
_CUT_WINDOW_S = 0.2  # as short as a comma
_CONTEXT_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class Piece:
    """What was heard in one stretch, corrected."""

    heard: Heard
    corrected: Corrected


HearingPass = Pass[Stretch, Piece]


class StreamingRecogniser:
    """`Recogniser` over a `SpeechModel` for many calls, with bounded work and correction in the workers."""

    def __init__(self, model: SpeechModel, settings: AsrSettings, corrector: Corrector | None = None):
        self._model = model
        self._settings = settings
        self._corrector = corrector
        self._queue: PassQueue[Stretch, Piece] = PassQueue(
            self._hear,
            size=settings.queue_size,
            workers=settings.workers,
            batch_size=settings.batch_size,
            alike=_alike,
        )

    @property
    def capabilities(self) -> RecogniserCapabilities:
        """What the model can do."""
        return self._model.capabilities

    @property
    def waiting(self) -> int:
        """Passes that wait for a worker, for metrics."""
        return self._queue.waiting

    @property
    def busy(self) -> bool:
        """True while a pass runs or waits."""
        return self._queue.busy

    async def start(self) -> None:
        """Load and warm up; raises `ModelError`."""
        await asyncio.to_thread(self._model.load)
        self._queue.start()

    async def stop(self) -> None:
        """End the workers after the passes they run, then unload the model."""
        await asyncio.to_thread(self._queue.stop)
        await asyncio.to_thread(self._model.unload)

    def open(self, context: HearingContext) -> "HearingStream":
        """Begin one caller turn."""
        return HearingStream(self._queue, self._settings, context, self._model.capabilities.name)

    async def transcribe(self, samples: Samples, rate_hz: int, context: HearingContext) -> Transcript:
        """A whole recording of any length at its own rate; positions count samples at 8 kHz."""
        pieces: list[Piece] = []
        previous = context.previous
        rest = samples
        while len(rest) > _SHORTEST_S * rate_hz:
            cut = quietest_place(rest, rate_hz, self._settings.long_turn_s)
            stretch = Stretch(rest[:cut], rate_hz, replace(context, previous=previous))
            piece = await asyncio.wrap_future(self._queue.submit(stretch, Urgency.FINAL).future)
            pieces.append(piece)
            previous = (previous + piece.corrected.text)[-_CONTEXT_CHARACTERS:]
            rest = rest[cut:]
        end = round(len(samples) * SAMPLE_RATE_HZ / rate_hz)
        return join(pieces, context, 0, end, self.capabilities.name)

    def _hear(self, stretches: Sequence[Stretch]) -> list[Piece]:
        """Worker thread: hear, then correct. Partial texts are not corrected: they are gone in a moment."""
        try:
            return [
                Piece(heard, self._correct(heard, stretch))
                for stretch, heard in zip(stretches, self._model.hear(stretches), strict=True)
            ]
        except HotlineError:
            raise
        except Exception as error:  # a worker's door: a call that waits for this must be able to go on
            log.error("pass_failed", kind=type(error).__name__, exc_info=True)
            raise RecognitionError(f"The pass failed: {type(error).__name__}.", code="pass_failed") from error

    def _correct(self, heard: Heard, stretch: Stretch) -> Corrected:
        if not heard.hypotheses:
            return Corrected("")
        if self._corrector is None or stretch.quick or heard.language not in ("zh", "yue"):
            return Corrected(heard.hypotheses[0].text)
        return self._corrector.correct(heard.hypotheses, stretch.context)


class HearingStream:
    """`RecogniserStream`: one caller turn on its way to text."""

    def __init__(self, queue: PassQueue[Stretch, Piece], settings: AsrSettings, context: HearingContext, engine: str):
        self._queue = queue
        self._settings = settings
        self._context = context
        self._engine = engine
        self._audio: list[bytes] = []  # of the piece in progress; bounded by long_turn_s
        self._samples = 0
        self._start: int | None = None
        self._end = 0
        self._cut: list[HearingPass] = []  # earlier pieces of a long turn
        self._speculation: HearingPass | None = None
        self._speculated_to = 0  # the position up to which it hears
        self._partial_pass: HearingPass | None = None
        self._heard_samples = 0  # length of the piece when the newest pass began
        self._partial_to = 0  # the position up to which the newest partial pass hears
        self._texts: list[str] = []  # newest texts of partial passes, at most two
        self._text_to = 0  # the position up to which the newest one was heard
        self._sure = 0.0  # mean probability of a character of the newest one
        self._closed = False

    def push(self, frame: AudioFrame) -> None:
        """Take 20 ms of audio. Starts a partial pass when there is CPU to spare, cuts a turn that grows long."""
        if self._closed:
            return
        if self._start is None:
            self._start = frame.position
        self._end = frame.end
        self._audio.append(frame.pcm)
        self._samples += frame.samples
        if self._too_long:
            with suppress(OverloadError):  # stays whole until there is room
                self._cut_off()
        self._start_partial()

    def speculate(self, speech_end: int | None = None, *, early: bool = False) -> None:
        """A pause began: start the final pass now. Without room in the queue it waits for `finish`.

        ``early``: only while no other pass runs or waits.
        """
        if self._closed or self._samples < _SHORTEST_S * SAMPLE_RATE_HZ or (early and self._queue.busy):
            return
        if self._speculation is not None:
            if early or speech_end is None or speech_end <= self._speculated_to:
                return
            self._speculation.cancel()  # the voice went on, too softly for it to be noticed
            self._speculation = None
        self._drop_partial()
        try:
            stretch = self._stretch(speech_end=speech_end)
            self._speculation = self._queue.submit(stretch, Urgency.SPECULATIVE)
            self._speculated_to, self._heard_samples = self._end, self._samples
        except OverloadError:
            log.info("speculation_skipped", waiting=self._queue.waiting)

    def resume(self) -> None:
        """It was only a pause: the speculation's text is a partial one at best."""
        if self._speculation is None:
            return
        if self._speculation.done():
            self._note(self._speculation, self._speculated_to)
        self._speculation.cancel()
        self._speculation = None

    def partial(self) -> Transcript | None:
        """The newest text up to ``end``: ``text`` is what two passes agree upon, ``raw_text`` all of the newest one.

        A partial pass is not aligned with its sound: every character has the mean probability of all.
        """
        if self._partial_pass is not None and self._partial_pass.done():
            self._note(self._partial_pass, self._partial_to)
            self._partial_pass = None
        if self._speculation is not None and self._speculation.succeeded():
            whole = self._joined([*self._settled(), self._speculation.future.result()])
            return replace(whole, final=False, end=self._speculated_to)
        if not self._texts:
            return None
        before = self._joined(self._settled())
        newest = self._texts[-1]
        stable = agreed(self._texts[0], newest) if len(self._texts) > 1 else ""
        return replace(
            before,
            final=False,
            end=self._text_to,
            text=before.text + stable,
            raw_text=before.raw_text + newest,
            confidence=(*before.confidence, *(self._sure,) * len(newest)),
        )

    async def finish(self) -> Transcript:
        """The turn is over: its final transcript. Raises `RecognitionError` or `OverloadError`."""
        self._drop_partial()
        while self._too_long and not self._closed:
            self._cut_off()
        if self._speculation is None and self._samples >= _SHORTEST_S * SAMPLE_RATE_HZ and not self._closed:
            self._speculation = self._queue.submit(self._stretch(), Urgency.FINAL)
        wanted = [*self._cut, *([self._speculation] if self._speculation else [])]
        self._closed = True
        for each in wanted:
            self._queue.hurry(each)
        pieces = [await asyncio.wrap_future(each.future) for each in wanted]
        return self._joined(pieces)

    def close(self) -> None:
        """Drop the turn; pending work is abandoned."""
        self._closed = True
        self._drop_partial()
        for each in self._cut:
            each.cancel()
        if self._speculation is not None:
            self._speculation.cancel()

    @property
    def _too_long(self) -> bool:
        return self._samples > self._settings.long_turn_s * SAMPLE_RATE_HZ

    def _stretch(self, *, quick: bool = False, speech_end: int | None = None) -> Stretch:
        previous = self._context.previous + "".join(piece.corrected.text for piece in self._settled())
        context = replace(self._context, previous=previous[-_CONTEXT_CHARACTERS:])
        silence_s = None if speech_end is None else max(0, self._end - speech_end) / SAMPLE_RATE_HZ
        return Stretch(to_samples(b"".join(self._audio)), SAMPLE_RATE_HZ, context, quick, silence_s)

    def _settled(self) -> list[Piece]:
        """Earlier pieces that have been heard, in order, up to the first that has not."""
        pieces = []
        for each in self._cut:
            if not each.succeeded():
                break
            pieces.append(each.future.result())
        return pieces

    def _joined(self, pieces: Sequence[Piece]) -> Transcript:
        return join(pieces, self._context, self._start or 0, self._end, self._engine)

    def _cut_off(self) -> None:
        """Hear the older part of a long turn for good, at once. Raises `OverloadError`; then the turn stays whole."""
        self._drop_partial()
        whole = self._stretch()
        cut = quietest_place(whole.samples, SAMPLE_RATE_HZ, self._settings.long_turn_s)
        self._cut.append(self._queue.submit(replace(whole, samples=whole.samples[:cut]), Urgency.SPECULATIVE))
        rest = b"".join(self._audio)[2 * cut :]
        self._audio, self._samples = [rest], len(rest) // 2
        self._heard_samples, self._texts = 0, []
        if self._speculation is not None:
            self._speculation.cancel()
            self._speculation = None

    def _start_partial(self) -> None:
        fresh = self._samples - self._heard_samples
        if fresh < ms_to_samples(self._settings.partial_interval_ms) or self._speculation is not None:
            return
        if self._partial_pass is not None:
            if not self._partial_pass.done():
                return
            self._note(self._partial_pass, self._partial_to)
            self._partial_pass = None
        if not self._queue.idle:
            return
        self._heard_samples, self._partial_to = self._samples, self._end
        self._partial_pass = self._queue.submit(self._stretch(quick=True), Urgency.PARTIAL)

    def _drop_partial(self) -> None:
        if self._partial_pass is not None:
            self._partial_pass.cancel()
            self._partial_pass = None

    def _note(self, done: HearingPass, heard_to: int) -> None:
        """Keep the text of a finished pass; a failed partial pass costs nothing but its text."""
        if done.succeeded():
            piece = done.future.result()
            self._texts, self._text_to = [*self._texts[-1:], piece.corrected.text], heard_to
            first = piece.heard.hypotheses[0] if piece.heard.hypotheses else None
            self._sure = math.exp(first.score / max(1, len(first.text))) if first else 0.0


def _alike(stretch: Stretch) -> object:
    """Passes with the same key may share a run."""
    return stretch.quick, stretch.context.language, stretch.context.hint, stretch.rate_hz


def to_samples(pcm: bytes) -> Samples:
    """Little-endian int16 PCM as floats in [-1, 1]."""
    return np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32768)


def quietest_place(samples: Samples, rate_hz: int, longest_s: float) -> int:
    """Where to cut: the whole length when that is short enough, else the middle of the quietest 200 ms.

    Looked for in the last ten seconds before ``longest_s``, but not in their last half second.
    """
    longest = round(longest_s * rate_hz)
    if len(samples) <= longest:
        return len(samples)
    window = round(_CUT_WINDOW_S * rate_hz)
    first, last = longest - round(_CUT_SEARCH_S * rate_hz), longest - round(_CUT_KEEP_S * rate_hz)
    energy = np.concatenate(([0.0], np.cumsum(np.square(samples[max(0, first) : last], dtype=np.float64))))
    quietest = int(np.argmin(energy[window:] - energy[:-window]))
    return max(0, first) + quietest + window // 2


def agreed(earlier: str, newer: str) -> str:
    """The beginning that two texts share; the last characters of a pass are a guess."""
    length = 0
    for one, other in zip(earlier, newer, strict=False):
        if one != other:
            break
        length += 1
    return newer[:length]


def join(pieces: Sequence[Piece], context: HearingContext, start: int, end: int, engine: str) -> Transcript:
    """The pieces of a turn as one transcript; it has confidence only if every piece has."""
    text, raw_text = "", ""
    confidence: list[float] = []
    corrections = []
    for piece in pieces:
        if not piece.heard.hypotheses:
            continue
        first = piece.heard.hypotheses[0]
        shift = len(raw_text)
        corrections += [
            replace(each, start=each.start + shift, end=each.end + shift) for each in piece.corrected.corrections
        ]
        text += piece.corrected.text
        raw_text += first.text
        confidence += first.confidence
    languages = [piece.heard.language for piece in pieces if piece.heard.hypotheses]
    return Transcript(
        text=text,
        raw_text=raw_text,
        start=start,
        end=end,
        language=max(languages, key=languages.count) if languages else "zh",
        dialect=context.dialect,
        engine=engine,
        confidence=tuple(confidence) if len(confidence) == len(raw_text) else (),
        corrections=tuple(corrections),
        ending=pieces[-1].heard.ending if pieces else None,
    )
