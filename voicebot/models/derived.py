"""Models that are made on this machine from others: a builder is a function registered under a name.

The catalogue's entry says ``builder = "name"`` and ``made_from = ["whisper-base"]``; the builder gets the
folders of those models by id and an empty folder to fill. What it writes there is noted with its digests
and moved into place as a whole.
"""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from asr.adaptation import adapters
from asr.adaptation.adapter import merge_adapter
from voicebot.core.errors import ModelError
from voicebot.models.store import BUILT, ModelStore, State, sha256_of

ADAPTERS = Path(adapters.__file__).parent

Builder = Callable[[Mapping[str, Path], Path], None]


def _telephone_zh(sources: Mapping[str, Path], out_dir: Path) -> None:
    """Whisper with what its decoder learnt of telephone Mandarin; the card inside the adapter says from what."""
    merge_adapter(sources["whisper-base"], ADAPTERS / "telephone-zh.npz", out_dir)


BUILDERS: dict[str, Builder] = {"telephone-zh": _telephone_zh}
INGREDIENTS: dict[str, tuple[Path, ...]] = {"telephone-zh": (ADAPTERS / "telephone-zh.npz",)}
"""Builders by name. Registered here, in code: the catalogue is data and runs nothing of its own."""


def build(store: ModelStore, model_id: str) -> None:
    """Make a derived model. Raises `ModelError` when what it is made from is missing."""
    entry = store.entry(model_id)
    builder = BUILDERS.get(entry.builder)
    if builder is None:
        raise ModelError(
            f"模型 {model_id} 的构建方法 {entry.builder} 不存在。",
            code="model_builder_unknown",
            remedy="请升级本程序。",
        )
    sources = {source: store.path(source) for source in entry.made_from}
    draft = store.models_dir / ".staging" / f"{model_id}.draft"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    builder(sources, draft)
    files = [
        {"path": path.relative_to(draft).as_posix(), "size": path.stat().st_size, "sha256": sha256_of(path)}
        for path in sorted(draft.rglob("*"))
        if path.is_file()
    ]
    noted = {"builder": _recipe(entry.builder), "made_from": _digests(store, entry.made_from), "files": files}
    (draft / BUILT).write_text(json.dumps(noted, indent=1), "utf-8")
    shutil.rmtree(store.folder(model_id), ignore_errors=True)
    draft.rename(store.folder(model_id))


def is_current(store: ModelStore, model_id: str) -> bool:
    """Is a derived model there, and made from the models as the catalogue has them now?"""
    if store.look(model_id).state is not State.OK:
        return False
    entry = store.entry(model_id)
    noted = json.loads((store.folder(model_id) / BUILT).read_text("utf-8"))
    return bool(
        noted.get("made_from") == _digests(store, entry.made_from) and noted.get("builder") == _recipe(entry.builder)
    )


def _recipe(builder: str) -> str:
    """A builder's name and what it brings along: another adapter is another recipe."""
    return ":".join([builder, *(sha256_of(path) for path in INGREDIENTS.get(builder, ()))])


def _digests(store: ModelStore, model_ids: tuple[str, ...]) -> dict[str, str]:
    """The listed digests of the models a derived one rests on."""
    return {f"{name}/{file.path}": file.sha256 for name in model_ids for file in store.entry(name).file}
