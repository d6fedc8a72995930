"""Reads dialect packs from TOML and says, with file and line, what is wrong with one."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from asr.dialects.pack import DialectPack, DialectWord, EnginePreference
from asr.phonetics.confusions import symmetric
from asr.settings import EngineName
from voicebot.core.errors import ConfigurationError

PACKS_DIR = Path(__file__).parent / "packs"
BASE = "mandarin"

_KEYS = {"title", "called", "language", "engines", "engine_prompt", "seat_skill", "sounds", "words", "prompts"}
_SOUNDS = ("initials", "finals", "syllables")
_PROMPTS = {"switched", "hand_over"}
_ENGINES = get_args(EngineName)
_SOUND = re.compile(r"[a-zv]*")
_BRACE = re.compile(r"[{}]")


class _Problems:
    """Collects what is wrong, each with the line where the thing stands."""

    def __init__(self, path: Path, text: str):
        self._path = path
        self._lines = text.splitlines()
        self.found: list[str] = []

    def add(self, near: str, what: str, occurrence: int = 0) -> None:
        """``near`` is a piece of text on the line to name; without it on any line, the first line is named."""
        at = [number for number, line in enumerate(self._lines, 1) if near in line]
        line = at[min(occurrence, len(at) - 1)] if at else 1
        self.found.append(f"{self._path}:{line}: {what}")


def load_packs(folder: Path = PACKS_DIR) -> dict[str, DialectPack]:
    """Every pack of a folder by name (the file's stem); one of them has to be "mandarin".

    Raises `ConfigurationError` that lists every problem as ``file:line: what``.
    """
    paths = sorted(folder.glob("*.toml"), key=lambda path: path.stem != BASE)
    if not paths or paths[0].stem != BASE:
        raise _error((f"{folder}: there is no {BASE}.toml, from which the other packs start",))
    packs: dict[str, DialectPack] = {}
    problems: list[str] = []
    for path in paths:
        text = path.read_text("utf-8")
        found = _Problems(path, text)
        try:
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            line = re.search(r"line (\d+)", str(error))
            problems.append(f"{path}:{line[1] if line else 1}: {error}")
            continue
        pack = _pack(path.stem, data, packs.get(BASE), found)
        problems += found.found
        packs[path.stem] = pack
    if problems:
        raise _error(tuple(problems))
    return packs


def _pack(name: str, data: Mapping[str, Any], base: DialectPack | None, problems: _Problems) -> DialectPack:
    for key in sorted(set(data) - _KEYS):
        problems.add(key, f'"{key}" is not a key of a dialect pack; there are {", ".join(sorted(_KEYS))}')
    sounds = data.get("sounds", {})
    for key in sorted(set(sounds) - set(_SOUNDS)):
        problems.add(key, f'"{key}" is not a kind of sound; there are {", ".join(_SOUNDS)}')
    costs = {kind: symmetric(_pairs(kind, sounds.get(kind, []), problems)) for kind in _SOUNDS}
    if base is not None:
        inherited = {"initials": base.initials, "finals": base.finals, "syllables": base.syllables}
        costs = {kind: {**inherited[kind], **costs[kind]} for kind in _SOUNDS}
    prompts = data.get("prompts", {})
    for key in sorted(set(prompts) - _PROMPTS):
        problems.add(key, f'"{key}" is not a prompt; there are {", ".join(sorted(_PROMPTS))}')
    for key, words in prompts.items():
        if _BRACE.search(str(words).replace("{title}", "")):
            problems.add(f"{key} =", f'"{key}" has braces for something other than {{title}}')
    return DialectPack(
        name=name,
        title=_text(data, "title", problems),
        called=_texts(data, "called", problems),
        language=_text(data, "language", problems),
        engines=tuple(_engines(data.get("engines", []), problems)),
        engine_prompt=_text(data, "engine_prompt", problems),
        seat_skill=_text(data, "seat_skill", problems),
        initials=costs["initials"],
        finals=costs["finals"],
        syllables=costs["syllables"],
        words=tuple(_words(data.get("words", []), problems)),
        prompts={**(base.prompts if base else {}), **{key: str(value) for key, value in prompts.items()}},
    )


def _text(data: Mapping[str, Any], key: str, problems: _Problems) -> str:
    value = data.get(key)
    if not isinstance(value, str) or not value:
        problems.add(f"{key} =", f'"{key}" has to be a text that is not empty')
        return ""
    return value


def _texts(data: Mapping[str, Any], key: str, problems: _Problems) -> tuple[str, ...]:
    value = data.get(key)
    if not isinstance(value, list) or not all(isinstance(text, str) and text for text in value):
        problems.add(f"{key} =", f'"{key}" has to be a list of texts')
        return ()
    return tuple(value)


def _engines(rows: Any, problems: _Problems) -> Iterator[EnginePreference]:
    for row in rows if isinstance(rows, list) else [rows]:
        match row:
            case {"engine": str(engine), **rest} if engine in _ENGINES and set(rest) <= {"model"}:
                yield EnginePreference(engine, str(rest.get("model", "")))
            case _:
                problems.add(
                    "engines =", f'{row!r} has to be like {{ engine = "funasr", model = "iic/SenseVoiceSmall" }}'
                )


def _pairs(kind: str, rows: Any, problems: _Problems) -> Iterator[tuple[str, str, float]]:
    for row in rows if isinstance(rows, list) else [rows]:
        match row:
            case [str(one), str(other), float(cost) | int(cost)] if (
                _SOUND.fullmatch(one) and _SOUND.fullmatch(other) and one != other and cost > 0
            ):
                yield one, other, float(cost)
            case _:
                near = f'"{row[0]}", "{row[1]}"' if isinstance(row, list) and len(row) > 1 else kind
                problems.add(
                    near, f'{kind}: {row!r} has to be [sound, other sound, cost above 0], like ["l", "n", 1.0]'
                )


def _words(rows: Any, problems: _Problems) -> Iterator[DialectWord]:
    for index, row in enumerate(rows if isinstance(rows, list) else [rows]):
        fields = dict(row) if isinstance(row, dict) else {}
        unknown = sorted(set(fields) - {"word", "mandarin", "before", "after", "evidence"})
        word = fields.get("word")
        if unknown or not isinstance(word, str) or not word:
            what = f'"{unknown[0]}" is not a key of a word' if unknown else 'a word needs the key "word"'
            problems.add("word", what, index)
            continue
        near = f'"{word}"'
        try:
            entry = DialectWord(**fields)
            entry.pattern  # noqa: B018 - compiled here so that a wrong pattern is found at start
        except re.error as error:
            problems.add(near, f"the pattern around {word} is wrong: {error}")
            continue
        if not isinstance(entry.evidence, int | float) or entry.evidence < 0:
            problems.add(near, f"the evidence of {word} has to be a number from 0")
            continue
        yield entry


def _error(problems: tuple[str, ...]) -> ConfigurationError:
    return ConfigurationError(
        "\n".join(problems), code="dialect_pack_invalid", remedy="Correct the dialect pack and start again."
    )
