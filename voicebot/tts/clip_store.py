"""Spoken clauses on disk: A-law files under a key, bounded in size, whole or not there."""

import hashlib
import os
import tempfile
from pathlib import Path

from voicebot.audio.g711 import decode_a_law, encode_a_law
from voicebot.core.errors import StorageError

_MAGIC = b"HVC1"
_DIGEST_BYTES = 16


class ClipStore:
    """A folder of clips of at most ``limit_bytes``; what was used longest ago goes first.

    A clip is 8 kHz A-law (what the line sends anyway) behind a digest of itself, so a damaged file is
    found and counts as absent. Every method reads or writes files: call it from a thread.
    """

    def __init__(self, folder: Path, limit_bytes: int):
        self._folder = folder
        self._limit = limit_bytes
        self._size = 0

    def open(self) -> None:
        """Make the folder and count what is there. Raises `StorageError`."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._size = sum(path.stat().st_size for path in self._folder.glob("*.alaw"))
        except OSError as error:
            raise StorageError(
                f"语音缓存目录 {self._folder} 无法使用：{error.strerror}。",
                code="voice_cache_unusable",
                remedy="请检查目录权限与磁盘空间。",
            ) from error

    def read(self, key: str) -> bytes | None:
        """PCM of a clip, None when there is none or it is damaged (a damaged file is removed)."""
        path = self._folder / f"{key}.alaw"
        try:
            content = path.read_bytes()
            os.utime(path)  # used just now
        except OSError:
            return None
        head = len(_MAGIC) + _DIGEST_BYTES
        coded = content[head:]
        if content[:head] != _MAGIC + _digest(coded):
            path.unlink(missing_ok=True)
            return None
        return decode_a_law(coded)

    def write(self, key: str, pcm: bytes) -> None:
        """Keep a clip; makes room first. Raises `StorageError`, and then nothing half-written stays."""
        coded = encode_a_law(pcm)
        content = _MAGIC + _digest(coded) + coded
        try:
            self._make_room(len(content))
            with tempfile.NamedTemporaryFile(dir=self._folder, suffix=".part", delete=False) as part:
                try:
                    part.write(content)
                    part.close()
                    os.replace(part.name, self._folder / f"{key}.alaw")
                except OSError:
                    Path(part.name).unlink(missing_ok=True)
                    raise
        except OSError as error:
            raise StorageError(
                f"语音缓存写不进 {self._folder}：{error.strerror}。", code="voice_cache_full", remedy="请检查磁盘空间。"
            ) from error
        self._size += len(content)

    def _make_room(self, wanted: int) -> None:
        """Remove the longest unused clips until ``wanted`` bytes fit; a tenth more, so that it is rare."""
        if self._size + wanted <= self._limit:
            return
        clips = sorted((path.stat().st_mtime_ns, path.stat().st_size, path) for path in self._folder.glob("*.alaw"))
        self._size = sum(size for _, size, _ in clips)
        for _, size, path in clips:
            if self._size + wanted <= self._limit * 0.9:
                break
            path.unlink(missing_ok=True)
            self._size -= size


def _digest(coded: bytes) -> bytes:
    return hashlib.blake2b(coded, digest_size=_DIGEST_BYTES).digest()
