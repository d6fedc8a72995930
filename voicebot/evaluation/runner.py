"""Runs scenarios against the product: over a file line in virtual time, or by real SIP calls."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp

from telephony.caller import CallerLeg
from telephony.wav.line import WavLine
from voicebot.app import House, build
from voicebot.core.clock import SystemClock
from voicebot.core.errors import LineError
from voicebot.evaluation.callers import CallerVoices, check_callers
from voicebot.evaluation.checks import check
from voicebot.evaluation.conversation import Conversation, PlayedTurn
from voicebot.evaluation.lines import TELLS_NUMBERS, Connect, NetworkLine, connect_over
from voicebot.evaluation.narrator import NarratedCallStore
from voicebot.evaluation.report import CallReports
from voicebot.evaluation.scenario import LoadedScenario
from voicebot.evaluation.virtual_time import VirtualTimeLoop
from voicebot.models import ModelStore
from voicebot.pipeline.observer import SilentObserver
from voicebot.settings import Settings
from voicebot.storage.database import Database

_READY_WITHIN_S = 300.0  # the first start renders every fixed sentence
_STOP_WITHIN_S = 20.0


@dataclass(frozen=True, slots=True)
class Result:
    """One scenario, played."""

    name: str
    report: dict[str, Any]
    problems: list[str]

    @property
    def passed(self) -> bool:
        """Was everything as expected?"""
        return not self.problems


class ScenarioRunner:
    """Plays scenarios one after the other and reads what the service put on record."""

    def __init__(self, connect: Connect, voices: CallerVoices, reports: CallReports, *, numbers: bool = True):
        """``numbers``: whether the line tells who calls; a browser does not."""
        self._numbers = numbers
        self._connect = connect
        self._voices = voices
        self._reports = reports
        self._clock = SystemClock()

    async def run(self, loaded: LoadedScenario) -> Result:
        """Play one scenario. Raises `LineError` when the call cannot be placed."""
        scenario = loaded.scenario
        clips = await self._voices.clips(loaded)
        since = self._clock.now() - timedelta(seconds=1)
        played = await Conversation(scenario, clips, self._connect(loaded)).play()
        report = await self._reports.wait_for(scenario.caller.number if self._numbers else None, since)
        if report is None:
            raise LineError(
                "通话结束了，但记录里没有这通电话。",
                code="call_not_on_record",
                remedy="服务与本命令是否使用同一个数据库？",
            )
        report["caller_side"] = [_caller_side(turn) for turn in played]
        problems = check(scenario, played, report)
        report["scenario"] = {"name": loaded.name, "title": scenario.title, "passed": not problems}
        report["problems"] = problems
        return Result(loaded.name, report, problems)


def _caller_side(turn: PlayedTurn) -> dict[str, Any]:
    return {
        "turn": turn.index,
        "start_ms": turn.start_ms,
        "end_ms": turn.end_ms,
        "reply_ms": turn.reply_ms,
        "missing": turn.missing,
    }


def wav_connect(house: House) -> Connect:
    """Calls that go straight into the pipeline of this process."""

    def connect(loaded: LoadedScenario) -> CallerLeg:
        line = WavLine(house.clock, tenant=house.city.tenant, caller_number=loaded.scenario.caller.number)
        house.serve(line)
        return line.caller

    return connect


@contextlib.asynccontextmanager
async def running_service(settings: Settings, config: Path | None, say: Callable[[str], None]) -> AsyncIterator[None]:
    """A service to call: the one that runs already, or one started for this and stopped afterwards."""
    if await _ready(settings):
        yield
        return
    say("服务没有在运行，先启动一个……")
    command = [sys.executable, "-m", "voicebot.cli", *(["--config", str(config)] if config else []), "serve"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL, env=os.environ)
    try:
        await _wait_until_ready(settings, process)
        yield
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(_STOP_WITHIN_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


async def _wait_until_ready(settings: Settings, process: asyncio.subprocess.Process) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _READY_WITHIN_S
    while not await _ready(settings):
        if process.returncode is not None:
            raise LineError(
                "服务没能启动，原因见上。", code="service_not_started", remedy="可运行 voicebot doctor 查看。"
            )
        if loop.time() > deadline:
            raise LineError("服务迟迟没有就绪。", code="service_not_ready", remedy="可运行 voicebot doctor 查看。")
        await asyncio.sleep(0.3)


async def _ready(settings: Settings) -> bool:
    url = f"http://127.0.0.1:{settings.web.port}/readyz"
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3)) as session,
            session.get(url) as response,
        ):
            return response.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False


async def run_over_wav(
    settings: Settings,
    scenarios: Sequence[LoadedScenario],
    say: Callable[[str], None],
    narrate: Callable[[str], None] | None = None,
) -> list[Result]:
    """Play scenarios straight into a house of this process. To be run on a `VirtualTimeLoop`.

    ``narrate`` is told every turn as it happens.
    """
    check_callers(scenarios)
    house = build(settings, SilentObserver())
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)  # noqa: S101  what this coroutine is run on
    loop.wait_while(lambda: any(engine.busy for engine in house.local_engines))
    if narrate is not None:
        house.narrate(NarratedCallStore(house.parts.calls, narrate))
    voices = CallerVoices(house.models, settings.var_dir / "callers")
    try:
        async with house.running(say):
            runner = ScenarioRunner(wav_connect(house), voices, CallReports(house.database, house.clock))
            return [await runner.run(loaded) for loaded in scenarios]
    finally:
        await voices.close()


async def run_over_network(
    settings: Settings,
    config: Path | None,
    scenarios: Sequence[LoadedScenario],
    line: NetworkLine,
    target: str,
    say: Callable[[str], None],
) -> list[Result]:
    """Play scenarios by real calls to ``target``: a SIP URI, or the address of the pages.

    "" is this machine's own service, started when it is not running.
    """
    check_callers(scenarios)
    database = Database(settings.storage)
    voices = CallerVoices(ModelStore(settings.models_dir), settings.var_dir / "callers")
    connect = connect_over(settings, line, target)
    try:
        async with running_service(settings, config, say):
            reports = CallReports(database, SystemClock())
            runner = ScenarioRunner(connect, voices, reports, numbers=line in TELLS_NUMBERS)
            return [await runner.run(loaded) for loaded in scenarios]
    finally:
        await voices.close()
        database.close()
