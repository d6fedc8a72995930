"""Recordings that are encrypted at rest."""

import os
import random
import wave
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicebot.core.errors import ConfigurationError, StorageError
from voicebot.storage.sealed import PAGE_BYTES, Keys, SealedFile, is_sealed, new_key, read_keys
from voicebot.storage.stereo_wav import HEADER_BYTES, LEFT, RIGHT, StereoWav, repair

KEYS = Keys([b"k" * 32])
_SEALED_PAGE = 12 + 2 + PAGE_BYTES + 16
_HEAD = 9 + 8 + 16


def content(path: Path, keys: Keys = KEYS) -> bytes:
    file = SealedFile(path, keys, "r")
    try:
        return file.read(1 << 30)
    finally:
        file.close()


@given(
    st.lists(st.tuples(st.integers(0, 3 * PAGE_BYTES), st.binary(min_size=1, max_size=PAGE_BYTES + 100)), max_size=12),
    st.integers(0, 5),
)
@settings(deadline=None, max_examples=40)
def test_it_holds_what_a_plain_file_would(writes: list[tuple[int, bytes]], flush_every: int) -> None:
    folder = Path(os.environ.get("TMPDIR", "/tmp"))  # noqa: S108  hypothesis forbids a fixture of the function
    path = folder / f"sealed-{random.Random().getrandbits(64):x}"
    file, plain = SealedFile(path, KEYS, "x"), bytearray()
    try:
        for number, (offset, data) in enumerate(writes):
            file.seek(offset)
            file.write(data)
            plain.extend(bytes(max(0, offset + len(data) - len(plain))))
            plain[offset : offset + len(data)] = data
            if flush_every and number % flush_every == 0:
                file.flush()
        assert file.size == len(plain)
        file.close()
        assert content(path) == bytes(plain)
    finally:
        path.unlink()


def a_call(path: Path, keys: Keys | None) -> bytes:
    with StereoWav(path, keys) as wav:
        for second in range(5):
            wav.put(LEFT, 8000 * second, (1000 + second).to_bytes(2, "little") * 8000)
            wav.put(RIGHT, 8000 * second, (3000 + second).to_bytes(2, "little") * 4000)
            wav.flush()
    return path.read_bytes() if keys is None else content(path, keys)


def test_a_sealed_recording_is_the_same_wav_and_nothing_of_it_can_be_read_without_the_key(tmp_path: Path) -> None:
    plain, opened = a_call(tmp_path / "plain.wav", None), a_call(tmp_path / "sealed.wav", KEYS)
    assert opened == plain
    assert is_sealed(tmp_path / "sealed.wav")
    assert not is_sealed(tmp_path / "plain.wav")
    sealed = (tmp_path / "sealed.wav").read_bytes()
    assert b"RIFF" not in sealed
    assert (1000).to_bytes(2, "little") * 20 not in sealed
    with pytest.raises(wave.Error), wave.open(str(tmp_path / "sealed.wav")):
        pass


def test_another_key_does_not_open_it_and_an_old_one_does(tmp_path: Path) -> None:
    a_call(tmp_path / "sealed.wav", KEYS)
    with pytest.raises(StorageError, match="recordings_key_file"):
        SealedFile(tmp_path / "sealed.wav", Keys([b"x" * 32]), "r")
    assert content(tmp_path / "sealed.wav", Keys([b"x" * 32, b"k" * 32]))


@pytest.mark.parametrize("at", [_HEAD + 5, _HEAD + 100, _HEAD + _SEALED_PAGE - 1, _HEAD + _SEALED_PAGE + 50])
def test_a_changed_byte_is_found(tmp_path: Path, at: int) -> None:
    path = tmp_path / "sealed.wav"
    a_call(path, KEYS)
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    with pytest.raises(StorageError):
        content(path)


def test_pages_can_be_neither_swapped_nor_taken_from_another_file(tmp_path: Path) -> None:
    for name in ("one.wav", "two.wav"):
        a_call(tmp_path / name, KEYS)
    one, two = ((tmp_path / name).read_bytes() for name in ("one.wav", "two.wav"))
    page = slice(_HEAD + _SEALED_PAGE, _HEAD + 2 * _SEALED_PAGE)
    swapped = bytearray(one)
    swapped[_HEAD : _HEAD + _SEALED_PAGE], swapped[page] = one[page], one[_HEAD : _HEAD + _SEALED_PAGE]
    foreign = bytearray(one)
    foreign[page] = two[page]
    for data in (swapped, foreign):
        (tmp_path / "one.wav").write_bytes(data)
        with pytest.raises(StorageError):
            content(tmp_path / "one.wav")


def test_a_page_written_twice_never_looks_the_same(tmp_path: Path) -> None:
    file = SealedFile(tmp_path / "sealed", KEYS, "x")
    seen = set()
    for _ in range(5):
        file.seek(0)
        file.write(b"the same words")
        file.flush()
        seen.add((tmp_path / "sealed").read_bytes()[_HEAD:])
    file.close()
    assert len(seen) == 5


@pytest.mark.parametrize("lost", [1, 20, _SEALED_PAGE - 1, _SEALED_PAGE, _SEALED_PAGE + 7])
def test_a_file_whose_writer_died_is_mended_up_to_its_last_whole_page(tmp_path: Path, lost: int) -> None:
    path = tmp_path / "sealed.wav"
    plain = a_call(path, KEYS)
    os.truncate(path, path.stat().st_size - lost)
    seconds = repair(path, KEYS)
    opened = content(path)
    assert opened[HEADER_BYTES:] == plain[HEADER_BYTES : len(opened)]
    assert seconds == (len(opened) - HEADER_BYTES) / 4 / 8000
    assert 5 - 2 * PAGE_BYTES / 32_000 - 1e-9 <= seconds < 5
    assert int.from_bytes(opened[40:44], "little") == len(opened) - HEADER_BYTES


def test_a_torn_first_page_costs_its_half_second_only(tmp_path: Path) -> None:
    path = tmp_path / "sealed.wav"
    a_call(path, KEYS)
    data = bytearray(path.read_bytes())
    data[_HEAD + 40] ^= 1
    path.write_bytes(data)
    assert repair(path, KEYS) == 5
    assert content(path)[:4] == b"RIFF"


def test_keys_are_read_from_a_file_the_newest_first(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    one, two = new_key(), new_key()
    file.write_text(f"# recordings\n{two}\n\n{one}\n")
    a_call(tmp_path / "old.wav", read_keys_of(tmp_path, one))
    assert content(tmp_path / "old.wav", read_keys(file))
    a_call(tmp_path / "new.wav", read_keys(file))
    assert content(tmp_path / "new.wav", read_keys_of(tmp_path, two))


def read_keys_of(folder: Path, *keys: str) -> Keys:
    file = folder / f"keys-{len(keys)}-{keys[0][:4].replace('/', '_')}"
    file.write_text("\n".join(keys))
    return read_keys(file)


@pytest.mark.parametrize("text", ["", "# nothing", "abc", "YWJj", "密钥"])
def test_a_file_that_holds_no_key_is_refused_with_the_remedy(tmp_path: Path, text: str) -> None:
    (tmp_path / "keys").write_text(text)
    with pytest.raises(ConfigurationError, match="recording-key"):
        read_keys(tmp_path / "keys")
    with pytest.raises(ConfigurationError, match="recording-key"):
        read_keys(tmp_path / "absent")
