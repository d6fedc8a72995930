"""An edge as ``voicebot edge config`` writes it, really running, with workers that say what they hear."""

import asyncio
import contextlib
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from telephony.edge.render import Site, edge_files
from telephony.settings import EdgeSettings
from telephony.sip.runtime import free_sip_port
from tests.support.echo_worker import ADDRESS, end, start_echo_worker
from tests.support.raw_sip import RawSip

EDGE_RTP_PORTS = range(45000, 47000)


def have_edge() -> bool:
    return all(shutil.which(program) for program in ("kamailio", "rtpengine", "turnserver"))


def site(**more: object) -> Site:
    made: dict[str, object] = {
        "workers": ["127.0.0.1:5080", "127.0.0.1:5082"],
        "max_calls": 10,
        "max_browser_calls": 5,
        "max_call_s": 600,
        "drain_s": 5,
        "turn_secret": "",
        "home": Path("/srv/voicebot"),
    }
    return Site(**{**made, **more})  # type: ignore[arg-type]


@dataclass
class Edge:
    """A running edge. ``port`` takes SIP; ``workers`` are the processes behind it, by SIP port."""

    port: int
    settings: EdgeSettings
    folder: Path
    workers: dict[int, asyncio.subprocess.Process] = field(default_factory=dict)
    programs: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)

    def log(self) -> str:
        return (self.folder / "kamailio.log").read_text(errors="replace")

    async def start_rtpengine(self) -> None:
        await self._start("rtpengine", "--config-file", f"{self.folder}/rtpengine.conf", "--foreground", "--log-stderr")
        await self._rtpengine_answers()

    async def start_kamailio(self) -> None:
        small = ("-m", "64", "-M", "8")
        await self._start("kamailio", "-f", f"{self.folder}/kamailio.cfg", "-DD", "-E", "-Y", str(self.folder), *small)
        await self._answers()

    async def _start(self, program: str, *arguments: str) -> None:
        with (self.folder / f"{program}.log").open("ab") as log:
            self.programs[program] = await asyncio.create_subprocess_exec(
                program, *arguments, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    async def _rtpengine_answers(self) -> None:
        """Its control protocol: a cookie and a bencoded command, the same cookie and a bencoded answer."""
        host, _, port = self.settings.rtpengine_control.partition(":")
        for _ in range(100):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
                control.settimeout(0)
                control.connect((host, int(port)))
                with contextlib.suppress(OSError):
                    control.send(b"1 d7:command4:pinge")
                    await asyncio.sleep(0.1)
                    if b"pong" in control.recv(200):
                        return
            await asyncio.sleep(0.1)
        raise AssertionError("rtpengine does not answer")

    async def _answers(self) -> None:
        for _ in range(50):
            async with RawSip(self.port, dialled="ping") as peer:
                peer.send("OPTIONS")
                with contextlib.suppress(TimeoutError):
                    await peer.wait(lambda message: message.status == 200, 0.3)
                    return
        raise AssertionError(self.log()[-3000:])


@asynccontextmanager
async def edge(folder: Path, *, workers: int = 2, max_calls: int = 5, **more: object) -> AsyncIterator[Edge]:
    """Kamailio and rtpengine with the generated files, in front of ``workers`` echoing processes."""
    port, control = free_sip_port(ADDRESS), free_sip_port(ADDRESS)
    settings = EdgeSettings.model_validate(
        {
            "listen_address": ADDRESS,
            "port": port,
            "trunks": ["127.0.0.1/32"],
            "rtpengine_control": f"{ADDRESS}:{control}",
            "rtp_port_min": EDGE_RTP_PORTS.start,
            "rtp_port_max": EDGE_RTP_PORTS.stop - 1,
            "ping_interval_s": 1,
            **more,
        }
    )
    made = Edge(port, settings, folder)
    try:
        for number in range(workers):
            worker_port, process = await start_echo_worker(max_calls, number)
            made.workers[worker_port] = process
        behind = site(workers=[f"{ADDRESS}:{one}" for one in made.workers], max_calls=max_calls)
        for name, text in edge_files(settings, behind, folder).items():
            (folder / name).write_text(text)
        await made.start_rtpengine()
        await made.start_kamailio()
        yield made
    finally:
        for process in (*made.workers.values(), *made.programs.values()):
            await end(process)
