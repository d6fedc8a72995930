"""``voicebot serve`` with two workers: one is killed in the middle of a call."""

import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.hotline import Hotline
from tests.support.models import require_models
from tests.support.raw_sip import RawSip
from voicebot.app.workers import environment_of, ports_of
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


@pytest.mark.long
async def test_with_twenty_calls_up_only_those_of_the_killed_worker_are_lost_and_all_are_on_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_models("whisper-base", "kokoro")
    monkeypatch.setenv("VOICEBOT_WORKERS", "2")
    hotline = Hotline.make(tmp_path)
    hotline.start()
    database = Database(hotline.settings.storage)
    try:
        await _until(lambda: hotline.ready(1))
        ports = [ports_of(hotline.settings, number)["sip__port"] for number in (0, 1)]
        async with contextlib.AsyncExitStack() as stack:
            peers = [
                await stack.enter_async_context(RawSip(ports[number % 2], caller=f"138001380{number:02}"))
                for number in range(20)
            ]
            for peer in peers:
                assert (await peer.invite(timeout_s=20)).status == 200
            os.kill(_pids(hotline, 0)[0], signal.SIGKILL)
            began_s = time.monotonic()
            async with RawSip(ports[1], caller="13900139000") as newcomer:
                assert (await newcomer.invite(timeout_s=10)).status == 200
                assert time.monotonic() - began_s < 2
                await newcomer.bye()
            untouched = peers[1::2]
            before = [len(peer.media.packets) for peer in untouched]
            await asyncio.sleep(2)
            after = [len(peer.media.packets) for peer in untouched]
            assert all(now - then > 80 for then, now in zip(before, after, strict=True)), (before, after)
            assert not [request for peer in untouched for request in peer.requests if request.method == "BYE"]
            ends = await _ends(CallRecords(database), lambda ends: ends.count(CallEnd.CUT_OFF) == 10, newest=30)
            assert len(ends) == 21
            for peer in untouched:
                await peer.bye()
    finally:
        database.close()
        assert hotline.stop() == 0, hotline.log()[-3000:]


async def _ends(
    records: CallRecords, enough: Callable[[list[CallEnd | None]], bool], newest: int = 5
) -> list[CallEnd | None]:
    until = time.monotonic() + 60
    while not enough(ends := [line.end for line in await records.latest(newest)]):
        assert time.monotonic() < until, Counter(ends)
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
    # Several processes write into one file: two objects may share a line.
    lines = [json.loads(line) for line in re.findall(r"\{[^{}]*\"worker_started\"[^{}]*\}", hotline.log())]
    return [line["pid"] for line in lines if line["event"] == "worker_started" and line["number"] == number]


async def _until(true: Callable[[], bool], timeout_s: float = 300) -> None:
    until = time.monotonic() + timeout_s
    while not await asyncio.to_thread(true):
        assert time.monotonic() < until
        await asyncio.sleep(0.3)
