"""An edge as ``voicebot edge config`` writes it, really running, with workers that say what they hear."""

import asyncio
import contextlib
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from telephony.edge.render import Site, edge_files
from telephony.settings import EdgeSettings
from telephony.sip.runtime import free_sip_port
from tests.support.raw_sip import RawSip

ROOT = Path(__file__).resolve().parent.parent.parent
_ADDRESS = "127.0.0.1"


def have_edge() -> bool:
    return all(shutil.which(program) for program in ("kamailio", "rtpengine", "turnserver"))


@dataclass
class Edge:
    """A running edge. ``port`` takes SIP; ``workers`` are the processes behind it, by SIP port."""

    port: int
    settings: EdgeSettings
    workers: dict[int, asyncio.subprocess.Process]
    rtpengine: asyncio.subprocess.Process
    folder: Path

    def log(self) -> str:
        return (self.folder / "kamailio.log").read_text(errors="replace")


async def _until_ready(output: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while line := await output.readline():  # the stack greets on standard output, too
        yield line
        if b"ready" in line:
            return


async def _worker(running: dict[int, asyncio.subprocess.Process], max_calls: int) -> None:
    for _ in range(5):  # between being found free and being taken, a port may go to somebody else
        port = free_sip_port(_ADDRESS)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.support.echo_worker", str(port), str(max_calls), str(len(running))),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert process.stdout is not None
        async with asyncio.timeout(30):
            ready = any([b"ready" in line async for line in _until_ready(process.stdout)])
        if ready:
            running[port] = process
            return
        await process.wait()
    raise AssertionError("no worker could be started")


@asynccontextmanager
async def edge(folder: Path, *, workers: int = 2, max_calls: int = 5, **more: object) -> AsyncIterator[Edge]:
    """Kamailio and rtpengine with the generated files, in front of ``workers`` echoing processes."""
    port, control = free_sip_port(_ADDRESS), free_sip_port(_ADDRESS)
    running: dict[int, asyncio.subprocess.Process] = {}
    started: list[asyncio.subprocess.Process] = []
    try:
        for _ in range(workers):
            await _worker(running, max_calls)
        settings = EdgeSettings.model_validate(
            {
                "listen_address": _ADDRESS,
                "port": port,
                "trunks": ["127.0.0.1/32"],
                "rtpengine_control": f"{_ADDRESS}:{control}",
                "rtp_port_min": 45000,
                "rtp_port_max": 46999,
                "ping_interval_s": 1,
                **more,
            }
        )
        site = Site(
            workers=[f"{_ADDRESS}:{one}" for one in running],
            max_calls=max_calls,
            max_call_s=600,
            drain_s=5,
            turn_secret="",
            home=folder,
        )
        for name, text in edge_files(settings, site, folder).items():
            (folder / name).write_text(text)
        programs = [
            ["rtpengine", "--config-file", str(folder / "rtpengine.conf"), "--foreground", "--log-stderr"],
            ["kamailio", "-f", str(folder / "kamailio.cfg"), "-DD", "-E", "-Y", str(folder), "-m", "64", "-M", "8"],
        ]
        for number, program in enumerate(programs):
            if number:
                await _rtpengine_answers(control)
            with (folder / f"{program[0]}.log").open("wb") as log:
                started.append(
                    await asyncio.create_subprocess_exec(*program, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
                )
        made = Edge(port, settings, running, started[0], folder)
        await _answers(made)
        yield made
    finally:
        for process in reversed([*running.values(), *started]):
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), 10)
            except TimeoutError:
                process.kill()
                await process.wait()


async def _rtpengine_answers(port: int) -> None:
    """Its control protocol: a cookie and a bencoded command, the same cookie and a bencoded answer."""
    for _ in range(100):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            control.settimeout(0)
            control.connect((_ADDRESS, port))
            with contextlib.suppress(OSError):
                control.send(b"1 d7:command4:pinge")
                await asyncio.sleep(0.1)
                if b"pong" in control.recv(200):
                    return
        await asyncio.sleep(0.1)
    raise AssertionError("rtpengine does not answer")


async def _answers(made: Edge) -> None:
    for _ in range(50):
        async with RawSip(made.port, dialled="ping") as peer:
            peer.send("OPTIONS")
            with contextlib.suppress(TimeoutError):
                await peer.wait(lambda message: message.status == 200, 0.3)
                return
    raise AssertionError(made.log()[-3000:])
