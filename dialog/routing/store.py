"""Versions of a trained model on disk: every training adds one, `rollback` goes back to the one before.

<folder>/<kind>/v0001.npz  v0002.npz  …  current      (a line with the version in use)
"""

from dataclasses import dataclass
from pathlib import Path

from dialog.routing.trained import TrainedClassifier
from voicebot.core.errors import DialogError

KINDS = ("category", "type", "department")


@dataclass(frozen=True, slots=True)
class Version:
    """A model that was trained once; ``current`` marks the one in use."""

    name: str
    current: bool
    facts: dict[str, object]


class ModelStore:
    """The versions of one kind of model."""

    def __init__(self, folder: Path, kind: str) -> None:
        self._folder = folder / kind
        self._pointer = self._folder / "current"

    @property
    def current(self) -> str:
        """The version in use; empty when none is."""
        return self._pointer.read_text(encoding="utf-8").strip() if self._pointer.exists() else ""

    def load(self) -> TrainedClassifier | None:
        """The model in use; None before the first training and after rolling back beyond it."""
        return TrainedClassifier.load(self._folder / f"{self.current}.npz")[0] if self.current else None

    def add(self, model: TrainedClassifier, facts: dict[str, object]) -> str:
        """Keep a model as the newest version and use it from the next start on; returns its name."""
        self._folder.mkdir(parents=True, exist_ok=True)
        name = f"v{max((int(p.stem[1:]) for p in self._folder.glob('v*.npz')), default=0) + 1:04d}"
        part = self._folder / f"{name}.part"
        model.save(part, facts)
        part.replace(self._folder / f"{name}.npz")
        self._point(name)
        return name

    def rollback(self) -> str:
        """Use the version before the current one; returns its name, empty for the built-in rules."""
        if not self.current:
            raise DialogError("没有可以回退的训练模型。", code="routing_no_version", remedy="现在用的是内置规则。")
        older = [version.name for version in self.versions() if version.name < self.current]
        self._point(older[-1] if older else "")
        return self.current

    def versions(self) -> tuple[Version, ...]:
        """All versions, oldest first."""
        return tuple(
            Version(path.stem, path.stem == self.current, TrainedClassifier.load(path)[1])
            for path in sorted(self._folder.glob("v*.npz"))
        )

    def _point(self, name: str) -> None:
        part = self._pointer.with_suffix(".part")
        part.write_text(name + "\n", encoding="utf-8")
        part.replace(self._pointer)
