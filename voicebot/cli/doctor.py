"""``voicebot doctor``: is everything there that a call needs?"""

import asyncio
import json
import sys

import click

from voicebot.app.doctor import Doctor, Finding
from voicebot.logs import set_up_logs
from voicebot.settings import Settings

_MARK = {True: "正常", None: "可用", False: "有误"}


@click.command(help="体检：模型、端口、音频通路、数据库、城市数据，逐项说明正常与否、该怎么办。有误时退出码为 1。")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON。")
@click.pass_obj
def command(settings: Settings, as_json: bool) -> None:
    """Print one line for each part."""
    set_up_logs(json=settings.log_json, level="ERROR")
    findings: list[Finding] = []

    def say(finding: Finding) -> None:
        findings.append(finding)
        if not as_json:
            click.echo(f"［{_MARK[finding.ok]}］{finding.part}：{finding.detail}")

    well = asyncio.run(Doctor(settings).examine(say))
    if as_json:
        click.echo(json.dumps([{"part": f.part, "ok": f.ok, "detail": f.detail} for f in findings], ensure_ascii=False))
    if not well:
        sys.exit(1)
