"""Whisper without the words of ninety other languages: the same texts with a third less work in the decoder.

Each step of the decoder multiplies by the table of all 51,865 tokens, and most of them are Korean, Russian or
rare English. The tied table of embeddings is cut down to Chinese and common English while the model is loaded;
nothing on disk changes. Characters outside GB 2312 go too, which keeps the text in simplified characters: they
can still be spelled byte by byte.
"""

import json
import mmap
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np

_TABLE = b"decoder/embeddings/weight\0"
_PROJECTION = b"decoder/projection/weight\0"
_FLOATS: dict[int, np.dtype[Any]] = {0: np.dtype("<f4"), 4: np.dtype("<f2")}  # CTranslate2's type codes
_ALIAS_BYTES = 4096  # the names of shared tensors stand at the very end of the file
_ENGLISH_TOKENS = 10_000  # byte pairs are numbered by how often they were merged: the first are the common ones
_FIRST_SPECIAL = "<|endoftext|>"
_FIRST_TIME = "<|0.00|>"
_MARKS = " “”‘’—…·"


class Vocabulary(Protocol):
    """Between the token numbers of the tokenizer and those of the model."""

    def to_model(self, tokens: Sequence[int]) -> list[int]:
        """The tokenizer's numbers as the model's."""

    def to_tokenizer(self, tokens: Sequence[int]) -> list[int]:
        """The model's numbers as the tokenizer's."""


class WholeVocabulary:
    """`Vocabulary` of a model that was left as it is."""

    def to_model(self, tokens: Sequence[int]) -> list[int]:
        """The same numbers."""
        return list(tokens)

    def to_tokenizer(self, tokens: Sequence[int]) -> list[int]:
        """The same numbers."""
        return list(tokens)


@dataclass(frozen=True)
class LeanVocabulary:
    """`Vocabulary` of a model cut down to the tokens in ``kept``; ``names`` are those of the whole model."""

    names: Sequence[str]
    kept: Sequence[int]

    def to_model(self, tokens: Sequence[int]) -> list[int]:
        """A token that was cut is spelled by its bytes."""
        numbers: list[int] = []
        for token in tokens:
            if token in self._number:
                numbers.append(self._number[token])
            else:
                numbers.extend(self._number[self._byte_tokens[letter]] for letter in self.names[token])
        return numbers

    def to_tokenizer(self, tokens: Sequence[int]) -> list[int]:
        """Every token of the model is known to the tokenizer."""
        return [self.kept[token] for token in tokens]

    @cached_property
    def _number(self) -> dict[int, int]:
        return {token: number for number, token in enumerate(self.kept)}

    @cached_property
    def _byte_tokens(self) -> dict[str, int]:
        return {name: token for token, name in enumerate(self.names) if len(name) == 1}


def cut_down(folder: Path) -> tuple[dict[str, bytes], LeanVocabulary] | None:
    """The files of the model in ``folder`` with fewer tokens, to be loaded from memory, and the vocabulary.

    None when the model is not built as expected (quantised on disk, untied table, another vocabulary).
    Raises OSError and ValueError for unreadable files.
    """
    names_file = folder / "vocabulary.json"
    if not names_file.is_file():
        return None
    names: list[str] = json.loads(names_file.read_text("utf-8"))
    if not isinstance(names, list) or _FIRST_SPECIAL not in names or _FIRST_TIME not in names:
        return None
    kept = _worth_keeping(names)
    model = _with_fewer_rows(folder / "model.bin", len(names), kept)
    if model is None:
        return None
    vocabulary = LeanVocabulary(names, kept)
    number = {token: at for at, token in enumerate(kept)}
    config = json.loads((folder / "config.json").read_text("utf-8"))
    for key in ("lang_ids", "suppress_ids", "suppress_ids_begin"):
        config[key] = [number[token] for token in config.get(key, ()) if token in number]
    files = {
        "model.bin": model,
        "config.json": json.dumps(config).encode(),
        "vocabulary.json": json.dumps([names[token] for token in kept]).encode(),
    }
    return files, vocabulary


def _with_fewer_rows(path: Path, rows: int, kept: Sequence[int]) -> bytes | None:
    """The model file with only the ``kept`` rows of the table.

    In the file a tensor is its name, u8 rank, u32 for each dimension, u8 type, u32 bytes, the bytes.
    """
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        at = data.find(_TABLE)
        if at < 0 or data.find(_PROJECTION) < len(data) - _ALIAS_BYTES:
            return None
        at += len(_TABLE)
        rank, height, width, kind, size = struct.unpack_from("<BIIBI", data, at)
        if rank != 2 or height != rows or kind not in _FLOATS or size != height * width * _FLOATS[kind].itemsize:
            return None
        first = at + struct.calcsize("<BIIBI")
        table = np.frombuffer(data[first : first + size], _FLOATS[kind]).reshape(height, width)[list(kept)]
        header = struct.pack("<BIIBI", rank, len(kept), width, kind, table.nbytes)
        return bytes(data[:at]) + header + table.tobytes() + bytes(data[first + size :])


def _worth_keeping(names: Sequence[str]) -> list[int]:
    """Numbers of the tokens for Chinese, common English, single bytes and the model's own signs."""
    letters = _letters_of_bytes()
    first_special, first_time = names.index(_FIRST_SPECIAL), names.index(_FIRST_TIME)
    kept: list[int] = []
    english = 0
    for token, name in enumerate(names[:first_special]):
        if not name:
            continue
        spelled = bytes(letters[letter] for letter in name)
        if spelled.isascii():
            english += 1
            if english <= _ENGLISH_TOKENS:
                kept.append(token)
        elif len(name) == 1 or _may_be_chinese(spelled):
            kept.append(token)
    # Times are never decoded; the first one marks where they begin.
    return [*kept, *range(first_special, first_time + 1)]


def _may_be_chinese(spelled: bytes) -> bool:
    try:
        text = spelled.decode()
    except UnicodeDecodeError:  # part of a character: three bytes from U+3000 to U+9FFF or from U+F000 on
        return all(0xE3 <= byte <= 0xE9 or byte == 0xEF for byte in spelled if byte >= 0xC0)
    return all(character in _MARKS or _is_simplified(character) for character in text)


def _is_simplified(character: str) -> bool:
    if not ("\u3000" <= character <= "\u303f" or "\u4e00" <= character <= "\u9fff" or character >= "\uff00"):
        return False
    try:
        character.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def _letters_of_bytes() -> dict[str, int]:
    """The letter that stands for each byte in the names of byte-level tokens (Radford et al. 2019, GPT-2).

    Printable Latin-1 stands for itself; the other bytes, in order, for the letters from U+0100 on.
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + at): byte for at, byte in enumerate(others)}
