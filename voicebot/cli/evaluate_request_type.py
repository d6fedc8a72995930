"""``voicebot evaluate request-type``: trained on a file, or the built-in rules without one."""

import json
import os
from dataclasses import asdict, replace
from pathlib import Path

import click

from dialog.city import load_city
from dialog.embedding import Embedder
from dialog.routing import RequestTypeClassifier
from dialog.routing.prior import type_prior
from dialog.routing.trained import TrainedClassifier
from voicebot.cli.routing import shown
from voicebot.evaluation.request_type import evaluate_request_type, type_baselines
from voicebot.evaluation.rows import read_rows, whole_text
from voicebot.settings import Settings


@click.command(help='诉求类型：FILE 每行 {"text": 内容, "type": 类型}，可有 title。不给 --train 就测当前在用的判断。')
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--train", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=None, help="训练数据。")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON。")
@click.pass_obj
def command(settings: Settings, file: Path, train: Path | None, as_json: bool) -> None:
    """Print the scores."""
    rows = read_rows(file, ("text", "type"))
    texts, labels = [whole_text(r) for r in rows], [str(r["type"]) for r in rows]
    embedder = Embedder(settings.var_dir / "embeddings", threads=os.cpu_count() or 1)  # nobody is on the line
    if train is None:
        current = RequestTypeClassifier(load_city(settings.city_dir), embedder, settings.var_dir / "routing")
        scores = evaluate_request_type(lambda text: current.classify(text)[0].value, texts, labels)
    else:
        learn = read_rows(train, ("text", "type"))
        known, targets = [whole_text(r) for r in learn], [str(r["type"]) for r in learn]
        prior = type_prior()
        with shown() as progress:
            model = TrainedClassifier.fit(known, targets, prior, embedder, progress)
        scores = evaluate_request_type(lambda text: model.best(text, embedder)[0][0], texts, labels)
        scores = replace(scores, baseline=type_baselines(known, targets, texts, labels))
    if as_json:
        click.echo(json.dumps(asdict(scores), ensure_ascii=False))
        return
    for key, value in asdict(scores).items():
        click.echo(f"{key:16} {value}")
