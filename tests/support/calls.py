"""A whole call in memory: real stages and a file line, scripted words, a voice of tones."""

import asyncio
import math
import struct
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

from telephony.transport import LineTransport
from telephony.wav.line import WavLine
from tests.fakes.agent_queue import FakeAgentQueue
from tests.fakes.call_store import FakeCallStore, KeptCall
from tests.fakes.clock import FakeClock
from tests.fakes.observer import FakeObserver
from tests.fakes.ticket_store import FakeTicketStore
from tests.fakes.voice_detector import LoudnessDetector
from voicebot.core.actions import Action, HandOff, HangUp, Outcome, Say
from voicebot.core.call import CallEnd, CallStart
from voicebot.core.frames import SAMPLE_RATE_HZ, AudioFrame
from voicebot.core.ports import RecogniserCapabilities
from voicebot.core.speech import HearingContext, Transcript
from voicebot.core.ticket import TicketDraft
from voicebot.evaluation.virtual_time import run_in_virtual_time
from voicebot.pipeline.handoff import Takers
from voicebot.pipeline.held import HeldCalls
from voicebot.pipeline.listening import ListeningPosts
from voicebot.pipeline.phone import Phones
from voicebot.pipeline.session import CallSession, Parts
from voicebot.turns.barge_in import BargeIn
from voicebot.turns.endpoint import AdaptiveEndpointer
from voicebot.turns.settings import TurnSettings
from voicebot.turns.silence import SilenceTimer


def tone(ms: float, hz: float = 300, amplitude: int = 6000) -> bytes:
    """Something that a voice detector of levels takes for speech."""
    count = round(ms * SAMPLE_RATE_HZ / 1000)
    samples = (int(amplitude * math.sin(2 * math.pi * hz * n / SAMPLE_RATE_HZ)) for n in range(count))
    return struct.pack(f"<{count}h", *samples)


class ScriptedRecogniser:
    """Hears one text of a list a turn; an exception in the list is raised, "" is a turn without words."""

    def __init__(self, texts: Sequence[str | Exception], language: str = "zh"):
        self.texts = list(texts)
        self.confidence = 1.0
        self.language = language
        self.contexts: list[HearingContext] = []
        self.speculations: list[bool] = []  # was it early?

    capabilities = RecogniserCapabilities("scripted", ("zh",), True, False, False, True)

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass

    def open(self, context: HearingContext) -> "ScriptedStream":
        self.contexts.append(context)
        return ScriptedStream(self)


class ScriptedStream:
    def __init__(self, recogniser: ScriptedRecogniser):
        self._recogniser = recogniser
        self.frames: list[AudioFrame] = []
        self.closed = False

    def push(self, frame: AudioFrame) -> None:
        self.frames.append(frame)

    def speculate(self, speech_end: int | None = None, *, early: bool = False) -> None:
        self._recogniser.speculations.append(early)

    def resume(self) -> None:
        pass

    def partial(self) -> Transcript | None:
        return None

    async def finish(self) -> Transcript:
        text = self._recogniser.texts.pop(0) if self._recogniser.texts else ""
        if isinstance(text, Exception):
            raise text
        begin, end = self.frames[0].position, self.frames[-1].end
        sure = (self._recogniser.confidence,) * len(text)
        return Transcript(text, text, begin, end, language=self._recogniser.language, confidence=sure)

    def close(self) -> None:
        self.closed = True


class ToneVoice:
    """100 ms of tone for each character; ``broken`` raises instead."""

    name = "tone"

    def __init__(self, broken: Exception | None = None, slow_s: dict[str, float] | None = None):
        self.broken = broken
        self.slow_s = slow_s or {}
        self.spoken: list[str] = []

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass

    async def speak(self, text: str) -> AsyncIterator[bytes]:
        if self.broken:
            raise self.broken
        self.spoken.append(text)
        await asyncio.sleep(self.slow_s.get(text, 0))
        for _ in text:
            yield tone(100, 500)
            await asyncio.sleep(0)


class ScriptedDialog:
    """Answers from a table; everything that it is told is kept."""

    def __init__(self, greeting: Sequence[Action] = (), answers: dict[str, Sequence[Action]] | None = None):
        self.greeting = greeting
        self.answers = answers or {}
        self.outcomes: list[Outcome] = []
        self.interruptions: list[str] = []
        self.pressed: list[str] = []
        self.silences: list[float] = []
        self.reply_to: Callable[[Outcome], Sequence[Action]] = lambda outcome: ()
        self.draft: TicketDraft | None = None
        self.summary = ""

    def greet(self) -> Sequence[Action]:
        return self.greeting

    def hear(self, heard: Transcript) -> Sequence[Action]:
        return self.answers[heard.text]

    def press(self, digits: str) -> Sequence[Action]:
        self.pressed.append(digits)
        return self.answers.get(digits, ())

    def silent(self, silence_ms: float) -> Sequence[Action]:
        self.silences.append(silence_ms)
        return ()

    def interrupted(self, spoken: str) -> None:
        self.interruptions.append(spoken)

    def outcome(self, outcome: Outcome) -> Sequence[Action]:
        self.outcomes.append(outcome)
        return self.reply_to(outcome)


@dataclass
class NoTargets:
    table: dict[str, str] = field(default_factory=dict)

    def target(self, handoff: HandOff) -> str:
        return self.table.get(handoff.emergency or handoff.skill, "")


@dataclass
class CallRig:
    """Everything around one call; `play` runs it in virtual time."""

    dialog: ScriptedDialog
    recogniser: ScriptedRecogniser = field(default_factory=lambda: ScriptedRecogniser([]))
    voice: ToneVoice = field(default_factory=ToneVoice)
    calls: FakeCallStore = field(default_factory=FakeCallStore)
    tickets: FakeTicketStore = field(default_factory=lambda: FakeTicketStore(FakeClock()))
    queue: FakeAgentQueue = field(default_factory=lambda: FakeAgentQueue(FakeClock()))
    observer: FakeObserver = field(default_factory=FakeObserver)
    targets: NoTargets = field(default_factory=NoTargets)
    takers: Takers | None = None
    phones: Phones | None = None
    listening: ListeningPosts = field(default_factory=ListeningPosts)
    held: HeldCalls = field(default_factory=HeldCalls)
    max_call_s: float = 600
    hold_music: bytes = b""
    clock: FakeClock = field(default_factory=FakeClock)
    end: CallEnd | None = None
    session: CallSession | None = None
    line: WavLine | None = None

    @property
    def kept(self) -> KeptCall:
        """What is on record."""
        (call,) = self.calls.calls.values()
        return call

    def play(self, script: Callable[[WavLine], Coroutine[Any, Any, None]]) -> CallEnd:
        """Answer, run the caller's script, and wait until the call is over."""

        async def main() -> CallEnd:
            self.line = WavLine(FakeClock(), caller_number="13937900000")
            self.session = CallSession(self._parts(), self.line)
            running = asyncio.create_task(self.session.run())
            await self.line.caller.connect()
            await script(self.line)
            self.end = await running
            await asyncio.sleep(0.1)
            left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            assert not left, f"left running: {left}"
            return self.end

        return run_in_virtual_time(main())

    def _parts(self) -> Parts:
        turns = TurnSettings()
        return Parts(
            ear=lambda: self.recogniser,
            synthesiser=self.voice,
            calls=self.calls,
            tickets=self.tickets,
            questions=self.calls,
            queue=self.queue,
            targets=self.targets,
            observer=self.observer,
            clock=self.clock,
            dialog=self._dialog,
            detector=LoudnessDetector,
            endpointer=lambda: AdaptiveEndpointer(turns),
            barge_in=lambda: BargeIn(turns),
            silence=lambda: SilenceTimer(turns),
            recorder=lambda start: None,
            transport=LineTransport,
            patience_text=lambda language: "请稍等。" if language == "zh" else "One moment.",
            fault_text=lambda _: "抱歉，系统出了点问题。",
            max_call_s=self.max_call_s,
            takers=self.takers,
            phones=self.phones,
            listening=self.listening,
            held=self.held,
            hold_music=self.hold_music,
        )

    def _dialog(self, start: CallStart) -> ScriptedDialog:
        return self.dialog


HELLO = Say("您好，请讲。", key="greeting")
LONG = Say("这是一段很长的话，要说上好几秒钟，来电人等不及了。")
BYE = (Say("再见。"), HangUp())


def rig(
    answers: dict[str, Sequence[Action]], heard: list[str | Exception], greeting: Sequence[Action] = (HELLO,)
) -> CallRig:
    """A call whose turns are heard as ``heard``, and what the bot does about each of them."""
    return CallRig(ScriptedDialog(greeting, answers), ScriptedRecogniser(heard))


async def speak(line: WavLine, ms: float = 800) -> None:
    """The caller says something and is silent for half a second."""
    line.caller.say(tone(ms))
    await asyncio.sleep(ms / 1000 + 0.5)
