"""``voicebot evaluate routing``: train on one file, score on another, beside the baselines."""

import json
import os
from dataclasses import asdict, replace
from pathlib import Path

import click

from dialog.city import load_city
from dialog.embedding import Embedder
from dialog.routing.prior import table_prior
from dialog.routing.trained import TrainedClassifier
from voicebot.cli.routing import shown
from voicebot.evaluation.routing import baseline_scores, evaluate_routing
from voicebot.evaluation.rows import read_rows, whole_text
from voicebot.settings import Settings


@click.command(help='派单分类：FILE 每行 {"text": 内容, "category": 分类}，可有 title。')
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--train", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path), help="训练数据。")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON。")
@click.pass_obj
def command(settings: Settings, file: Path, train: Path, as_json: bool) -> None:
    """Print the scores."""
    rows, learn = (read_rows(f, ("text", "category")) for f in (file, train))
    texts, labels = [whole_text(r) for r in rows], [str(r["category"]) for r in rows]
    known, targets = [whole_text(r) for r in learn], [str(r["category"]) for r in learn]
    embedder = Embedder(settings.var_dir / "embeddings", threads=os.cpu_count() or 1)  # nobody is on the line
    prior = table_prior(load_city(settings.city_dir), embedder)
    with shown() as progress:
        model = TrainedClassifier.fit(known, targets, prior, embedder, progress)
    scores = replace(
        evaluate_routing(model, embedder, texts, labels), baseline=baseline_scores(known, targets, texts, labels)
    )
    if as_json:
        click.echo(json.dumps(asdict(scores), ensure_ascii=False))
        return
    for key, value in asdict(scores).items():
        click.echo(f"{key:16} {value}")
