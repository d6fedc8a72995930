"""The instants of a turn. Benchmarks, traces and dashboards read only this."""

from dataclasses import dataclass, field
from enum import StrEnum


class Instant(StrEnum):
    """The instants between a caller's last sound and the first sound of the reply, in order."""

    SPEECH_END = "speech_end"
    END_OF_TURN = "end_of_turn"
    FINAL_TEXT = "final_text"
    FIRST_ACTION = "first_action"
    FIRST_AUDIO_OUT = "first_audio_out"


@dataclass(slots=True)
class Timeline:
    """Milliseconds since answer for each instant of each caller turn."""

    turns: dict[int, dict[Instant, float]] = field(default_factory=dict)

    def stamp(self, turn: int, instant: Instant, at_ms: float) -> None:
        """Note an instant; the first stamp of an instant stays."""
        self.turns.setdefault(turn, {}).setdefault(instant, at_ms)

    def latency_ms(self, turn: int) -> dict[str, float]:
        """Milliseconds from the end of speech to each later instant of the turn."""
        instants = self.turns.get(turn, {})
        if Instant.SPEECH_END not in instants:
            return {}
        start = instants[Instant.SPEECH_END]
        return {
            instant.value: round(instants[instant] - start, 1)
            for instant in Instant
            if instant in instants and instant is not Instant.SPEECH_END
        }
