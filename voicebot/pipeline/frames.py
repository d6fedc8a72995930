"""What passes between the stages of a call. System frames: an interruption must never drop one."""

from dataclasses import dataclass, field

from pipecat.frames.frames import SystemFrame

from voicebot.core.speech import Expect, Transcript


@dataclass
class CallerTurnFrame(SystemFrame):
    """The caller finished a turn. ``failure`` is the error code when the recogniser gave no transcript."""

    turn: int = 0
    heard: Transcript = field(default_factory=lambda: Transcript("", "", 0, 0))
    failure: str = ""


@dataclass
class DigitsFrame(SystemFrame):
    """The caller pressed keys."""

    digits: str = ""


@dataclass
class SilenceFrame(SystemFrame):
    """Nobody has spoken for ``silence_ms``."""

    silence_ms: float = 0


@dataclass
class SpeakFrame(SystemFrame):
    """Speak a text after what is already waiting. ``turn`` is the caller's turn that it answers."""

    text: str = ""
    turn: int = -1
    interruptible: bool = True
    expects: Expect = Expect.ANYTHING
    source: str | None = None
    hang_up_after: bool = False


@dataclass
class SpokenFrame(SystemFrame):
    """Sent upstream when an utterance is over: what was meant, and what the caller really heard of it."""

    text: str = ""
    heard: str = ""
    start_ms: float = 0
    end_ms: float = 0
    source: str | None = None
    interrupted: bool = False
    failed: bool = False


@dataclass
class ReleaseFrame(SystemFrame):
    """It was no interruption: the voice that is held goes on where it stopped."""
