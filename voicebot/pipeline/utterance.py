"""One text on its way to the caller, and how much of it was heard."""

from dataclasses import dataclass, field

from voicebot.core.frames import FRAME_BYTES
from voicebot.pipeline.frames import SpeakFrame

_TAIL = 0.85  # a clause ends in a short silence; whoever heard this share of it heard its words


@dataclass(slots=True)
class Utterance:
    """``first`` is the line's count of samples at which this audio begins; ``handed`` how much has been handed on."""

    frame: SpeakFrame
    queued_ms: float = 0.0
    asked_for_patience: bool = False
    audio: bytearray = field(default_factory=bytearray)  # bounded by the length of one text
    first: int = 0
    handed: int = 0
    made: bool = False
    failed: bool = False
    start_ms: float | None = None
    clauses: list[tuple[str, int, int]] = field(default_factory=list)  # text, and where its audio begins and ends

    @property
    def samples(self) -> int:
        """Samples made so far."""
        return len(self.audio) // 2

    @property
    def handed_all(self) -> bool:
        """Has everything been made and handed on?"""
        return self.made and self.handed >= self.samples

    def heard_all(self, heard: int) -> bool:
        """Has everything left for the caller, when the line counts ``heard`` samples?"""
        return self.handed_all and heard >= self.first + self.samples

    def next_frame(self) -> bytes | None:
        """The next 20 ms to hand on; the last one is filled up with silence; None when there is none yet."""
        begin = self.handed * 2
        pcm = bytes(self.audio[begin : begin + FRAME_BYTES])
        if not pcm or (len(pcm) < FRAME_BYTES and not self.made):
            return None
        if len(pcm) < FRAME_BYTES:
            pcm = pcm.ljust(FRAME_BYTES, b"\0")
            self.audio.extend(bytes(FRAME_BYTES - len(self.audio[begin:])))
        self.handed += len(pcm) // 2
        return pcm

    def rewind(self, heard: int) -> None:
        """What was handed on and not heard was thrown away: it is to be handed on again."""
        self.handed = max(0, min(self.handed, heard - self.first))

    def spoken(self, heard: int) -> str:
        """The part of the text that the caller heard, in whole clauses; all of it once all of its audio has left."""
        if self.heard_all(heard):
            return self.frame.text
        reached = max(0, min(self.handed, heard - self.first))
        return "".join(text for text, begin, end in self.clauses if begin + _TAIL * (end - begin) <= reached)
