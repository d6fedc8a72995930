"""``voicebot evaluate knowledge``: do questions find their articles, and does the bot know when it does not know?"""

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click

from dialog.city import load_city
from dialog.embedding import Embedder
from dialog.knowledge import KnowledgeIndex
from voicebot.core.clock import SystemClock
from voicebot.evaluation.knowledge import KnowledgeRow, evaluate_knowledge
from voicebot.evaluation.rows import read_rows
from voicebot.settings import Settings


@click.command(help='知识问答：FILE 每行 {"question": 问法, "article": 文章编号或 null}。')
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), default=None, help="按哪一天有效的文章；缺省今天。")
@click.option("--misses", is_flag=True, help="逐条列出答错和该答没答、不该答却答的。")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON。")
@click.pass_obj
def command(settings: Settings, file: Path, day: datetime | None, misses: bool, as_json: bool) -> None:
    """Print the scores."""
    rows = [KnowledgeRow(str(r["question"]), r["article"]) for r in read_rows(file, ("question", "article"))]
    city = load_city(settings.city_dir)
    today = day.date() if day else SystemClock().now().astimezone(city.timezone).date()
    index = KnowledgeIndex(city, Embedder(settings.var_dir / "embeddings"))
    scores = asdict(evaluate_knowledge(index, rows, today))
    missed = scores.pop("misses")
    if as_json:
        click.echo(json.dumps(scores | ({"misses": missed} if misses else {}), ensure_ascii=False))
        return
    for key, value in scores.items():
        click.echo(f"{key:20} {value}")
    for miss in missed if misses else ():
        click.echo(json.dumps(miss, ensure_ascii=False))
