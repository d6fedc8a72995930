"""``voicebot evaluate tickets``: are the fields of a ticket what the caller said?"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from dialog.city import load_city
from dialog.city.nouns import City
from dialog.ticket.extractor import TicketExtractor
from dialog.understanding.intents import IntentFinder
from voicebot.app.build import build_corrector
from voicebot.app.hearing import build_engine
from voicebot.core.clock import SystemClock
from voicebot.core.speech import Transcript
from voicebot.evaluation.speech import Condition, Recording, evaluate_speech
from voicebot.evaluation.tickets import TicketRow, evaluate_tickets, read_rows
from voicebot.models import ModelStore
from voicebot.settings import Settings


@click.command(help='在 JSONL（{"text" 或 "audio", "fields"}）上测工单各项的 F1 和地址全对率。')
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="输出 JSON。")
@click.pass_obj
def command(settings: Settings, file: Path, as_json: bool) -> None:
    """Print the score."""
    city, rows = load_city(settings.city_dir), read_rows(file)
    heard = asyncio.run(_hear(settings, city, rows))
    extractor = TicketExtractor(city, IntentFinder())
    scores = evaluate_tickets(extractor, rows, SystemClock().now(), heard)
    if as_json:
        click.echo(json.dumps(asdict(scores), ensure_ascii=False))
        return
    click.echo(f"F1 {scores.f1:.4f}，地址全对 {scores.address_exact:.2%}（{scores.n} 条）")
    for name, f1 in scores.by_field.items():
        click.echo(f"  {name}\t{f1:.4f}")
    for miss in scores.wrong:
        click.echo(f"  {miss['field']}：应为“{miss['expected']}”，得到“{miss['found']}”\t{miss['text']}")


async def _hear(settings: Settings, city: City, rows: Sequence[TicketRow]) -> list[str]:
    """The text of each row; recordings go through the recogniser as a telephone would hear them."""
    recordings = [Recording(row.audio, "", "mandarin") for row in rows if row.audio is not None]
    texts: dict[Path, str] = {}
    if recordings:
        models = ModelStore(settings.models_dir)
        corrector = build_corrector(models, city)
        recogniser = build_engine(settings.asr.engine, settings, models, corrector)

        def keep(recording: Recording, heard: Transcript) -> None:
            texts[recording.path] = heard.text

        await recogniser.start()
        try:
            await evaluate_speech(recogniser, recordings, Condition(True, None), SystemClock(), keep)
        finally:
            await recogniser.stop()
    return [row.said if row.audio is None else texts[row.audio] for row in rows]
