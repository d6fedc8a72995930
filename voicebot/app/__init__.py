"""Puts the house together. `build` is the only place that names concrete classes of the rooms."""

from voicebot.app.build import build
from voicebot.app.house import House

__all__ = ["House", "build"]
