"""Where files of models come from. A source says which of the wanted files it has, and brings them.

What a source brings is only a candidate: `voicebot.models.pull` checks size and sha256 of everything.
"""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from voicebot.models.catalogue import ModelFile
from voicebot.models.progress import Reporter


class SourceUnavailable(Exception):  # noqa: N818  an answer, not a fault
    """A source cannot help; the message is one sentence that says why."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A file that a source has put at ``path``, inside staging."""

    file: ModelFile
    path: Path


class Source(Protocol):
    """A place that has files of one model."""

    @property
    def name(self) -> str:
        """What to call it in a sentence."""

    def offers(self, file: ModelFile) -> bool:
        """May this file be had here?"""

    def fetch(self, files: Sequence[ModelFile], staging: Path, report: Reporter) -> Iterator[Delivery]:
        """Bring files, one after the other, by way of the folder ``staging``, which survives a broken run.

        Raises `SourceUnavailable`.
        """


class FolderSource:
    """A folder on this machine: as `voicebot models pull --offline` lays it, or all files side by side."""

    def __init__(self, folder: Path, model_id: str):
        self._folder = folder
        self._model_id = model_id

    @property
    def name(self) -> str:
        """The folder."""
        return f"本地目录 {self._folder}"

    def _find(self, file: ModelFile) -> Path | None:
        for path in (
            self._folder / self._model_id / file.path,
            self._folder / file.path,
            self._folder / Path(file.path).name,
        ):
            if path.is_file() and path.stat().st_size == file.size:
                return path
        return None

    def offers(self, file: ModelFile) -> bool:
        """Is there a file of that name and size?"""
        return self._find(file) is not None

    def fetch(self, files: Sequence[ModelFile], staging: Path, report: Reporter) -> Iterator[Delivery]:
        """Copy the files into staging."""
        for file in files:
            path = self._find(file)
            if path is None:
                continue
            copy = staging / file.path
            copy.parent.mkdir(parents=True, exist_ok=True)
            with report.bar(file.path, file.size) as bar:
                shutil.copyfile(path, copy)
                bar.at(file.size)
            yield Delivery(file, copy)
