"""``voicebot db``: one sentence for every outcome, and an exit code that scripts can use."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from voicebot.cli.database import command
from voicebot.core.errors import ConfigurationError, StorageError
from voicebot.storage.database import Database
from voicebot.storage.schema import head
from voicebot.storage.sealed import read_keys
from voicebot.storage.settings import StorageSettings
from voicebot.storage.stereo_wav import LEFT, StereoWav
from voicebot.storage.tables import recordings


def _run(folder: Path, *words: str, url: str = "") -> Result:
    keys = folder / "keys" / "recordings"
    storage = StorageSettings(
        url=url or f"sqlite:///{folder / 'new' / 'hotline.db'}",
        recordings_folder=folder / "recordings",
        recordings_key_file=keys if keys.exists() else None,
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


def test_a_new_key_goes_in_front_and_nobody_else_can_read_it(tmp_path: Path) -> None:
    file = tmp_path / "keys" / "recordings"
    for _ in range(2):
        result = _run(tmp_path, "recording-key", str(file))
        assert result.exit_code == 0
        assert "recordings_key_file" in result.output
    first, second = file.read_text().splitlines()
    assert first != second
    assert first not in result.output
    assert file.stat().st_mode & 0o077 == 0


def test_an_encrypted_recording_is_saved_as_a_plain_wav(tmp_path: Path) -> None:
    _run(tmp_path, "upgrade")
    _run(tmp_path, "recording-key", str(tmp_path / "keys" / "recordings"))
    path = tmp_path / "recordings" / "2026-03-02" / "call.wav"
    path.parent.mkdir(parents=True)
    with StereoWav(path, read_keys(tmp_path / "keys" / "recordings")) as wav:
        wav.put(LEFT, 0, b"\1\0" * 8000)
    database = Database(StorageSettings(url=f"sqlite:///{tmp_path / 'new' / 'hotline.db'}"))
    row = {"call_id": "call-1", "path": "2026-03-02/call.wav", "started_at": datetime.now(UTC), "state": "complete"}
    asyncio.run(database.write(lambda connection: connection.execute(recordings.insert().values(row))))
    database.close()
    result = _run(tmp_path, "recording", "call-1", str(tmp_path / "out.wav"))
    assert result.exit_code == 0, result.exception
    assert (tmp_path / "out.wav").read_bytes()[:4] == b"RIFF"
    assert len((tmp_path / "out.wav").read_bytes()) == 44 + 4 * 8000
    assert _run(tmp_path, "recording", "call-1", str(tmp_path / "out.wav")).exception is not None
    unknown = _run(tmp_path, "recording", "call-2", str(tmp_path / "other.wav"))
    assert "没有录音" in str(unknown.exception)
