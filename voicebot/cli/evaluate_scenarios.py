"""``voicebot evaluate scenarios``: a folder of scenarios, one call after the other."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any, Literal, get_args

import click

from voicebot.core.errors import ConfigurationError
from voicebot.evaluation.lines import NetworkLine
from voicebot.evaluation.runner import Result, run_over_network, run_over_wav
from voicebot.evaluation.scenario import load_scenario
from voicebot.evaluation.virtual_time import run_in_virtual_time
from voicebot.logs import set_up_logs
from voicebot.settings import Settings


@click.command(
    help="逐个拨打文件夹里的剧本（*.toml；也可只给一个文件），给出 n、passed、failures。有不符时退出码为 1。"
)
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--line",
    type=click.Choice(["wav", *get_args(NetworkLine)]),
    default="wav",
    show_default=True,
    help="同 voicebot call。",
)
@click.option("--json", "as_json", is_flag=True, help="输出 JSON。")
@click.pass_context
def command(ctx: click.Context, path: Path, line: Literal["wav"] | NetworkLine, as_json: bool) -> None:
    """Play every scenario of a folder."""
    settings: Settings = ctx.obj
    set_up_logs(json=settings.log_json, level="ERROR")
    found = [path] if path.is_file() else sorted(path.glob("*.toml"))
    scenarios = [load_scenario(file) for file in found]
    if not scenarios:
        raise ConfigurationError(f"{path} 里没有剧本（*.toml）。", code="scenario_missing", remedy="请检查路径。")

    def tell(text: str) -> None:
        click.echo(text, err=True)

    if line == "wav":
        results = run_in_virtual_time(run_over_wav(settings, scenarios, tell))
    else:
        config = ctx.find_root().params.get("config")
        results = asyncio.run(run_over_network(settings, config, scenarios, line, "", tell))
    outcome = summary(results)
    if as_json:
        click.echo(json.dumps(outcome, ensure_ascii=False, indent=2))
    else:
        click.echo(f"{outcome['passed']}/{outcome['n']} 个剧本符合预期")
        for failure in outcome["failures"]:
            click.echo(f"  {failure['name']}：{'；'.join(failure['problems'])}")
    if outcome["failures"]:
        sys.exit(1)


def summary(results: list[Result]) -> dict[str, Any]:
    """``n``, ``passed`` and for each that failed its name and problems."""
    failures = [{"name": result.name, "problems": result.problems} for result in results if not result.passed]
    return {"n": len(results), "passed": len(results) - len(failures), "failures": failures}
