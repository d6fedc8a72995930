"""The little that the stages of one call must know of each other."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from voicebot.core.frames import AudioFrame, samples_to_ms
from voicebot.core.speech import Expect


@dataclass(slots=True)
class CallState:
    """Shared by the stages of one call, all on the call's event loop."""

    bot_speaking: bool = False
    interruptible: bool = True
    held: bool = False  # the bot's voice waits: the caller made a sound that may be an interruption
    nearly_said: bool = True  # the bot has nothing left to say but perhaps its last few words
    secret: bool = False  # what the caller says now is left out of the recording
    thinking: bool = False
    waiting: bool = False  # for a person: there may be music between the words
    caller_speaking: bool = False
    # Lay a supervisor's voice over what the agent, or the caller, is to hear; None: nobody is in the call.
    to_agent: Callable[[bytes], bytes] | None = None
    to_caller: Callable[[bytes], bytes] | None = None
    agent_said: Callable[[bytes], None] | None = None  # told what the agent says, without the supervisor's voice in it
    bridged: Callable[[bytes], None] | None = None  # takes the caller's audio while a person speaks with them
    expects: Expect = Expect.ANYTHING
    language: str = "zh"
    hearing: Callable[[str], None] = lambda text: None  # told what the turn in progress sounds like so far


class CallTime:
    """Maps the event loop's clock to milliseconds since answer.

    Frames arrive late by jitter, never early, so the smallest difference seen is the best estimate.
    """

    def __init__(self) -> None:
        self._answered_at: float | None = None

    def arrived(self, frame: AudioFrame) -> None:
        """Note the arrival of a frame, now."""
        estimate = asyncio.get_running_loop().time() - samples_to_ms(frame.end) / 1000
        if self._answered_at is None or estimate < self._answered_at:
            self._answered_at = estimate

    def now_ms(self) -> float:
        """Milliseconds since answer; 0 before the first frame."""
        if self._answered_at is None:
            return 0.0
        return (asyncio.get_running_loop().time() - self._answered_at) * 1000
