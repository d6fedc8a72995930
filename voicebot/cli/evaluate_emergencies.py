"""``voicebot evaluate emergencies``: recall and false alarms on labelled sentences."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from dialog.embedding import Embedder
from dialog.understanding.danger_model import DangerModel
from dialog.understanding.emergencies import EmergencyFinder
from voicebot.evaluation.emergencies import evaluate_emergencies, read_rows


@click.command(help='在 JSONL（{"text", "emergency"}）上测危急识别的召回率和误报率。')
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--rules-only", is_flag=True, help="只用规则，不用模型。")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON。")
def command(file: Path, rules_only: bool, as_json: bool) -> None:
    """Print the score."""
    model = None if rules_only else DangerModel(Embedder().sentence)
    scores = evaluate_emergencies(EmergencyFinder(model), read_rows(file))
    if as_json:
        click.echo(json.dumps(asdict(scores), ensure_ascii=False))
        return
    click.echo(f"召回率 {scores.recall:.2%}，误报率 {scores.false_alarm_rate:.2%}（{scores.n} 条）")
    for text in scores.missed:
        click.echo(f"  漏报\t{text}")
    for text in scores.false_alarms:
        click.echo(f"  误报\t{text}")
