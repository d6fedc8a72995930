"""``voicebot fixtures make``: the callers of the tests."""

import asyncio
from pathlib import Path

import click

from voicebot.evaluation.fixtures import FixtureMaker
from voicebot.models import ModelStore
from voicebot.settings import Settings


@click.group()
def command() -> None:
    """测试用来电录音。"""


@command.command()
@click.option(
    "--dir",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("audio_fixtures"),
    show_default=True,
    help="录音目录（内有 callers.toml）。",
)
@click.pass_obj
def make(settings: Settings, folder: Path) -> None:
    """按 callers.toml 生成来电录音、噪声与丢包表，写出 manifest.toml；未变的录音保留。"""
    model_dir = ModelStore(settings.models_dir).path("kokoro")
    count = asyncio.run(FixtureMaker(folder, model_dir, click.echo).make())
    click.echo(f"完成：{count} 个文件，清单见 {folder / 'manifest.toml'}。")
