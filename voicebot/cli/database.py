"""``voicebot db``: create or migrate the database, check it, and erase what is too old."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from voicebot.core.clock import SystemClock
from voicebot.settings import Settings
from voicebot.storage.database import Database
from voicebot.storage.retention import Retention


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


@contextmanager
def _opened(settings: Settings) -> Iterator[Database]:
    database = Database(settings.storage)
    try:
        yield database
    finally:
        database.close()
