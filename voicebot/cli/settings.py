"""``voicebot settings``: everything that can be set, with its default and unit."""

from collections.abc import Iterator
from typing import Any, get_args

import click
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from voicebot.settings import Settings


@click.command(help="列出全部设置项：名称、默认值、含义与单位（Markdown；docs/settings.md 即由此生成）。")
@click.pass_obj
def command(settings: Settings) -> None:
    """Print the table; the values are the defaults and not those in force."""
    click.echo(markdown(), nl=False)


def markdown() -> str:
    """All settings as Markdown tables, one for each section."""
    plain = {name: f for name, f in Settings.model_fields.items() if _section(f) is None}
    parts = ["## 顶层\n\n" + _table("", plain)]
    return "\n".join([*parts, *_sections("", Settings)])


def _sections(above: str, kind: type[BaseModel]) -> Iterator[str]:
    for name, field in kind.model_fields.items():
        if section := _section(field):
            path = f"{above}.{name}".lstrip(".")
            plain = {each: f for each, f in section.model_fields.items() if _section(f) is None}
            yield f"## [{path}]\n\n{field.description}\n\n" + _table(path, plain)
            yield from _sections(path, section)


def _section(field: FieldInfo) -> type[BaseModel] | None:
    kinds = get_args(field.annotation) or (field.annotation,)
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _table(section: str, fields: dict[str, FieldInfo]) -> str:
    rows = ["| 设置 | 默认 | 说明 | 环境变量 |", "|---|---|---|---|"]
    for name, field in fields.items():
        variable = "VOICEBOT_" + (f"{section.replace('.', '__')}__" if section else "").upper() + name.upper()
        rows.append(f"| `{name}` | {_default(name, field)} | {field.description} | `{variable}` |")
    return "\n".join(rows) + "\n"


def _default(name: str, field: FieldInfo) -> str:
    value: Any = field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return ""
    if name == "city_dir":
        return "`cities/luoyang`"
    text = str(value).replace("|", "\\|")
    return f"`{text}`" if text not in ("", "{}", "()") else "空"
