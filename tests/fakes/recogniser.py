"""A recogniser that says what it was told to say, and a model that does."""

import threading
from collections.abc import Sequence

from asr.correction import Corrected, Hypothesis
from asr.engines.speech_model import Heard, Stretch
from voicebot.core.errors import HotlineError
from voicebot.core.frames import AudioFrame
from voicebot.core.ports import RecogniserCapabilities
from voicebot.core.speech import HearingContext, Transcript


class FakeRecogniser:
    """`Recogniser` that gives the next of ``texts`` to each turn that had audio (the last one again and again)."""

    def __init__(self, *texts: str, name: str = "fake", error: HotlineError | None = None, confidence: float = 0.9):
        self._texts = list(texts) or [""]
        self._name = name
        self._error = error
        self._confidence = confidence
        self.contexts: list[HearingContext] = []
        self.streams: list[FakeStream] = []

    @property
    def capabilities(self) -> RecogniserCapabilities:
        return RecogniserCapabilities(
            name=self._name, languages=("zh",), streaming=True, partials=True, confidence=True, local=True
        )

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass

    def open(self, context: HearingContext) -> "FakeStream":
        self.contexts.append(context)
        text = self._texts.pop(0) if len(self._texts) > 1 else self._texts[0]
        self.streams.append(FakeStream(text, context, self._name, self._error, self._confidence))
        return self.streams[-1]


class FakeStream:
    """`RecogniserStream` with its text ready from the start."""

    def __init__(
        self,
        text: str,
        context: HearingContext,
        engine: str,
        error: HotlineError | None,
        confidence: float = 0.9,
    ):
        self._text = text
        self._context = context
        self._engine = engine
        self._error = error
        self._confidence = confidence
        self.frames: list[AudioFrame] = []
        self.speculations = 0
        self.resumed = 0
        self.closed = False

    def push(self, frame: AudioFrame) -> None:
        if not self.closed:
            self.frames.append(frame)

    def speculate(self, speech_end: int | None = None, *, early: bool = False) -> None:
        self.speculations += 1

    def resume(self) -> None:
        self.resumed += 1

    def partial(self) -> Transcript | None:
        return self._transcript(final=False) if self.frames else None

    async def finish(self) -> Transcript:
        if self._error is not None:
            raise self._error
        return self._transcript(final=True)

    def close(self) -> None:
        self.closed = True

    def _transcript(self, *, final: bool) -> Transcript:
        text = self._text if self.frames else ""
        start = self.frames[0].position if self.frames else 0
        end = self.frames[-1].end if self.frames else 0
        return Transcript(
            text,
            text,
            start,
            end,
            final=final,
            dialect=self._context.dialect,
            engine=self._engine,
            confidence=(self._confidence,) * len(text),
        )


class FakeSpeechModel:
    """`SpeechModel` that writes how long the audio was ("3.0s"), when it is let: `hold` makes it wait."""

    def __init__(self) -> None:
        self.stretches: list[Stretch] = []
        self.runs: list[int] = []
        self.loaded = False
        self.fail_with: Exception | None = None
        self._may_run = threading.Event()
        self._may_run.set()
        self.began = threading.Semaphore(0)

    @property
    def capabilities(self) -> RecogniserCapabilities:
        return RecogniserCapabilities(
            name="fake-model", languages=("zh",), streaming=True, partials=True, confidence=True, local=True
        )

    def load(self) -> None:
        self.loaded = True

    def unload(self) -> None:
        self.loaded = False

    def hold(self) -> None:
        self._may_run.clear()

    def let_go(self) -> None:
        self._may_run.set()

    def hear(self, stretches: Sequence[Stretch]) -> list[Heard]:
        self.stretches += stretches
        self.runs.append(len(stretches))
        self.began.release()
        assert self._may_run.wait(10)
        if self.fail_with is not None:
            raise self.fail_with
        return [self._heard(stretch) for stretch in stretches]

    def _heard(self, stretch: Stretch) -> Heard:
        text = f"{stretch.duration_s:.1f}s"
        if not stretch.samples.any():
            return Heard()
        return Heard((Hypothesis(text, -1.0, (0.5,) * len(text)),), ending=stretch.silence_s)


class ShoutingCorrector:
    """`Corrector` that writes capitals and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[tuple[Hypothesis, ...], HearingContext]] = []

    def correct(self, hypotheses: Sequence[Hypothesis], context: HearingContext) -> Corrected:
        self.asked.append((tuple(hypotheses), context))
        return Corrected(hypotheses[0].text.upper())
