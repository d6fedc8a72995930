"""The process that watches over the workers."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from telephony.sip.runtime import free_sip_port
from tests.support.hotline import ROOT
from voicebot.app import workers
from voicebot.app.workers import Supervisor, environment_of, ports_of, sip_addresses
from voicebot.core.errors import ConfigurationError
from voicebot.settings import Settings, load_settings

COMMAND = [sys.executable, "-m", "tests.support.fake_worker"]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("LEDGER", str(tmp_path / "ledger"))
    monkeypatch.setattr(workers, "_LOOK_S", 0.05)
    monkeypatch.setattr(workers, "_LOOK_TIMEOUT_S", 0.3)
    monkeypatch.setattr(workers, "_AGAIN_S", (0.0,))
    return load_settings(workers=2, drain_s=5, web={"port": free_sip_port("127.0.0.1")})


class Ledger:
    def __init__(self, path: Path):
        self._path = path

    def lines(self) -> list[str]:
        return self._path.read_text().splitlines() if self._path.exists() else []

    def pids(self, number: int) -> list[int]:
        return [int(line.split()[2]) for line in self.lines() if line.startswith(f"start {number} ")]


async def until(true: Callable[[], bool], timeout_s: float = 20) -> None:
    async with asyncio.timeout(timeout_s):
        while not true():  # noqa: ASYNC110  another process writes it
            await asyncio.sleep(0.02)


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[None]:
    said: list[str] = []
    stop = asyncio.Event()
    task = asyncio.create_task(Supervisor(settings, COMMAND).run(stop, said.append))
    try:
        await until(lambda: bool(said))
        async with aiohttp.ClientSession() as session:
            for number in range(settings.workers):
                await until_well(session, settings.web.port + number)
        yield
    finally:
        stop.set()
        assert await task


async def until_well(session: aiohttp.ClientSession, port: int) -> None:
    async with asyncio.timeout(20):
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(f"http://127.0.0.1:{port}/readyz") as response:
                    if response.status == 200:
                        return
            await asyncio.sleep(0.02)


@pytest.mark.network
async def test_every_worker_is_started_and_told_to_finish(settings: Settings, tmp_path: Path):
    ledger = Ledger(tmp_path / "ledger")
    async with running(settings):
        assert len(ledger.pids(0)) == len(ledger.pids(1)) == 1
    assert {"drained 0", "drained 1"} <= set(ledger.lines())


@pytest.mark.network
async def test_a_killed_worker_is_started_again_and_the_other_never_notices(settings: Settings, tmp_path: Path):
    ledger = Ledger(tmp_path / "ledger")
    async with running(settings):
        os.kill(ledger.pids(0)[0], signal.SIGKILL)
        await until(lambda: len(ledger.pids(0)) == 2)
        async with aiohttp.ClientSession() as session:
            await until_well(session, settings.web.port)
        assert len(ledger.pids(1)) == 1


@pytest.mark.network
async def test_a_worker_whose_loop_hangs_is_ended_and_started_again(settings: Settings, tmp_path: Path):
    ledger = Ledger(tmp_path / "ledger")
    async with running(settings), aiohttp.ClientSession() as session:
        await asyncio.sleep(0.2)  # the supervisor has seen it well
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            await session.get(
                f"http://127.0.0.1:{settings.web.port + 1}/deaf", timeout=aiohttp.ClientTimeout(total=0.2)
            )
        await until(lambda: len(ledger.pids(1)) == 2)
        assert len(ledger.pids(0)) == 1


@pytest.mark.network
async def test_a_worker_that_cannot_start_ends_the_service_and_says_so(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("BROKEN", "1")
    ledger = Ledger(tmp_path / "ledger")
    async with asyncio.timeout(60):
        assert not await Supervisor(settings, COMMAND).run(asyncio.Event(), lambda _: None)
    assert len(ledger.pids(1)) == 3
    assert "drained 0" in ledger.lines()


@pytest.mark.network
async def test_workers_whose_supervisor_is_killed_finish_by_themselves(settings: Settings, tmp_path: Path):
    ledger = Ledger(tmp_path / "ledger")
    program = (
        "import asyncio; from voicebot.app.workers import Supervisor; from voicebot.settings import load_settings\n"
        f"settings = load_settings(workers=2, web={{'port': {settings.web.port}}})\n"
        f"asyncio.run(Supervisor(settings, {COMMAND!r}).run(asyncio.Event(), print))"
    )
    supervisor = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=subprocess.DEVNULL)
    await until(lambda: bool(ledger.pids(1)))
    async with aiohttp.ClientSession() as session:
        await until_well(session, settings.web.port + 1)
    supervisor.kill()
    await supervisor.wait()
    await until(lambda: {"drained 0", "drained 1"} <= set(ledger.lines()))


def test_workers_share_no_port(settings: Settings):
    many = load_settings(workers=4, audiosocket={}, sip={"max_concurrent_calls": 20, "rtp_port_max": 20500})
    taken = [ports_of(many, number) for number in range(4)]
    for name in ("sip__port", "web__port", "audiosocket__port"):
        assert len({ports[name] for ports in taken}) == 4
    ranges = [range(ports["sip__rtp_port_min"], ports["sip__rtp_port_max"] + 1) for ports in taken]
    assert all(set(a).isdisjoint(b) for a in ranges for b in ranges if a is not b)
    assert all(r.start % 2 == 0 and r.stop - 1 <= 20500 for r in ranges)
    assert sip_addresses(load_settings(workers=2, sip={"listen_address": "127.0.0.1"})) == (
        "127.0.0.1:5060",
        "127.0.0.1:5062",
    )


def test_the_environment_makes_a_process_that_worker(settings: Settings, monkeypatch: pytest.MonkeyPatch):
    for name, value in environment_of(settings, 1).items():
        monkeypatch.setenv(name, value)
    mine = load_settings()
    assert (mine.workers, mine.worker_name, mine.tts.render_ahead) == (1, "1", False)
    assert mine.sip.port == settings.sip.port + 2
    assert mine.web.port == settings.web.port + 1


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"workers": 2, "sip": {"registrar": "pbx"}}, "registrar"),
        ({"workers": 9}, "rtp_port_min"),
        ({"workers": 2, "web": {"port": 0}}, "web.port"),
    ],
)
def test_settings_that_several_workers_cannot_have_are_refused(wrong: dict[str, object], word: str):
    with pytest.raises(ConfigurationError, match=word):
        load_settings(**wrong)
