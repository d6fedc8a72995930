"""The conversation of one call, from the greeting to the goodbye."""

from dialog.flow.conversation import DialogTools
from dialog.flow.hotline import HotlineDialog

__all__ = ["DialogTools", "HotlineDialog"]
