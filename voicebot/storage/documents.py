"""The nouns as JSON and back, without loss. The one place that knows both shapes.

A noun is stored field by field under its own names; a field added later reads as its default from
an old document, and a field that this version does not know is left aside.
"""

import dataclasses
import types
from collections.abc import Hashable, Mapping
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

Noun = TypeVar("Noun")


def to_document(noun: Any) -> dict[str, Any]:
    """A dataclass of `voicebot.core` as a JSON object (str, numbers, bool, None, list, dict only)."""
    return {field.name: plain(getattr(noun, field.name)) for field in dataclasses.fields(noun)}


def from_document(kind: type[Noun], document: Mapping[str, Any]) -> Noun:
    """The dataclass ``kind`` from what `to_document` made; raises ValueError for a value of the wrong kind."""
    hints = _hints(cast(Hashable, kind))
    known = {name: _typed(hints[name], document[name]) for name in hints if name in document}
    return kind(**known)


@cache
def _hints(kind: Hashable) -> dict[str, Any]:
    names = {field.name for field in dataclasses.fields(cast(Any, kind))}
    return {name: hint for name, hint in get_type_hints(cast(Any, kind)).items() if name in names}


def plain(value: Any) -> Any:
    """Any value of a noun in JSON's own kinds."""
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return to_document(value)
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    return value


def _typed(hint: Any, value: Any) -> Any:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        if value is None:
            return None
        (only,) = (part for part in get_args(hint) if part is not types.NoneType)
        return _typed(only, value)
    if origin is tuple:
        return _typed_tuple(get_args(hint), value)
    if isinstance(hint, type):
        if issubclass(hint, StrEnum):
            return hint(value)
        if issubclass(hint, datetime):
            return datetime.fromisoformat(value)
        if dataclasses.is_dataclass(hint):
            return from_document(hint, value)
        if hint is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if hint in (str, int, float, bool) and not isinstance(value, hint):
            raise ValueError(f"expected {hint.__name__}, found {type(value).__name__}")
    return value


def _typed_tuple(parts: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    if len(parts) == 2 and parts[1] is Ellipsis:
        return tuple(_typed(parts[0], item) for item in value)
    return tuple(_typed(part, item) for part, item in zip(parts, value, strict=True))
