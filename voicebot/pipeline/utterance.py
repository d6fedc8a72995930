"""One text on its way to the caller, and how much of it was heard."""

from dataclasses import dataclass, field

from voicebot.core.frames import FRAME_BYTES, SAMPLE_RATE_HZ
from voicebot.pipeline.frames import SpeakFrame

_CLAUSE_ENDS = "，。！？；：、,.!?;"
_CHARACTERS_A_SECOND = 4.5  # measured pace of the Mandarin voice; only used while the audio is still being made


@dataclass(slots=True)
class Utterance:
    """``first`` is the line's count of samples at which this audio begins; ``handed`` how much has been handed on."""

    frame: SpeakFrame
    audio: bytearray = field(default_factory=bytearray)  # bounded by the length of one text
    first: int = 0
    handed: int = 0
    made: bool = False
    failed: bool = False
    start_ms: float | None = None

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
        """The part of the text that the caller heard, cut back to whole clauses unless all of it was heard."""
        text = self.frame.text
        if self.heard_all(heard):
            return text
        reached = max(0, min(self.handed, heard - self.first))
        if not reached:
            return ""
        expected = self.samples if self.made else max(self.samples, len(text) / _CHARACTERS_A_SECOND * SAMPLE_RATE_HZ)
        characters = int(len(text) * min(1.0, reached / expected))
        while 0 < characters < len(text) and text[characters - 1] not in _CLAUSE_ENDS:
            characters -= 1
        return text[:characters]
