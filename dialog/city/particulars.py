"""Reads a city's TOML files: who the city is, its deadlines, its own wordings."""

import tomllib
from collections.abc import Mapping
from datetime import date, time
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from dialog.city.nouns import Deadline, Emergency, OfficeHours, Thresholds
from dialog.city.problems import Problems

Share = Annotated[float, Field(ge=0, le=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"没有“{name}”这个时区，例如 Asia/Shanghai") from error
    return name


class _Emergency(_Strict):
    number: Annotated[str, Field(pattern=r"^\d{3,12}$")]
    name: str
    purpose: str


class _OfficeHours(_Strict):
    days: Annotated[list[Annotated[int, Field(ge=1, le=7)]], Field(min_length=1)]
    opens: time
    closes: time
    holidays: list[date] = []
    workdays: list[date] = []

    @model_validator(mode="after")
    def _a_day_has_hours(self) -> "_OfficeHours":
        if self.opens >= self.closes:
            raise ValueError("opens 要早于 closes")
        return self


class _Thresholds(_Strict):
    routing_automatic: Share
    category_sure: Share
    answer: Share


class _Profile(_Strict):
    name: Annotated[str, Field(min_length=2)]
    tenant: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
    ticket_prefix: Annotated[str, Field(pattern=r"^[A-Z]{1,4}$")]
    hotline: Annotated[str, Field(min_length=2)]
    timezone: Annotated[str, AfterValidator(_zone)]
    voice: Annotated[str, Field(min_length=1)]
    dialects: dict[str, Share]
    thresholds: _Thresholds
    emergency: Annotated[list[_Emergency], Field(min_length=1)]
    office_hours: _OfficeHours


class Profile:
    """What ``city.toml`` says, as nouns."""

    def __init__(self, read: _Profile) -> None:
        self.name, self.tenant, self.ticket_prefix = read.name, read.tenant, read.ticket_prefix
        self.hotline, self.voice, self.timezone = read.hotline, read.voice, ZoneInfo(read.timezone)
        self.dialects: Mapping[str, float] = dict(read.dialects)
        self.thresholds = Thresholds(**read.thresholds.model_dump())
        self.emergencies = tuple(Emergency(**e.model_dump()) for e in read.emergency)
        hours = read.office_hours
        self.office_hours = OfficeHours(
            tuple(hours.days), hours.opens, hours.closes, tuple(hours.holidays), tuple(hours.workdays)
        )


class _Deadline(_Strict):
    urgency: Literal["emergency", "urgent", "normal", "inquiry"]
    stage: Literal["受理", "派单", "签收", "办理", "办结", "回访", "评价"]
    minutes: Annotated[int, Field(gt=0)]
    working: bool = True
    amber: Share = 0.8


class _Deadlines(_Strict):
    deadline: Annotated[list[_Deadline], Field(min_length=1)]


def read_profile(path: Path, problems: Problems) -> Profile | None:
    """Read ``city.toml``; None when it cannot be used."""
    read = _read(path, _Profile, problems)
    return Profile(read) if isinstance(read, _Profile) else None


def read_deadlines(path: Path, problems: Problems) -> tuple[Deadline, ...]:
    """Read ``deadlines.toml``; each urgency and stage at most once."""
    read = _read(path, _Deadlines, problems)
    if not isinstance(read, _Deadlines):
        return ()
    seen: set[tuple[str, str]] = set()
    for index, item in enumerate(read.deadline):
        if (item.urgency, item.stage) in seen:
            line = _line_of(path.read_text(encoding="utf-8"), ("deadline", index, "stage"))
            problems.add(path.name, line, f"{item.urgency} 的“{item.stage}”写了两次，请删去一处")
        seen.add((item.urgency, item.stage))
    return tuple(Deadline(**item.model_dump()) for item in read.deadline)


def read_prompts(path: Path, problems: Problems) -> Mapping[str, str]:
    """Read ``prompts.toml``; tables become dotted keys (``[greeting] day`` is ``greeting.day``). May be absent."""
    data = _toml(path, problems) if path.exists() else None
    flat: dict[str, str] = {}
    if data is not None:
        _flatten("", data, flat, path, problems)
    return flat


def _flatten(prefix: str, table: Mapping[str, Any], flat: dict[str, str], path: Path, problems: Problems) -> None:
    for key, value in table.items():
        if isinstance(value, Mapping):
            _flatten(f"{prefix}{key}.", value, flat, path, problems)
        elif isinstance(value, str) and value.strip():
            flat[prefix + key] = value.strip()
        else:
            line = _line_of(path.read_text(encoding="utf-8"), (key,))
            problems.add(path.name, line, f"{prefix}{key} 应是一句话，请用引号括起来")


def _toml(path: Path, problems: Problems) -> dict[str, Any] | None:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        problems.add(path.name, 1, "缺少这个文件，请补上")
    except UnicodeDecodeError as error:
        problems.add(path.name, error.object[: error.start].count(b"\n") + 1, "不是 UTF-8 编码，请另存为 UTF-8")
    except tomllib.TOMLDecodeError as error:
        line = int(digits) if (digits := _after(str(error), "at line ")).isdigit() else 1
        problems.add(path.name, line, f"TOML 语法不对（{error}），请检查引号和等号")
    return None


def _after(text: str, mark: str) -> str:
    return text.partition(mark)[2].split(",")[0].strip(" )")


def _read(path: Path, model: type[_Strict], problems: Problems) -> _Strict | None:
    data = _toml(path, problems)
    if data is None:
        return None
    try:
        return model.model_validate(data)
    except ValidationError as error:
        text = path.read_text(encoding="utf-8")
        for item in error.errors():
            where = ".".join(map(str, item["loc"]))
            problems.add(path.name, _line_of(text, item["loc"]), _what(where, item["type"], item["msg"]))
        return None


def _what(where: str, kind: str, message: str) -> str:
    if kind == "missing":
        return f"缺少 {where}，请补上"
    if kind == "extra_forbidden":
        return f"不认识 {where}，请删去或改名"
    return f"{where} 的值不合要求（{message}），请改正"


def _line_of(text: str, place: tuple[int | str, ...]) -> int:
    """The line of a key: the n-th ``[[table]]`` or ``[table]`` named on the way, then the key itself; 1 if absent."""
    lines = text.splitlines()
    at = 0
    for depth, part in enumerate(place):
        if isinstance(part, int):
            heads = [i for i, line in enumerate(lines) if line.strip() == f"[[{place[depth - 1]}]]"]
            at = heads[part] if part < len(heads) else at
        else:
            marks = (f"[{part}]", f"[[{part}]]")
            found = (
                i
                for i in range(at, len(lines))
                if lines[i].strip() in marks or lines[i].partition("=")[0].strip().strip('"') == part
            )
            at = next(found, at)
    return at + 1
