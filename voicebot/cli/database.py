"""``voicebot db``: create or migrate the database, check it, and erase what is too old."""

import asyncio
import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from voicebot.core.clock import SystemClock
from voicebot.core.errors import ConfigurationError
from voicebot.settings import Settings
from voicebot.storage.database import Database
from voicebot.storage.recordings import Recordings
from voicebot.storage.retention import Retention
from voicebot.storage.sealed import new_key


@click.group()
def command() -> None:
    """数据库：升级、检查、到期清理。"""


@command.command()
@click.pass_obj
def upgrade(settings: Settings) -> None:
    """建库或升级到本程序的版本；已是最新则什么也不做。"""
    with _opened(settings) as database:
        before, after = database.upgrade()
        if before == after:
            click.echo(f"数据库 {database.place} 已是 {after} 版，无需升级。")
        else:
            click.echo(f"数据库 {database.place} 已从 {before or '空库'} 升级到 {after} 版。")


@command.command()
@click.pass_obj
def check(settings: Settings) -> None:
    """检查数据库能否连上、结构是否合版。"""
    with _opened(settings) as database:
        click.echo(f"数据库 {database.place} 正常，结构为 {database.check()} 版。")


@command.command()
@click.option("--dry-run", is_flag=True, help="只统计，不删除。")
@click.pass_obj
def retention(settings: Settings, dry_run: bool) -> None:
    """按保存期限删除录音、抹去转写和来电人身份。"""
    with _opened(settings) as database:
        database.check()
        report = Retention(database, SystemClock(), settings.storage).run(dry_run=dry_run)
    verb = "将删除" if dry_run else "已删除"
    click.echo(
        f"{verb}：录音 {report.recordings} 份，通话转写 {report.transcripts} 通，"
        f"未答问题 {report.questions} 条，工单来电人身份 {report.ticket_identities} 条。"
    )


@command.command("recording-key")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def recording_key(file: Path) -> None:
    """生成一把录音密钥，放在 FILE 的最前面；旧的留着，用来打开以前的录音。"""
    before = file.read_text("ascii") if file.exists() else ""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(file.with_suffix(".new"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as new:
        new.write(f"{new_key()}\n{before}")
    file.with_suffix(".new").replace(file)
    click.echo(f"新的密钥在 {file}（只有本用户可读）。请另存一份：丢了密钥，录音就打不开了。")
    click.echo(f'在 voicebot.toml 的 [storage] 里写：recordings_key_file = "{file}"，重新启动后生效。')


@command.command()
@click.argument("call_id")
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_obj
def recording(settings: Settings, call_id: str, target: Path) -> None:
    """把一通电话的录音（加密的也行）存成普通的 WAV。"""
    with _opened(settings) as database:
        recordings = Recordings(database, SystemClock(), settings.storage)
        try:
            path = asyncio.run(recordings.path_of(call_id))
            if path is None or not path.exists():
                raise ConfigurationError(
                    f"{call_id} 没有录音。", code="recording_unknown", remedy="请核对通话编号；到期的录音已删除。"
                )
            with contextlib.closing(recordings.open(path)) as source, target.open("xb") as file:
                while piece := source.read(1 << 20):
                    file.write(piece)
        except FileExistsError as error:
            raise ConfigurationError(f"{target} 已经存在。", code="target_exists", remedy="请换一个文件名。") from error
        finally:
            recordings.close()
    click.echo(f"已存到 {target}。")


@contextmanager
def _opened(settings: Settings) -> Iterator[Database]:
    database = Database(settings.storage)
    try:
        yield database
    finally:
        database.close()
