"""Several processes that take calls, and the one that watches over them.

Each worker is the whole service with ports of its own and shares nothing with the others but the database: a SIP
stack is one per process, and a process that dies takes only its own calls with it. The supervisor starts them,
starts a dead one again, ends one that no longer answers, and passes the order to stop on, so that no call is cut
before its limit. An edge (`telephony.edge`) spreads the calls over them.
"""

import asyncio
import contextlib
import ctypes
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import aiohttp
import structlog

from telephony.sip.addresses import shown_address
from voicebot.settings import Settings

log = structlog.get_logger(__name__)

Progress = Callable[[str], None]

SIP_PORT_STEP = 2
"""A worker's TLS port is the one after its SIP port."""

_LOOK_S = 2.0
_LOOK_TIMEOUT_S = 5.0
_DEAF_LOOKS = 5  # in a row without an answer: its event loop hangs, and so do its calls
_AGAIN_S = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0)  # after the first death, the second, …
_STEADY_S = 60.0  # having been well for so long, a worker's next death counts as its first
_GIVE_UP_AFTER = 3  # deaths in a row before it was ever ready
_AFTER_DRAIN_S = 20.0  # to write the records and go
_PR_SET_PDEATHSIG = 1  # prctl(2)


def ports_of(settings: Settings, number: int) -> dict[str, int]:
    """The ports of worker ``number`` (0, 1, …), by the name of their setting."""
    rtp_min = settings.sip.rtp_port_min + number * settings.rtp_ports_per_worker
    ports = {
        "sip__port": settings.sip.port + SIP_PORT_STEP * number,
        "sip__rtp_port_min": rtp_min,
        "sip__rtp_port_max": rtp_min + settings.rtp_ports_per_worker - 1,
        "web__port": settings.web.port + number,
    }
    if settings.audiosocket is not None:
        ports["audiosocket__port"] = settings.audiosocket.port + number
        if settings.audiosocket.agi_port is not None:
            ports["audiosocket__agi_port"] = settings.audiosocket.agi_port + number
    if settings.websocket is not None:
        ports["websocket__port"] = settings.websocket.port + number
    return ports


def environment_of(settings: Settings, number: int) -> dict[str, str]:
    """What makes a process worker ``number``: settings, given in the environment."""
    mine: dict[str, object] = {**ports_of(settings, number), "workers": 1, "worker_name": number}
    if number > 0:
        mine["tts__render_ahead"] = "false"  # once is enough: all find the clips on the common disk
    return {f"VOICEBOT_{name.upper()}": str(value) for name, value in mine.items()}


def sip_addresses(settings: Settings) -> tuple[str, ...]:
    """``host:port`` of each worker's SIP line, as an edge on this machine or the next one reaches it."""
    if settings.edge.workers:
        return settings.edge.workers
    host = shown_address(settings.sip.listen_address)
    return tuple(f"{host}:{ports_of(settings, number)['sip__port']}" for number in range(settings.workers))


@dataclass(slots=True)
class _Worker:
    number: int
    health: str
    process: asyncio.subprocess.Process | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    ready_s: float | None = None  # since when, in this life
    deaths: int = 0


class Supervisor:
    """Starts ``settings.workers`` times ``command`` and keeps them running."""

    def __init__(self, settings: Settings, command: Sequence[str]):
        host = shown_address(settings.web.host)
        self._settings = settings
        self._command = command
        self._workers = [
            _Worker(number, f"http://{host}:{ports_of(settings, number)['web__port']}")
            for number in range(settings.workers)
        ]
        self._given_up = asyncio.Event()

    async def run(self, stop: asyncio.Event, say: Progress) -> bool:
        """Until ``stop`` is set, or a worker cannot be started at all: then False."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_LOOK_TIMEOUT_S)) as session:
            # The first one makes the database and the clips that all of them use.
            keeping = [asyncio.create_task(self._keep(self._workers[0], session))]
            tasks = [asyncio.create_task(event.wait()) for event in (stop, self._given_up)]
            first = asyncio.create_task(self._workers[0].ready.wait())
            await asyncio.wait([first, *tasks], return_when=asyncio.FIRST_COMPLETED)
            if first.done():
                keeping += [asyncio.create_task(self._keep(worker, session)) for worker in self._workers[1:]]
                say(f"共 {len(self._workers)} 个进程接听，SIP 端口 " + self._sip_ports() + "。")
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in (first, *tasks, *keeping):
                task.cancel()
            await asyncio.gather(first, *tasks, *keeping, return_exceptions=True)
        await asyncio.gather(*(self._end(worker) for worker in self._workers))
        return not self._given_up.is_set()

    def _sip_ports(self) -> str:
        return "、".join(str(ports_of(self._settings, worker.number)["sip__port"]) for worker in self._workers)

    async def _keep(self, worker: _Worker, session: aiohttp.ClientSession) -> None:
        loop = asyncio.get_running_loop()
        while True:
            process = await self._start(worker)
            looking = asyncio.create_task(self._look_after(worker, process, session))
            try:
                code = await process.wait()
            finally:
                looking.cancel()
            if worker.ready_s is not None and loop.time() - worker.ready_s > _STEADY_S:
                worker.deaths = 0
            worker.deaths += 1
            log.error("worker_died", number=worker.number, code=code, deaths=worker.deaths)
            if not worker.ready.is_set() and worker.deaths >= _GIVE_UP_AFTER:
                log.critical("worker_given_up", number=worker.number)
                self._given_up.set()
                return
            await asyncio.sleep(_AGAIN_S[min(worker.deaths, len(_AGAIN_S)) - 1])

    async def _start(self, worker: _Worker) -> asyncio.subprocess.Process:
        worker.ready_s = None
        worker.process = process = await asyncio.create_subprocess_exec(
            *self._command,
            env={**os.environ, **environment_of(self._settings, worker.number)},
            start_new_session=True,  # Ctrl+C reaches the supervisor alone, which passes it on
            preexec_fn=_die_with_parent,
        )
        log.info("worker_started", number=worker.number, pid=process.pid)
        return process

    async def _look_after(
        self, worker: _Worker, process: asyncio.subprocess.Process, session: aiohttp.ClientSession
    ) -> None:
        """Ask for signs of life; a worker that was well and is deaf now is ended, and `_keep` starts it again."""
        while not await _answers(session, f"{worker.health}/readyz"):  # noqa: ASYNC110  another process
            await asyncio.sleep(_LOOK_S)
        worker.ready_s = asyncio.get_running_loop().time()
        worker.ready.set()
        log.info("worker_ready", number=worker.number)
        unheard = 0
        while unheard < _DEAF_LOOKS:
            await asyncio.sleep(_LOOK_S)
            unheard = 0 if await _answers(session, f"{worker.health}/healthz") else unheard + 1
        log.error("worker_deaf", number=worker.number)
        with contextlib.suppress(ProcessLookupError):
            process.kill()

    async def _end(self, worker: _Worker) -> None:
        process = worker.process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(self._settings.drain_s + _AFTER_DRAIN_S):
                await process.wait()
        except TimeoutError:
            log.error("worker_killed", number=worker.number)
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as response:
            return response.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False


def _die_with_parent() -> None:
    """A worker whose supervisor is killed gets SIGTERM from the system: it lets its calls finish and goes (Linux)."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
