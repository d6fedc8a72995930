"""CTranslate2's ``model.bin``, read and rewritten variable by variable with numpy alone.

The layout (version 6, little endian): u32 version; string spec name; u32 spec revision; u32 count; then for
each variable: string name, u8 rank, u32 for each dimension, u8 data type, u32 bytes, the bytes; then u32
alias count and pairs of strings. A string is u16 length, the bytes, a zero that the length counts.
Source: ``ctranslate2/specs/model_spec.py`` of CTranslate2 4.x.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from voicebot.core.errors import ModelError

_TYPES: dict[int, type[Any]] = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}
_VERSION = 6

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Variable:
    """One tensor as it stands in the file; ``at`` and ``length`` place its bytes."""

    name: str
    shape: tuple[int, ...]
    type_code: int
    at: int
    length: int


class Ct2File:
    """A model file, opened by its table of contents; tensors are read when asked for. Raises `ModelError`."""

    def __init__(self, path: Path):
        self.path = path
        try:
            with path.open("rb") as stream:
                self._variables = {variable.name: variable for variable in _contents(stream)}
        except (OSError, struct.error, UnicodeDecodeError) as error:
            raise ModelError(
                f"{path} cannot be read as a CTranslate2 model: {error}.",
                code="model_unreadable",
                remedy="Fetch the base model again with `voicebot models pull`.",
            ) from error

    def names(self) -> tuple[str, ...]:
        """Names of all tensors, in the file's order."""
        return tuple(self._variables)

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a tensor."""
        return self._variables[name].shape

    def is_float16(self, name: str) -> bool:
        """Is the tensor stored in 16-bit floats?"""
        return _TYPES.get(self._variables[name].type_code) is np.float16

    def read(self, name: str) -> Array:
        """A tensor, in the type it is stored in. Raises KeyError."""
        variable = self._variables[name]
        with self.path.open("rb") as stream:
            stream.seek(variable.at)
            data = stream.read(variable.length)
        return np.frombuffer(data, _TYPES[variable.type_code]).reshape(variable.shape)

    def rewrite(self, target: Path, change: Callable[[str, Array], Array | None]) -> int:
        """Copy the file to ``target`` with tensors replaced where ``change`` returns one; returns how many were.

        A replacement must have the shape of the original and is stored in its type. ``target`` appears whole
        or not at all.
        """
        changed = 0
        partial = target.with_suffix(".partial")
        with self.path.open("rb") as source, partial.open("wb") as out:
            for variable in self._variables.values():
                out.write(source.read(variable.at - source.tell()))
                data = source.read(variable.length)
                dtype = _TYPES.get(variable.type_code)
                if dtype is not None:
                    tensor = change(variable.name, np.frombuffer(data, dtype).reshape(variable.shape))
                    if tensor is not None:
                        if tensor.shape != variable.shape:
                            raise ValueError(f"{variable.name} has shape {variable.shape}, not {tensor.shape}")
                        data, changed = tensor.astype(dtype).tobytes(), changed + 1
                out.write(data)
            out.write(source.read())
        partial.replace(target)
        return changed


def _contents(stream: BinaryIO) -> Iterator[Variable]:
    version = _number(stream, "I")
    if version != _VERSION:
        raise ModelError(
            f"The CTranslate2 file has version {version}, not {_VERSION}.",
            code="model_version",
            remedy="Convert the model again with ctranslate2 4.x.",
        )
    _string(stream)
    _number(stream, "I")
    for _ in range(_number(stream, "I")):
        name = _string(stream)
        shape = tuple(_number(stream, "I") for _ in range(_number(stream, "B")))
        type_code, length = _number(stream, "B"), _number(stream, "I")
        yield Variable(name, shape, type_code, stream.tell(), length)
        stream.seek(length, 1)


def _number(stream: BinaryIO, form: str) -> int:
    size = struct.calcsize("<" + form)
    return int(struct.unpack("<" + form, stream.read(size))[0])


def _string(stream: BinaryIO) -> str:
    return stream.read(_number(stream, "H"))[:-1].decode("utf-8")
