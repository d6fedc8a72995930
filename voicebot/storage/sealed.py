"""A file that is encrypted page by page and can be changed in the middle: a recording while the call goes on.

Each page of `PAGE_BYTES` is sealed by itself with AES-256-GCM (NIST SP 800-38D) under a fresh random nonce whenever it
is written; its number and the file's own random id are authenticated with it, so that pages can be neither changed
nor moved nor taken from another file. Layout: `_MAGIC`, 8 bytes that name the key, 16 bytes of file id; then for each
page a nonce of 12 bytes, 2 + `PAGE_BYTES` encrypted bytes (how many are used, and they), a tag of 16 bytes.
"""

import base64
import binascii
import hashlib
import os
from collections.abc import Iterable
from io import SEEK_SET
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from voicebot.core.errors import ConfigurationError, StorageError

PAGE_BYTES = 16_384
_MAGIC = b"HVSEALED1"
_NAME_BYTES, _ID_BYTES, _NONCE_BYTES, _TAG_BYTES, _USED_BYTES = 8, 16, 12, 16, 2
_HEAD_BYTES = len(_MAGIC) + _NAME_BYTES + _ID_BYTES
_SEALED_BYTES = _NONCE_BYTES + _USED_BYTES + PAGE_BYTES + _TAG_BYTES
_KEY_BYTES = 32
_CACHED = 4  # pages held open: the head of the file and its end


class Keys:
    """The keys of the recordings: the first one seals, all of them open."""

    def __init__(self, keys: Iterable[bytes]):
        self._keys = {hashlib.sha256(key).digest()[:_NAME_BYTES]: key for key in keys}
        self.newest = next(iter(self._keys), b"")

    def cipher(self, name: bytes, file_id: bytes) -> AESGCM:
        """The cipher of one file, with a key of its own (HKDF, RFC 5869), so that no nonce can ever meet its twin.

        Raises `StorageError` for a key that is not there.
        """
        if name not in self._keys:
            raise StorageError(
                "这份录音是用另一把密钥加密的。",
                code="recording_key_missing",
                remedy="请把当时的密钥加进 storage.recordings_key_file（一行一把，最前面的用来加密）。",
                retryable=False,
            )
        own = HKDF(hashes.SHA256(), _KEY_BYTES, salt=file_id, info=_MAGIC).derive(self._keys[name])
        return AESGCM(own)


def read_keys(file: Path) -> Keys:
    """One key a line, 32 bytes in base64; empty lines and those with # pass. Raises `ConfigurationError`."""
    remedy = "请用 voicebot db recording-key 文件 生成一把。"
    try:
        lines = [line.strip() for line in file.read_text("ascii").splitlines()]
        keys = [base64.b64decode(line, validate=True) for line in lines if line and not line.startswith("#")]
    except (OSError, UnicodeDecodeError, binascii.Error) as error:
        raise ConfigurationError(f"录音密钥 {file} 读不了：{error}。", code="recording_key", remedy=remedy) from error
    if not keys or any(len(key) != _KEY_BYTES for key in keys):
        raise ConfigurationError(
            f"录音密钥 {file} 里每行应是 {_KEY_BYTES} 字节的 base64。", code="recording_key", remedy=remedy
        )
    return Keys(keys)


def new_key() -> str:
    """A key as a line of the file."""
    return base64.b64encode(os.urandom(_KEY_BYTES)).decode()


def is_sealed(path: Path) -> bool:
    """Is the file encrypted?"""
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


class SealedFile:
    """The part of a binary file that a growing WAV needs, and reading. Blocking; not thread-safe.

    Raises `StorageError` when a page was changed by somebody else or its key is not there. ``keys`` must hold the
    file's own.
    """

    def __init__(self, path: Path, keys: Keys, mode: str):
        """``mode``: ``x`` makes a new file, ``r+`` changes one, ``r`` reads one."""
        self._file = path.open({"x": "xb+", "r+": "rb+", "r": "rb"}[mode])
        if mode == "x":
            self._name, self._id = keys.newest, os.urandom(_ID_BYTES)
            self._file.write(_MAGIC + self._name + self._id)
        else:
            head = self._file.read(_HEAD_BYTES)
            self._name, self._id = head[len(_MAGIC) : -_ID_BYTES], head[-_ID_BYTES:]
        try:
            self._cipher = keys.cipher(self._name, self._id)
        except StorageError:
            self._file.close()
            raise
        self._pages: dict[int, bytearray] = {}
        self._dirty: set[int] = set()
        self._at = 0
        self._written_pages = max(0, path.stat().st_size - _HEAD_BYTES) // _SEALED_BYTES if mode != "x" else 0

    @property
    def closed(self) -> bool:
        """Is it?"""
        return self._file.closed

    def fileno(self) -> int:
        """For fsync."""
        return self._file.fileno()

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        """Go to a byte of the plain content."""
        assert whence == SEEK_SET  # noqa: S101  nothing else is needed
        self._at = offset
        return offset

    def write(self, data: bytes) -> int:
        """Write at the place, which moves on; a hole before it reads as zeros."""
        rest = memoryview(data)
        while rest:
            number, within = divmod(self._at, PAGE_BYTES)
            last = self._pages_now - 1
            if 0 <= last < number:  # only the last page may be short
                self._page(last).extend(bytes(PAGE_BYTES - len(self._page(last))))
                self._dirty.add(last)
            page = self._page(number)
            piece = rest[: PAGE_BYTES - within]
            if len(page) < within:
                page.extend(bytes(within - len(page)))
            page[within : within + len(piece)] = piece
            self._dirty.add(number)
            self._at += len(piece)
            rest = rest[len(piece) :]
        return len(data)

    def read(self, count: int) -> bytes:
        """Up to ``count`` bytes from the place, which moves on."""
        found = bytearray()
        while len(found) < count:
            number, within = divmod(self._at, PAGE_BYTES)
            piece = self._page(number)[within : within + count - len(found)] if number < self._pages_now else b""
            if not piece:
                break
            found += piece
            self._at += len(piece)
        return bytes(found)

    @property
    def size(self) -> int:
        """Bytes of plain content."""
        last = self._pages_now - 1
        return 0 if last < 0 else last * PAGE_BYTES + len(self._page(last))

    def truncate(self, size: int) -> None:
        """Drop what lies behind ``size``."""
        number, within = divmod(size, PAGE_BYTES)
        keep = number + (within > 0)
        if within:
            del self._page(number)[within:]
            self._dirty.add(number)
        self._pages = {at: page for at, page in self._pages.items() if at < keep}
        self._dirty = {at for at in self._dirty if at < keep}
        self._written_pages = min(self._written_pages, keep)
        self._file.truncate(_HEAD_BYTES + keep * _SEALED_BYTES)

    def mend(self) -> None:
        """After its writer died: drop torn pages at the end; a torn first page is replaced by zeros."""
        while self._written_pages > 0 and not self._is_whole(self._written_pages - 1):
            self._written_pages -= 1
        self._file.truncate(_HEAD_BYTES + self._written_pages * _SEALED_BYTES)
        if self._written_pages > 1 and not self._is_whole(0):
            self._pages[0] = bytearray(PAGE_BYTES)
            self._dirty.add(0)

    def _is_whole(self, number: int) -> bool:
        try:
            self._load(number)
        except StorageError:
            return False
        return True

    def flush(self) -> None:
        """Seal and write what changed."""
        for number in sorted(self._dirty):
            while self._written_pages < number:  # a hole: pages that were never touched
                self._store(self._written_pages, bytearray(PAGE_BYTES))
            self._store(number, self._pages[number])
        self._dirty.clear()
        for number in sorted(self._pages)[1:-2]:
            del self._pages[number]
        self._file.flush()

    def close(self) -> None:
        """Flush and let go."""
        if not self._file.closed:
            try:
                if self._file.writable():
                    self.flush()
            finally:
                self._file.close()

    @property
    def _pages_now(self) -> int:
        return max(self._written_pages, max(self._pages, default=-1) + 1)

    def _page(self, number: int) -> bytearray:
        if number not in self._pages:
            if len(self._pages) >= _CACHED and not self._dirty:
                self._pages.clear()
            hole = number < self._pages_now  # and was never written
            self._pages[number] = (
                self._load(number) if number < self._written_pages else bytearray(PAGE_BYTES if hole else 0)
            )
        return self._pages[number]

    def _load(self, number: int) -> bytearray:
        self._file.seek(_HEAD_BYTES + number * _SEALED_BYTES)
        sealed = self._file.read(_SEALED_BYTES)
        try:
            plain = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], self._bound_to(number))
        except (InvalidTag, ValueError) as error:
            raise StorageError(
                "这份录音被改动过，或已损坏。", code="recording_damaged", remedy="请从备份恢复。", retryable=False
            ) from error
        used = int.from_bytes(plain[:_USED_BYTES], "big")
        return bytearray(plain[_USED_BYTES : _USED_BYTES + used])

    def _store(self, number: int, page: bytearray) -> None:
        nonce = os.urandom(_NONCE_BYTES)
        plain = len(page).to_bytes(_USED_BYTES, "big") + bytes(page).ljust(PAGE_BYTES, b"\0")
        self._file.seek(_HEAD_BYTES + number * _SEALED_BYTES)
        self._file.write(nonce + self._cipher.encrypt(nonce, plain, self._bound_to(number)))
        self._written_pages = max(self._written_pages, number + 1)

    def _bound_to(self, number: int) -> bytes:
        return self._id + number.to_bytes(8, "big")
