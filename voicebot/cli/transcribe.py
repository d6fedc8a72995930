"""``voicebot transcribe``: recordings to text."""

import asyncio
import json
from pathlib import Path

import click

from dialog.city import load_city
from voicebot.app.build import build_corrector
from voicebot.app.hearing import build_recogniser, require_models
from voicebot.audio.narrowband import telephone
from voicebot.core.frames import SAMPLE_RATE_HZ, samples_to_ms
from voicebot.core.speech import HearingContext, Transcript
from voicebot.evaluation.speech import hear, read_recording
from voicebot.models import ModelStore
from voicebot.settings import Settings


@click.command(help="把录音（WAV、FLAC、OGG）转成文字。")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--narrowband", is_flag=True, help="先变成电话音质：300–3400 Hz、8 kHz、A 律。")
@click.option("--no-correction", is_flag=True, help="不按读音纠错，只要识别引擎的原文。")
@click.option("--language", type=click.Choice(["zh", "en", "auto"]), default="zh", show_default=True, help="语言。")
@click.option("--dialect", default="mandarin", show_default=True, help="方言包。")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON。")
@click.pass_obj
def command(
    settings: Settings,
    files: tuple[Path, ...],
    narrowband: bool,
    no_correction: bool,
    language: str,
    dialect: str,
    as_json: bool,
) -> None:
    """Print one text for each file."""
    # Read all of them first: a file of the wrong kind is found before the model is loaded.
    recordings = [(file, *read_recording(file)) for file in files]
    context = HearingContext(language=language, dialect=dialect)

    async def transcribe() -> list[Transcript]:
        models = ModelStore(settings.models_dir)
        require_models(settings, models)
        city = None if no_correction else load_city(settings.city_dir)
        recogniser = build_recogniser(settings, models, build_corrector(models, city) if city else None)
        await recogniser.start()
        try:
            transcripts = []
            for _, signal, rate_hz in recordings:
                narrow = telephone(signal, rate_hz) if narrowband else signal
                transcripts.append(await hear(recogniser, narrow, SAMPLE_RATE_HZ if narrowband else rate_hz, context))
            return transcripts
        finally:
            await recogniser.stop()

    transcripts = asyncio.run(transcribe())
    if as_json:
        rows = [_row(file, heard) for file, heard in zip(files, transcripts, strict=True)]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for file, heard in zip(files, transcripts, strict=True):
        click.echo(f"{file}：{heard.text or '（没有听到说话）'}" if len(files) > 1 else heard.text)


def _row(file: Path, heard: Transcript) -> dict[str, object]:
    return {
        "file": str(file),
        "text": heard.text,
        "raw_text": heard.raw_text,
        "language": heard.language,
        "dialect": heard.dialect,
        "engine": heard.engine,
        "duration_ms": samples_to_ms(heard.end - heard.start),
        "confidence": [round(each, 3) for each in heard.confidence],
        "corrections": [
            {"start": each.start, "end": each.end, "heard": each.heard, "written": each.written, "reason": each.reason}
            for each in heard.corrections
        ],
    }
