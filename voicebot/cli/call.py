"""``voicebot call``: one scenario, one call."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Literal, get_args

import click

from voicebot.evaluation.lines import NetworkLine
from voicebot.evaluation.narrator import summary
from voicebot.evaluation.runner import run_over_network, run_over_wav
from voicebot.evaluation.scenario import load_scenario
from voicebot.evaluation.virtual_time import run_in_virtual_time
from voicebot.logs import set_up_logs
from voicebot.settings import Settings


@click.command(help="按剧本（TOML）或录音打一通电话，给出全过程的记录。格式见 docs/scenarios.md。")
@click.argument("scenario", type=click.Path(path_type=Path))
@click.option(
    "--line",
    type=click.Choice(["wav", *get_args(NetworkLine)]),
    default="wav",
    show_default=True,
    help="wav：直接送入流水线，快于实时；sip：真实的 SIP 电话；webrtc：像网页那样拨打；"
    "audiosocket、websocket：像交换机那样送来（后四种会先启动服务）。",
)
@click.option("--to", "target", default="", help="SIP 地址、网页地址或媒体口的 主机:端口；缺省为本机。")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON。")
@click.option("--play", is_flag=True, help="对话进行时逐句显示。")
@click.pass_context
def command(
    ctx: click.Context, scenario: Path, line: Literal["wav"] | NetworkLine, target: str, as_json: bool, play: bool
) -> None:
    """Play a scenario and print what happened; exit code 1 when it was not as expected."""
    settings: Settings = ctx.obj
    set_up_logs(json=settings.log_json, level="WARNING")
    loaded = load_scenario(scenario)
    say = (lambda _: None) if as_json else _tell
    if line == "wav":
        narrate = click.echo if play and not as_json else None
        (result,) = run_in_virtual_time(run_over_wav(settings, [loaded], say, narrate))
    else:
        config = ctx.find_root().params.get("config")
        (result,) = asyncio.run(run_over_network(settings, config, [loaded], line, target, say))
    if as_json:
        click.echo(json.dumps(result.report, ensure_ascii=False, indent=2))
    else:
        click.echo(summary(result.report, with_turns=not play))
    if not result.passed:
        sys.exit(1)


def _tell(text: str) -> None:
    click.echo(text, err=True)
