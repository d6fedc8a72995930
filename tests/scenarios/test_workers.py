"""``voicebot serve`` with two workers: one is killed in the middle of a call."""

import asyncio
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.hotline import Hotline
from tests.support.models import require_models
from voicebot.app.workers import environment_of
from voicebot.core.call import CallEnd
from voicebot.storage.database import Database
from voicebot.storage.records import CallRecords

pytestmark = [pytest.mark.engine, pytest.mark.network, pytest.mark.slow, pytest.mark.timeout(1200)]

SCENARIOS = Path(__file__).parent


async def test_a_killed_worker_takes_its_own_calls_with_it_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_models("whisper-base", "kokoro")
    monkeypatch.setenv("VOICEBOT_WORKERS", "2")
    hotline = Hotline.make(tmp_path)
    hotline.start()
    database = Database(hotline.settings.storage)
    callers: list[subprocess.Popen[bytes]] = []
    try:
        await _until(lambda: hotline.ready(1))
        killed_pid = _pids(hotline, 0)[0]
        callers = [_caller(hotline, 0, tmp_path), _caller(hotline, 1, tmp_path)]
        records = CallRecords(database)
        await _ends(records, lambda ends: len(ends) == 2)
        os.kill(killed_pid, signal.SIGKILL)
        await asyncio.to_thread(callers[1].wait, 240)
        await _until(lambda: len(_pids(hotline, 0)) == 2 and hotline.ready(0))
        ends = await _ends(records, lambda ends: None not in ends)
        assert set(ends) == {CallEnd.CUT_OFF, CallEnd.BOT_HUNG_UP}
        (whole,) = [line for line in await records.latest(5) if line.end is CallEnd.BOT_HUNG_UP]
        call = await records.call(whole.call_id)
        assert call is not None
        assert any("工单号" in turn.text for turn in call.turns), "the other worker's call went on to its ticket"
    finally:
        for caller in callers:
            caller.kill()
            caller.wait()
        database.close()
        workers = [pid for number in (0, 1) for pid in _pids(hotline, number)]
        assert hotline.stop() == 0, hotline.log()[-3000:]
    for pid in workers:  # nobody is left behind
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def _ends(records: CallRecords, enough: Callable[[list[CallEnd | None]], bool]) -> list[CallEnd | None]:
    until = time.monotonic() + 60
    while not enough(ends := [line.end for line in await records.latest(5)]):
        assert time.monotonic() < until, ends
        await asyncio.sleep(0.2)
    return ends


def _caller(hotline: Hotline, number: int, folder: Path) -> "subprocess.Popen[bytes]":
    scenario = SCENARIOS / "streetlight_one_breath.toml"
    with (folder / f"caller{number}").open("wb") as report:
        return subprocess.Popen(
            [*hotline.command_line[:-1], "call", str(scenario), "--line", "sip", "--json"],
            stdout=report,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **environment_of(hotline.settings, number)},
        )


def _pids(hotline: Hotline, number: int) -> list[int]:
    lines = [json.loads(line) for line in hotline.log().splitlines() if line.startswith("{")]
    return [line["pid"] for line in lines if line["event"] == "worker_started" and line["number"] == number]


async def _until(true: Callable[[], bool], timeout_s: float = 300) -> None:
    until = time.monotonic() + timeout_s
    while not await asyncio.to_thread(true):
        assert time.monotonic() < until
        await asyncio.sleep(0.3)
