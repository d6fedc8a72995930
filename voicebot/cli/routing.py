"""``voicebot routing``: learn from labelled history, list versions, go back."""

import asyncio
import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress as Bar
from rich.progress import TimeElapsedColumn

from dialog.city import load_city
from dialog.city.nouns import City
from dialog.embedding import Embedder
from dialog.privacy import mask_text
from dialog.routing.prior import table_prior, type_prior
from dialog.routing.store import KINDS, ModelStore
from dialog.routing.trained import Progress, TrainedClassifier
from voicebot.core.clock import SystemClock
from voicebot.core.errors import ConfigurationError
from voicebot.core.ticket import TicketDraft, TicketType
from voicebot.evaluation.rows import read_rows, whole_text
from voicebot.settings import Settings
from voicebot.storage.database import Database
from voicebot.storage.tickets import SqlTicketStore

_STEPS = {"embed": "读文本", "calibrate": "校准", "fit": "训练"}
_kind = click.option("--kind", type=click.Choice(KINDS), default="category", show_default=True, help="学哪一种标签。")


@contextmanager
def shown() -> Iterator[Progress]:
    """A progress bar on standard error, as what `TrainedClassifier.fit` reports to."""
    with Bar(*Bar.get_default_columns(), TimeElapsedColumn(), console=Console(stderr=True)) as bar:
        tasks = {step: bar.add_task(name, total=None, start=False) for step, name in _STEPS.items()}

        def report(step: str, done: int, total: int) -> None:
            bar.start_task(tasks[step])
            bar.update(tasks[step], completed=done, total=total)

        yield report


@click.group("routing", help="派单模型：训练、版本、回滚。")
def command() -> None:
    """The group."""


@command.command(
    "train", help='用历史数据训练：FILE 每行 {"text": 内容, 标签字段: 标签}，标签字段与 --kind 同名或叫 label。'
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_kind
@click.pass_obj
def train(settings: Settings, file: Path, kind: str) -> None:
    """Train, save a new version, use it from the next start on."""
    rows = read_rows(file, ("text",))
    labels = [str(row.get(kind, row.get("label", ""))) for row in rows]
    city = load_city(settings.city_dir)
    _check(labels, kind, city, file)
    embedder = Embedder(settings.var_dir / "embeddings", threads=os.cpu_count() or 1)  # nobody is on the line
    prior = type_prior() if kind == "type" else table_prior(city, embedder)
    with shown() as progress:
        model = TrainedClassifier.fit([whole_text(row) for row in rows], labels, prior, embedder, progress)
    facts: dict[str, object] = {
        "rows": len(rows),
        "labels": dict(Counter(labels)),
        "trained_at": SystemClock().now().isoformat(timespec="seconds"),
        "file": file.name,
    }
    name = ModelStore(settings.var_dir / "routing", kind).add(model, facts)
    click.echo(f"已训练 {kind} 模型 {name}：{len(rows)} 行，{len(model.labels)} 种标签。重启服务后生效。")


@command.command("versions", help="列出训练过的版本；* 是在用的。")
@_kind
@click.option("--json", "as_json", is_flag=True, help="输出 JSON。")
@click.pass_obj
def versions(settings: Settings, kind: str, as_json: bool) -> None:
    """Print the versions."""
    found = ModelStore(settings.var_dir / "routing", kind).versions()
    if as_json:
        rows = [{"version": v.name, "current": v.current, **v.facts} for v in found]
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for version in found:
        mark = "*" if version.current else " "
        click.echo(f"{mark} {version.name}  {version.facts['trained_at']}  {version.facts['rows']} 行")
    if not any(version.current for version in found):
        click.echo("* 内置规则")


@command.command("rollback", help="退回上一个版本；退到头就用内置规则。")
@_kind
@click.pass_obj
def rollback(settings: Settings, kind: str) -> None:
    """Use the version before."""
    name = ModelStore(settings.var_dir / "routing", kind).rollback()
    click.echo(f"已退回 {name or '内置规则'}。重启服务后生效。")


@command.command(
    "corrections", help="收集人改过的派单（部门、分类或类型），写成可以用来训练的 FILE；内容打码。用 routing train 学。"
)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@_kind
@click.pass_obj
def corrections(settings: Settings, file: Path, kind: str) -> None:
    """Write what people decided as rows to train on."""
    city = load_city(settings.city_dir)
    database = Database(settings.storage)
    try:
        store = SqlTicketStore(database, SystemClock(), number_prefix=city.ticket_prefix)
        field = {"department": "dispatch"}.get(kind, kind)
        tickets = asyncio.run(store.decided_by_people(city.tenant, field))
    finally:
        database.close()
    rows = [row for ticket in tickets if (row := _row(ticket.draft, kind))]
    if not rows:
        raise ConfigurationError(
            f"还没有人改过 {kind}。", code="corrections_none", remedy="坐席在工单上改了部门、分类或类型以后再来。"
        )
    with file.open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    click.echo(
        f"已写出 {len(rows)} 行到 {file}。接着：voicebot routing train {file} --kind {kind}（可与历史数据合并）。"
    )


def _row(draft: TicketDraft, kind: str) -> dict[str, str] | None:
    label = {
        "department": draft.dispatch.department if draft.dispatch else "",
        "category": draft.category[-1] if draft.category else "",
        "type": draft.type.value if draft.type else "",
    }[kind]
    text = mask_text(draft.what, draft.caller_name, *draft.persons)
    return {"text": text, kind: label} if text and label else None


def _check(labels: list[str], kind: str, city: City, file: Path) -> None:
    known: set[str] | None = None
    if kind == "department":
        known = set(city.department_by_id)
    elif kind == "type":
        known = {t.value for t in TicketType}
    wrong = sorted({label for label in labels if not label or (known is not None and label not in known)})
    if wrong:
        lines = [i for i, label in enumerate(labels, 1) if label in wrong]
        raise ConfigurationError(
            f"{file}：第 {'、'.join(map(str, lines[:5]))} 行等共 {len(lines)} 行的标签"
            f"“{'、'.join(wrong[:5])}”不能用于 {kind}。",
            code="labels_unknown",
            remedy="部门用 departments.csv 里的编号，类型用 咨询、求助、投诉、举报、建议、表扬。",
        )
