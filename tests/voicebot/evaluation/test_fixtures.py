import hashlib
import tomllib
from pathlib import Path
from typing import Any

import soundfile

FOLDER = Path(__file__).parents[3] / "audio_fixtures"
VOICES = {
    "zf_xiaobei", "zf_xiaoni", "zf_xiaoxiao", "zf_xiaoyi", "zm_yunjian", "zm_yunxi", "zm_yunxia", "zm_yunyang",
}  # fmt: skip


def entries() -> list[dict[str, Any]]:
    files: list[dict[str, Any]] = tomllib.loads((FOLDER / "manifest.toml").read_text("utf-8"))["file"]
    return files


def test_every_file_has_its_pedigree_and_is_what_it_says() -> None:
    listed = {}
    for entry in entries():
        listed[entry["path"]] = hashlib.sha256((FOLDER / entry["path"]).read_bytes()).hexdigest() == entry["sha256"]
        assert entry["licence"], entry["path"]
    assert all(listed.values()), [path for path, right in listed.items() if not right]
    there = {p.relative_to(FOLDER).as_posix() for p in FOLDER.rglob("*.*") if p.parent != FOLDER}
    assert there == set(listed)


def test_recordings_are_telephone_audio() -> None:
    for entry in entries():
        if entry["path"].endswith(".wav"):
            info = soundfile.info(FOLDER / entry["path"])
            assert (info.samplerate, info.channels, info.subtype) == (8000, 1, "ALAW"), entry["path"]


def test_there_are_enough_of_them_and_not_too_much() -> None:
    said = [entry for entry in entries() if entry.get("text")]
    assert len(said) >= 40
    assert {entry["voice"] for entry in said if "voice" in entry} == VOICES
    assert len({entry["conversation"] for entry in said if entry.get("conversation")}) >= 8
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 10_000_000
