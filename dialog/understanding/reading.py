"""What an optional language model read out of a caller's words, and the check that lets no invented word through.

The model may only copy. ``location``, ``time`` and ``demand`` must stand in one of the caller's sentences as they are;
``gist`` must be what is left of one sentence when characters are left out, with every negation in between kept.
"""

import json
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from typing import Any

_MARKS = re.compile(r"[\s，。！？、；：,.!?;:…“”\"'《》（）()—-]+")
_NEGATIONS = frozenset("不没未无别非勿")
_LONGEST_GIST = 24
_LONGEST = 60
_SHORTEST, _SHORTEST_PLACE = 2, 3


@dataclass(frozen=True, slots=True)
class Reading:
    """Fields as the caller said them; "" where nothing was said. ``refused`` names fields that did not pass."""

    location: str = ""
    time: str = ""
    demand: str = ""
    gist: str = ""
    refused: tuple[str, ...] = ()


NAMES = tuple(field.name for field in fields(Reading) if field.name != "refused")

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        name: {"type": "string", "maxLength": _LONGEST_GIST if name == "gist" else _LONGEST} for name in NAMES
    },
    "required": list(NAMES),
    "additionalProperties": False,
}
"""JSON schema of an answer."""


@cache
def instructions() -> str:
    """What the model is told before the caller's words."""
    return str(tomllib.loads((files(__package__) / "reading.toml").read_text("utf-8"))["instructions"])


def checked(answer: str, said: Sequence[str]) -> Reading:
    """What of an answer is to be believed. Raises `ValueError` when it is not the object that was asked for."""
    found = json.loads(answer)
    if not isinstance(found, dict) or not all(isinstance(found.get(name, ""), str) for name in NAMES):
        raise ValueError("not an object of strings")
    kept, refused = {}, []
    for name in NAMES:
        value = found.get(name, "").strip()
        if not _bare(value):
            continue
        if name == "location" and len(_bare(value)) < _SHORTEST_PLACE:
            refused.append(name)  # 小区 is no place
            continue
        passes = _is_gist if name == "gist" else _is_copied
        if any(passes(_bare(value), _bare(sentence)) for sentence in said):
            kept[name] = value
        else:
            refused.append(name)
    return Reading(**kept, refused=tuple(refused))


def sentence_of(words: str, said: Sequence[str]) -> str:
    """The sentence in which the words stand; "" when there is none."""
    return next((sentence for sentence in said if _bare(words) in _bare(sentence)), "")


def _bare(text: str) -> str:
    return _MARKS.sub("", text)


def _is_copied(value: str, sentence: str) -> bool:
    return _SHORTEST <= len(value) <= _LONGEST and value in sentence


def _is_gist(value: str, sentence: str) -> bool:
    if not _SHORTEST <= len(value) <= _LONGEST_GIST:
        return False
    at, left_out = -1, 0
    for character in value:
        following = sentence.find(character, at + 1)
        if following < 0:
            return False
        if at >= 0:
            left_out += sum(one in _NEGATIONS for one in sentence[at + 1 : following])
        at = following
    return not left_out
