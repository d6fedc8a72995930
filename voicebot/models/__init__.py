"""Which models the service needs, where they come from, and whether they are whole."""

from voicebot.models.store import ModelStore

__all__ = ["ModelStore"]
