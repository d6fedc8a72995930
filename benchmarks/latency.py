"""How long a caller waits for the reply, over real SIP and RTP, beside pipecat's stock pipeline in the same run.

    python -m benchmarks.latency [FIXTURES] [--calls 1 4 6] [--peers spoken] [--rounds 1] [--json]

Callers say the recordings of ``benchmarks/data/latency.toml`` (FIXTURES is the folder they are relative to), each
after the bot has finished. Everything is dated on the caller's side by the packets: from the last sample of a sentence
to the first audible sample of the reply, no matter what it says. Reply times and cut-offs belong together: a bot that
starts to speak in a pause of the caller's sentence has cut them off, and that turn has no reply time. ``missing`` is a
turn without any reply within 12 s, ``holes`` counts a voice torn off in full sound that comes back within half a
second. ``stages_ms`` are our own service's instants, from the end of speech as it saw it; ``text_ms`` is from the
decision that the turn is over to its final text.

The service is the product as it is started by ``voicebot serve``, with a database of its own; the peer is
`benchmarks.stock_pipeline`. They run one after the other, with nothing else running.
"""

import argparse
import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.request
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.provenance import provenance
from benchmarks.wire import HissingMedia, Said, Sentence, WireCaller, read_sentence
from telephony.sip.runtime import free_sip_port
from tests.support.hotline import Hotline
from voicebot.app.workers import ports_of
from voicebot.core.clock import SystemClock
from voicebot.evaluation.report import CallReports
from voicebot.settings import Settings, load_settings
from voicebot.storage.database import Database

ROOT = Path(__file__).resolve().parent.parent
CALLS = ROOT / "benchmarks" / "data" / "latency.toml"
ADDRESS = "127.0.0.1"
READY_WITHIN_S, STOP_WITHIN_S = 900.0, 30.0
SETTLE_S = 900.0
SETTLE_HELP = "longest wait until a started service is idle: a first start goes on to render answers ahead"
IDLE_S, IDLE_SHARE = 3.0, 0.1  # seconds to look at, and the share of a core that still counts as idle
STAGGER_S = 1.7  # between the first words of callers that call at once
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """What one caller says, sentence by sentence."""

    number: str
    sentences: tuple[Sentence, ...]


@dataclass(slots=True)
class Block:
    """What some callers at once met."""

    said: list[Said] = field(default_factory=list)
    holes: int = 0
    cpu_s: float = 0.0
    wall_s: float = 0.0
    call_s: float = 0.0
    failed_calls: int = 0

    def row(self) -> dict[str, Any]:
        """The figures of a contender."""
        whole = [said for said in self.said if not said.cut_off]
        paused = [said for said in self.said if said.sentence.pauses]
        return {
            "reply_ms": percentiles(said.reply_s for said in whole if not said.sentence.new),
            "new_text_ms": percentiles(said.reply_s for said in whole if said.sentence.new),
            "cut_off": len(self.said) - len(whole),
            "cut_off_in_pauses": f"{sum(said.cut_off for said in paused)}/{len(paused)}",
            "failed_calls": self.failed_calls,
            "holes": self.holes,
            "cpu_of_a_core_per_call": round(self.cpu_s / self.call_s, 3) if self.call_s else None,
            "wall_s": round(self.wall_s),
        }


def percentiles(seconds: Iterable[float | None]) -> dict[str, Any]:
    """Milliseconds; replies that never came are counted, not left out in silence."""
    everything = list(seconds)
    ms = [1000 * value for value in everything if value is not None]
    found = {f"p{q}": round(float(np.percentile(ms, q)), 1) if ms else None for q in (50, 95, 99)}
    return {**found, "n": len(everything), "missing": len(everything) - len(ms)}


def planned_calls(fixtures: Path) -> list[PlannedCall]:
    """The calls of the data file."""
    calls = tomllib.loads(CALLS.read_text("utf-8"))["call"]
    return [
        PlannedCall(
            call["number"],
            tuple(
                read_sentence(fixtures / turn["wav"], new=turn.get("new", False), pauses=turn.get("pauses", False))
                for turn in call["turns"]
            ),
        )
        for call in calls
    ]


async def hold(port: int, plan: PlannedCall, block: Block, media: HissingMedia | None = None) -> None:
    """One call from dialling to hanging up, over ``media`` when its network is not a good one."""
    try:
        async with WireCaller(port, plan.number, media) as caller:
            answer = await caller.invite()
            if answer.status != 200:
                block.failed_calls += 1
                return
            began_s = time.monotonic()
            for sentence in plan.sentences:
                block.said.append(said := await caller.say(sentence))
                reply = "—" if said.reply_s is None else f"{1000 * said.reply_s:.0f} ms"
                tell(f"    {plan.number[-2:]} {sentence.name}: {reply}{'，被抢话' if said.cut_off else ''}")
                if caller.hung_up:
                    break
            if not caller.hung_up:
                await caller.until_finished()
                with contextlib.suppress(TimeoutError):
                    await caller.bye()
            block.call_s += time.monotonic() - began_s
            block.holes += caller.holes()
    except (TimeoutError, OSError) as error:
        tell(f"    {plan.number[-2:]} 通话失败：{type(error).__name__}")
        block.failed_calls += 1


async def play(port: int | Sequence[int], plans: Sequence[PlannedCall], at_once: int, rounds: int) -> Block:
    """One caller makes all calls ``rounds`` times; several share twice as many, each beginning with another call.

    Of several ports (of workers) the callers take turns.
    """
    ports = [port] if isinstance(port, int) else port
    block, began_s = Block(), time.monotonic()

    async def caller(number: int) -> None:
        await asyncio.sleep(STAGGER_S * number)
        for turn in range(rounds * len(plans) if at_once == 1 else max(1, 2 * rounds * len(plans) // at_once)):
            await hold(ports[number % len(ports)], plans[(number + turn) % len(plans)], block)

    await asyncio.gather(*(caller(number) for number in range(at_once)))
    block.wall_s = time.monotonic() - began_s
    return block


class Contender:
    """A server process that takes SIP calls."""

    def __init__(
        self,
        command: Sequence[str],
        port: int,
        log: Path,
        ready_urls: Sequence[str] = (),
        ports: Sequence[int] = (),
        environment: Mapping[str, str] | None = None,
    ):
        """``ports``: one for each of its workers, where it has several."""
        self.port = port
        self.ports = tuple(ports) or (port,)
        self._command = command
        self._log = log
        self._ready_urls = ready_urls
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process, while it runs."""
        assert self._process is not None  # noqa: S101  asked only while it runs
        return self._process.pid

    @contextlib.asynccontextmanager
    async def running(self, settle_s: float = SETTLE_S) -> AsyncIterator[None]:
        """Started, ready and idle; stopped afterwards. Raises `RuntimeError` with its log when it does not start."""
        self._process = self._start()
        try:
            await self._wait_until_ready(self._process)
            await self._wait_until_idle(settle_s)
            yield
        finally:
            self._process.send_signal(signal.SIGTERM)
            try:
                await asyncio.to_thread(self._process.wait, STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                await asyncio.to_thread(self._process.wait)

    def cpu_s(self) -> float:
        """Processor time so far, of all its threads and worker processes (0 where the system has no /proc)."""
        total = 0.0
        for pid in (self.pid, *_children(self.pid)):
            with contextlib.suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                total += (int(fields[11]) + int(fields[12])) / _TICKS
        return total

    def _start(self) -> "subprocess.Popen[bytes]":
        with self._log.open("ab") as log:
            return subprocess.Popen(self._command, stdout=log, stderr=log, cwd=ROOT, env=self._environment)

    async def _wait_until_idle(self, settle_s: float) -> None:
        # A first start goes on to render answers ahead, which a service that has run for a while has done.
        until_s = time.monotonic() + settle_s
        while time.monotonic() < until_s:
            before_s = self.cpu_s()
            await asyncio.sleep(IDLE_S)
            if self.cpu_s() - before_s < IDLE_SHARE * IDLE_S:
                return

    async def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        until_s = time.monotonic() + READY_WITHIN_S
        while not await asyncio.to_thread(self._is_ready):
            if process.poll() is not None or time.monotonic() > until_s:
                raise RuntimeError(f"没能启动：\n{self._log.read_text(errors='replace')[-2000:]}")
            await asyncio.sleep(0.3)

    def _is_ready(self) -> bool:
        if not self._ready_urls:
            return "\nready\n" in self._log.read_text(errors="replace")
        try:
            for url in self._ready_urls:
                with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310
                    if not json.load(answer)["ready"]:
                        return False
        except OSError:
            return False
        return True


def _children(pid: int) -> list[str]:
    found: list[str] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += task.read_text().split()
    return found


def product(folder: Path, settings: Settings, sip: str = "", workers: int = 1) -> tuple[Contender, Settings]:
    """``voicebot serve`` with its own ports and database, and the caches of this checkout; ``sip`` is TOML."""
    hotline = Hotline.make(folder, settings.models_dir.resolve(), more="[dialog]\nrepeat_days = 0\n", sip=sip)
    own = hotline.settings
    ports = [ports_of(own.model_copy(update={"workers": workers}), number) for number in range(workers)]
    log = folder / "product.log"
    contender = Contender(
        hotline.command_line,
        own.sip.port,
        log,
        [f"http://{ADDRESS}:{each['web__port']}/readyz" for each in ports],
        [each["sip__port"] for each in ports],
        {"VOICEBOT_WORKERS": str(workers)},
    )
    return contender, own


def peer(folder: Path, settings: Settings, reply: str) -> Contender:
    """Pipecat's stock pipeline."""
    port = free_sip_port(ADDRESS)
    command = [sys.executable, "-m", "benchmarks.stock_pipeline", "--port", str(port)]
    command += ["--models", str(settings.models_dir.resolve()), "--reply", reply]
    return Contender(command, port, folder / f"peer-{reply}.log")


async def stages(settings: Settings) -> dict[str, Any]:
    """What the service itself recorded of every turn; read after it has stopped."""
    database = Database(settings.storage)
    try:
        reports = CallReports(database, SystemClock())
        call_ids = await database.read(
            lambda connection: [row[0] for row in connection.exec_driver_sql("select call_id from calls")]
        )
        found = [await reports.read(call_id) for call_id in call_ids]
    finally:
        database.close()
    rows = [row for report in found if report for row in report["latency_ms"].values()]
    text = [
        (row["final_text"] - row["end_of_turn"]) / 1000 for row in rows if {"final_text", "end_of_turn"} <= set(row)
    ]
    names = ("end_of_turn", "final_text", "first_action", "first_audio_out")
    return {
        "text_ms": percentiles(text),
        "stages_ms": {name: percentiles(row[name] / 1000 for row in rows if name in row) for name in names},
    }


def measure_of(url: str, name: str) -> int:
    """What the service itself counts, e.g. ``underruns_total``: holes in its voice."""
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310
        found = re.search(rf"^voicebot_{name} (\S+)", answer.read().decode(), re.MULTILINE)
    return int(float(found[1])) if found else 0


async def measure(
    plans: Sequence[PlannedCall],
    settings: Settings,
    at_once: Sequence[int],
    peers: Sequence[str],
    rounds: int,
    settle_s: float = SETTLE_S,
) -> dict[str, Any]:
    """Every number of callers against every contender."""
    blocks: dict[str, Any] = {}
    for calls in at_once:
        with tempfile.TemporaryDirectory() as name:
            contender, own_settings = product(Path(name), settings)
            tell(f"本产品，{calls} 路")
            async with contender.running(settle_s):
                row = await _measured(contender, plans, calls, rounds)
                row["underruns"] = measure_of(f"http://{ADDRESS}:{own_settings.web.port}/metrics", "underruns_total")
            block = {**row, **await stages(own_settings)}
            for reply in peers:
                tell(f"pipecat（{reply}），{calls} 路")
                other = peer(Path(name), settings, reply)
                async with other.running(settle_s):
                    block["peer" if reply == "spoken" else f"peer_{reply}"] = await _measured(
                        other, plans, calls, rounds
                    )
            blocks[str(calls)] = block
    return {"calls_at_once": blocks}


async def _measured(contender: Contender, plans: Sequence[PlannedCall], at_once: int, rounds: int) -> dict[str, Any]:
    before_s = contender.cpu_s()
    block = await play(contender.port, plans, at_once, rounds)
    block.cpu_s = contender.cpu_s() - before_s
    return block.row()


def tell(text: str) -> None:
    """Progress, on stderr."""
    print(text, file=sys.stderr, flush=True)


def settings_with(models: Path | None) -> Settings:
    """The settings of this checkout, with another folder of models when one is given."""
    settings = load_settings(None)
    return settings.model_copy(update={"models_dir": models}) if models else settings


def show(report: dict[str, Any], source: Path, *, as_json: bool) -> None:
    """Print a result with where it came from: on one line, or to be read."""
    print(json.dumps({**report, **provenance(source)}, ensure_ascii=False, indent=None if as_json else 2))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fixtures", type=Path, nargs="?", default=ROOT / "audio_fixtures")
    parser.add_argument("--calls", type=int, nargs="+", default=[1, 4, 6], help="callers at once")
    parser.add_argument("--peers", nargs="*", choices=("spoken", "ready"), default=["spoken"])
    parser.add_argument("--rounds", type=int, default=1, help="how often the calls are made")
    parser.add_argument("--settle-s", type=float, default=SETTLE_S, help=SETTLE_HELP)
    parser.add_argument("--limit", type=int, default=None, help="only so many of the calls")
    parser.add_argument("--models", type=Path, default=None)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    settings = settings_with(options.models)
    plans = planned_calls(options.fixtures)[: options.limit]
    report = asyncio.run(measure(plans, settings, options.calls, options.peers, options.rounds, options.settle_s))
    show(report, CALLS, as_json=options.json)


if __name__ == "__main__":
    main()
