"""How much sound the encoder sees: what was said and some silence behind it.

Whisper was trained on 30 s and takes less, at less cost, but below some 10 s it repeats itself. A model that was
trained with shorter windows says so in its folder.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from voicebot.core.errors import ModelError

FILE = "window.json"
FULL_WINDOW_S = 30.0


@dataclass(frozen=True, slots=True)
class Window:
    """``max(min_s, length + margin_s)`` seconds."""

    min_s: float
    margin_s: float

    def seconds(self, length_s: float) -> float:
        """The window for so much sound; never more than the model has."""
        return min(FULL_WINDOW_S, max(self.min_s, length_s + self.margin_s))

    def write(self, folder: Path) -> None:
        """Say in a model's folder that it was trained with this window."""
        (folder / FILE).write_text(json.dumps(asdict(self)) + "\n", encoding="utf-8")


UNADAPTED = Window(10.0, 1.0)
"""What a Whisper needs that has not been trained with short windows."""


def window_of(folder: Path) -> Window:
    """What the model in ``folder`` was trained with. Raises `ModelError` for a file that says something else."""
    file = folder / FILE
    if not file.is_file():
        return UNADAPTED
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        return Window(float(told["min_s"]), float(told["margin_s"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{file} does not say a window: {error}.",
            code="model_damaged",
            remedy="Run `voicebot models pull` again, or remove the file.",
        ) from error
