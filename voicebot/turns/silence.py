"""How long nobody has spoken, told once a second from the third on."""

from voicebot.core.frames import samples_to_ms
from voicebot.turns.settings import TurnSettings


class SilenceTimer:
    """Counts from the last sound of either side; positions are its only clock."""

    def __init__(self, settings: TurnSettings, position: int = 0):
        self._settings = settings
        self._since = position
        self._next_ms = settings.first_silence_ms

    def sound(self, position: int) -> None:
        """Somebody spoke, a key was pressed or the bot's audio was playing at this position."""
        if position > self._since:
            self._since = position
        self._next_ms = self._settings.first_silence_ms

    def push(self, position: int) -> float | None:
        """The call has come to ``position``; milliseconds of silence when it is time to say so, else None."""
        silent_ms = samples_to_ms(position - self._since)
        if silent_ms < self._next_ms:
            return None
        while self._next_ms <= silent_ms:
            self._next_ms += self._settings.silence_step_ms
        return silent_ms
