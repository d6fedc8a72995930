"""The folder of models: which are there, which are whole."""

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from voicebot.core.errors import ModelError
from voicebot.models.catalogue import Catalogue, ModelEntry, ModelFile, built_in

REMEDY = "请运行：voicebot models pull"
BUILT = "built.json"
"""In a derived model's folder: the size and sha256 of each of its files, noted when they were made."""


class State(StrEnum):
    """What can be said of a model's files."""

    OK = "ok"
    MISSING = "missing"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class Finding:
    """A model's state; ``missing`` and ``damaged`` name its files."""

    entry: ModelEntry
    state: State
    missing: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()


def sha256_of(path: Path) -> str:
    """Digest of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class ModelStore:
    """Models under ``models_dir``, one folder each, named by id."""

    def __init__(self, models_dir: Path, catalogue: Catalogue | None = None):
        self.models_dir = models_dir.resolve()  # clients are run in folders of their own
        self.catalogue = catalogue or built_in()

    def path(self, model_id: str) -> Path:
        """Folder of a model whose files are all there in their right size.

        Raises `ModelError` (``model_missing``, ``model_damaged``) with the remedy. Reads no content: quick.
        """
        finding = self.look(model_id)
        if finding.state is State.MISSING:
            missing = f"，缺 {'、'.join(finding.missing)}" if finding.missing else ""
            raise ModelError(
                f"模型 {model_id} 不完整（{self.folder(model_id)}{missing}）。", code="model_missing", remedy=REMEDY
            )
        if finding.state is State.DAMAGED:
            raise ModelError(
                f"模型 {model_id} 的文件已损坏：{'、'.join(finding.damaged)}。", code="model_damaged", remedy=REMEDY
            )
        return self.folder(model_id)

    def folder(self, model_id: str) -> Path:
        """Where a model lies or would lie."""
        return self.models_dir / model_id

    def look(self, model_id: str, *, thorough: bool = False) -> Finding:
        """Compare a model's files with the catalogue: sizes, and digests when ``thorough``."""
        entry = self.entry(model_id)
        files = self._expected(entry)
        missing, damaged = [], []
        for file in files:
            path = self.folder(model_id) / file.path
            if not path.is_file():
                missing.append(file.path)
            elif path.stat().st_size != file.size or (thorough and sha256_of(path) != file.sha256):
                damaged.append(file.path)
        state = State.MISSING if missing or not files else State.DAMAGED if damaged else State.OK
        return Finding(entry, state, tuple(missing), tuple(damaged))

    def entry(self, model_id: str) -> ModelEntry:
        """The catalogue's entry. Raises `ModelError` for an unknown id."""
        entry = self.catalogue.find(model_id)
        if entry is None:
            known = "、".join(entry.id for entry in self.catalogue.model)
            raise ModelError(f"目录里没有模型 {model_id}。", code="model_unknown", remedy=f"可选：{known}。")
        return entry

    def _expected(self, entry: ModelEntry) -> tuple[ModelFile, ...]:
        if not entry.builder:
            return entry.file
        try:
            noted = json.loads((self.folder(entry.id) / BUILT).read_text("utf-8"))
            return tuple(ModelFile.model_validate(file) for file in noted["files"])
        except (OSError, ValueError, KeyError):
            return ()  # not built, or not to the end
