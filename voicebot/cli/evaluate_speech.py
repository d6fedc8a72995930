"""``voicebot evaluate speech``: character error rate over a manifest."""

import asyncio
import json
from pathlib import Path
from typing import get_args

import click

from asr.settings import EngineName
from dialog.city import load_city
from voicebot.app.build import build_corrector, lexicon_entries
from voicebot.app.hearing import build_engine
from voicebot.core.clock import SystemClock
from voicebot.core.speech import Transcript
from voicebot.evaluation.speech import Condition, Recording, SpeechScore, evaluate_speech, read_manifest
from voicebot.models import ModelStore
from voicebot.settings import Settings


@click.command(help="在录音清单（JSONL：file、text、dialect）上测字错率（CER，%）。")
@click.argument("manifest", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--narrowband", is_flag=True, help="先变成电话音质：300–3400 Hz、8 kHz、A 律。")
@click.option("--babble", "babble_db", type=float, default=None, help="混入清单中他人说话声的信噪比，dB。")
@click.option("--no-correction", is_flag=True, help="不按读音纠错。")
@click.option("--no-adapter", is_flag=True, help="用未经适配的基础模型。")
@click.option("--engine", type=click.Choice(get_args(EngineName)), default=None, help="识别引擎；缺省按设置。")
@click.option("--limit", type=click.IntRange(min=1), default=None, help="只测前 N 条。")
@click.option("--texts", is_flag=True, help="逐条显示听到的文字（标准错误输出）。")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON。")
@click.pass_obj
def command(
    settings: Settings,
    manifest: Path,
    narrowband: bool,
    babble_db: float | None,
    no_correction: bool,
    no_adapter: bool,
    engine: EngineName | None,
    limit: int | None,
    texts: bool,
    as_json: bool,
) -> None:
    """Print the score."""
    if no_adapter:
        base = settings.asr.model_copy(update={"model": settings.asr.base_model})
        settings = settings.model_copy(update={"asr": base})
    recordings = read_manifest(manifest)
    condition = Condition(narrowband, babble_db)

    async def evaluate() -> SpeechScore:
        models = ModelStore(settings.models_dir)
        city = load_city(settings.city_dir)
        corrector = None if no_correction else build_corrector(models, city)
        recogniser = build_engine(engine or settings.asr.engine, settings, models, corrector)
        await recogniser.start()
        try:
            return await evaluate_speech(
                recogniser,
                recordings,
                condition,
                SystemClock(),
                _show if texts else _keep_quiet,
                limit,
                {entry.word for entry in lexicon_entries(city) if len(entry.word) > 1},
            )
        finally:
            await recogniser.stop()

    report = asyncio.run(evaluate()).report()
    if as_json:
        click.echo(json.dumps(report, ensure_ascii=False))
        return
    click.echo(f"字错率 {report['cer']} %（{report['n']} 条，实时率 {report['rtf']}，失控 {report['runaway']} 条）")
    by_dialect, words = report["by_dialect"], report["words"]
    assert isinstance(by_dialect, dict)  # noqa: S101  built a few lines above
    assert isinstance(words, dict)  # noqa: S101  the same
    if words["n"]:
        click.echo(f"地名、部门与热线用语写对 {words['right']} %（{words['n']} 处）")
    for dialect, rate in by_dialect.items():
        click.echo(f"  {dialect}\t{rate} %")


def _keep_quiet(recording: Recording, heard: Transcript) -> None:
    """Texts were not asked for."""


def _show(recording: Recording, heard: Transcript) -> None:
    click.echo(f"{recording.path.name}\t{recording.text}\t{heard.raw_text}\t{heard.text}", err=True)
