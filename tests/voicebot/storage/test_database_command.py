"""``voicebot db``: one sentence for every outcome, and an exit code that scripts can use."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from voicebot.cli.database import command
from voicebot.core.errors import ConfigurationError, StorageError
from voicebot.storage.schema import head
from voicebot.storage.settings import StorageSettings


def _run(folder: Path, *words: str, url: str = "") -> Result:
    storage = StorageSettings(
        url=url or f"sqlite:///{folder / 'new' / 'hotline.db'}", recordings_folder=folder / "recordings"
    )
    return CliRunner().invoke(command, words, obj=SimpleNamespace(storage=storage))


def test_upgrade_makes_the_database_and_says_so(tmp_path: Path) -> None:
    first = _run(tmp_path, "upgrade")
    assert first.exit_code == 0
    assert f"已从 空库 升级到 {head()} 版" in first.output
    assert "无需升级" in _run(tmp_path, "upgrade").output
    assert "正常" in _run(tmp_path, "check").output


def test_checking_a_database_that_is_not_there_tells_the_remedy_and_makes_nothing(tmp_path: Path) -> None:
    result = _run(tmp_path, "check")
    assert result.exit_code != 0
    assert isinstance(result.exception, StorageError)
    assert "voicebot db upgrade" in str(result.exception)
    assert not (tmp_path / "new").exists()


def test_a_wrong_url_is_told(tmp_path: Path) -> None:
    result = _run(tmp_path, "upgrade", url="oracle://host/name")
    assert isinstance(result.exception, ConfigurationError)
    assert "sqlite:///" in str(result.exception)


@pytest.mark.parametrize(("words", "told"), [(("--dry-run",), "将删除：录音 1 份"), ((), "已删除：录音 1 份")])
def test_retention_tells_what_went(tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    _run(tmp_path, "upgrade")
    old = tmp_path / "recordings" / "2020-01-01" / "120000-call.wav"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"RIFF")
    result = _run(tmp_path, "retention", *words)
    assert result.exit_code == 0
    assert told in result.output
    assert old.exists() == bool(words)
