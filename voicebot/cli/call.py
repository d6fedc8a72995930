"""``voicebot call``: one scenario, one call."""

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path

import click

from voicebot.app import House, build
from voicebot.core.clock import SystemClock
from voicebot.evaluation.callers import CallerVoices
from voicebot.evaluation.narrator import NarratedCallStore, summary
from voicebot.evaluation.report import CallReports
from voicebot.evaluation.runner import Result, ScenarioRunner, running_service, sip_connect, wav_connect
from voicebot.evaluation.scenario import LoadedScenario, load_scenario
from voicebot.evaluation.virtual_time import VirtualTimeLoop, run_in_virtual_time
from voicebot.logs import set_up_logs
from voicebot.models import ModelStore
from voicebot.pipeline.observer import SilentObserver
from voicebot.settings import Settings
from voicebot.storage.database import Database


@click.command(help="按剧本（TOML）或录音打一通电话，给出全过程的记录。格式见 docs/scenarios.md。")
@click.argument("scenario", type=click.Path(path_type=Path))
@click.option(
    "--line",
    type=click.Choice(["wav", "sip"]),
    default="wav",
    show_default=True,
    help="wav：直接送入流水线，快于实时；sip：向运行中的服务拨打真实的 SIP 电话（没有运行就先启动一个）。",
)
@click.option("--to", "target", default="", help="SIP 地址；缺省为本机服务的地址。")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON。")
@click.option("--play", is_flag=True, help="对话进行时逐句显示。")
@click.pass_context
def command(ctx: click.Context, scenario: Path, line: str, target: str, as_json: bool, play: bool) -> None:
    """Play a scenario and print what happened; exit code 1 when it was not as expected."""
    settings: Settings = ctx.obj
    set_up_logs(json=settings.log_json, level="WARNING")
    loaded = load_scenario(scenario)
    say = (lambda _: None) if as_json else _tell
    if line == "wav":
        result = run_in_virtual_time(_over_wav(settings, loaded, say, narrate=play and not as_json))
    else:
        config = ctx.find_root().params.get("config")
        result = asyncio.run(_over_sip(settings, config, loaded, target, say))
    if as_json:
        click.echo(json.dumps(result.report, ensure_ascii=False, indent=2))
    else:
        click.echo(summary(result.report, with_turns=not play))
    if not result.passed:
        sys.exit(1)


def _tell(text: str) -> None:
    click.echo(text, err=True)


async def _over_wav(settings: Settings, loaded: LoadedScenario, say: Callable[[str], None], *, narrate: bool) -> Result:
    house = build(settings, SilentObserver())
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)  # noqa: S101  what this coroutine is run on
    loop.wait_while(lambda: house.recogniser.busy)
    if narrate:
        house.narrate(NarratedCallStore(house.parts.calls, click.echo))
    async with house.running(say):
        return await _run(house, loaded)


async def _run(house: House, loaded: LoadedScenario) -> Result:
    voices = CallerVoices(house.models, house.settings.var_dir / "callers")
    try:
        runner = ScenarioRunner(wav_connect(house), voices, CallReports(house.database, house.clock))
        return await runner.run(loaded)
    finally:
        await voices.close()


async def _over_sip(
    settings: Settings, config: Path | None, loaded: LoadedScenario, target: str, say: Callable[[str], None]
) -> Result:
    database = Database(settings.storage)
    voices = CallerVoices(ModelStore(settings.models_dir), settings.var_dir / "callers")
    target = target or f"sip:{settings.sip.number}@127.0.0.1:{settings.sip.port}"
    try:
        async with running_service(settings, config, say):
            reports = CallReports(database, SystemClock())
            return await ScenarioRunner(sip_connect(target), voices, reports).run(loaded)
    finally:
        await voices.close()
        database.close()
