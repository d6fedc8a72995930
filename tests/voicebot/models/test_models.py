import hashlib
import json
from pathlib import Path

import pytest

from voicebot.core.errors import ModelError
from voicebot.models import derived
from voicebot.models.catalogue import parse_catalogue
from voicebot.models.progress import Reporter, reporter
from voicebot.models.pull import Puller, PullOptions
from voicebot.models.store import ModelStore, State

CONTENT = b"weights" * 100
CATALOGUE = f"""
[[model]]
id = "ear"
purpose = "hearing"
licence = "MIT"
required = true
[[model.file]]
path = "model.bin"
size = {len(CONTENT)}
sha256 = "{hashlib.sha256(CONTENT).hexdigest()}"

[[model]]
id = "better-ear"
purpose = "hearing better"
licence = "MIT"
required = false
builder = "twice"
made_from = ["ear"]
"""


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelStore:
    def twice(sources: object, draft: Path) -> None:
        (draft / "model.bin").write_bytes(CONTENT * 2)

    monkeypatch.setitem(derived.BUILDERS, "twice", twice)
    return ModelStore(tmp_path / "models", parse_catalogue(CATALOGUE))


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    """A folder that was carried here."""
    folder = tmp_path / "stick" / "ear"
    folder.mkdir(parents=True)
    (folder / "model.bin").write_bytes(CONTENT)
    return folder.parent


def quiet() -> Reporter:
    return reporter()


def pull(store: ModelStore, *folders: Path) -> tuple[str, ...]:
    return Puller(store, PullOptions(folders=folders, hubs=False, packages=False), quiet()).pull()


def test_models_come_from_a_folder_and_derived_ones_are_made(store: ModelStore, stick: Path) -> None:
    assert pull(store, stick) == ()
    assert (store.path("ear") / "model.bin").read_bytes() == CONTENT
    assert (store.path("better-ear") / "model.bin").read_bytes() == CONTENT * 2
    assert store.look("better-ear", thorough=True).state is State.OK
    assert json.loads((store.folder("better-ear") / "built.json").read_text("utf-8"))["files"]


def test_a_model_that_is_nowhere_is_said_so_with_the_remedy(store: ModelStore) -> None:
    with pytest.raises(ModelError) as caught:
        pull(store)
    assert caught.value.remedy
    with pytest.raises(ModelError, match="voicebot models pull"):
        store.path("ear")
    assert store.look("ear").state is State.MISSING


def test_a_damaged_file_is_found_and_replaced(store: ModelStore, stick: Path) -> None:
    pull(store, stick)
    file = store.folder("ear") / "model.bin"
    file.write_bytes(b"X" + CONTENT[1:])
    assert store.look("ear").state is State.OK  # the quick look goes by size
    assert store.look("ear", thorough=True).state is State.DAMAGED
    pull(store, stick)
    assert file.read_bytes() == CONTENT


def test_a_folder_with_other_content_is_not_taken(store: ModelStore, stick: Path) -> None:
    (stick / "ear" / "model.bin").write_bytes(b"Y" * len(CONTENT))
    with pytest.raises(ModelError):
        pull(store, stick)
    assert not (store.folder("ear") / "model.bin").exists()


def test_an_unknown_model_is_refused_with_those_there_are(store: ModelStore) -> None:
    with pytest.raises(ModelError, match="ear"):
        store.path("nose")


def test_the_shipped_catalogue_names_what_the_service_needs() -> None:
    entries = {entry.id: entry for entry in ModelStore(Path("nowhere")).catalogue.model}
    assert {name for name, entry in entries.items() if entry.required} >= {"whisper-base", "kokoro"}
    assert all(entry.builder in derived.BUILDERS for entry in entries.values() if entry.builder)
    assert all(len(file.sha256) == 64 for entry in entries.values() for file in entry.file)
