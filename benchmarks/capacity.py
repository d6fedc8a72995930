"""How many calls a machine holds: conversations, and lines on which nobody speaks, over real SIP and RTP.

    python -m benchmarks.capacity [FIXTURES] [--calls 1 2 4 ...] [--lines 10 30 60] [--workers 1] [--json]

``conversations``: so many callers at once say the recordings of ``benchmarks/data/latency.toml``, one call after the
other, to a service that was started for them. ``held`` means that the 95th percentile of all replies is at most
`REPLY_P95_MS`, holes in the voice are below one in a thousand frames, and nothing failed: no call refused, no reply
missing. ``lines``: so many callers listen and say nothing but a telephone's hiss, so that what remains is media, voice
detection and the bot's own voice; ``gap_ms`` is between two packets of the bot's, dated at the caller, whose own
lateness is in it. Callers and service share the machine; ``callers_cpu_of_a_core`` is what the callers took of it.
``model`` is a straight line through the processor time of every step, and how many calls it says fill the cores.
"""

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.latency import (
    ADDRESS,
    CALLS,
    ROOT,
    SETTLE_HELP,
    SETTLE_S,
    Block,
    PlannedCall,
    measure_of,
    percentiles,
    planned_calls,
    play,
    product,
    settings_with,
    show,
    tell,
)
from benchmarks.wire import WireCaller
from voicebot.core.frames import FRAME_MS
from voicebot.settings import Settings

REPLY_P95_MS = 1200.0
HOLES_PER_1000 = 1.0
LISTEN_S = 25.0
DIAL_EVERY_S = 0.1
_MOST_LINES = 240  # four ports each of the thousand that the service has


async def converse(
    plans: Sequence[PlannedCall], settings: Settings, at_once: int, workers: int, settle_s: float
) -> dict[str, Any]:
    """So many callers at once, a fresh service for them."""
    with tempfile.TemporaryDirectory() as name:
        contender, own = product(Path(name), settings, workers=workers)
        async with contender.running(settle_s):
            before_s, callers_s = contender.cpu_s(), time.process_time()
            block = await play(contender.ports, plans, at_once, 1)
            block.cpu_s = contender.cpu_s() - before_s
            callers_s = time.process_time() - callers_s
            underruns = sum(
                measure_of(f"http://{ADDRESS}:{own.web.port + number}/metrics", "underruns_total")
                for number in range(workers)
            )
    row = {**block.row(), "callers_cpu_of_a_core": round(callers_s / block.wall_s, 2), "underruns": underruns}
    row["cpu_of_a_core"] = round(block.cpu_s / block.wall_s, 3)
    row["all_replies_ms"] = percentiles(said.reply_s for said in block.said if not said.cut_off)
    row["holes_per_1000_frames"] = round(1000 * max(block.holes, underruns) / _frames(block), 3)
    row["held"] = _is_held(row)
    return row


def _frames(block: Block) -> float:
    return max(1.0, 1000 * block.call_s / FRAME_MS)


def _is_held(row: dict[str, Any]) -> bool:
    replies = row["all_replies_ms"]
    return bool(
        replies["p95"] is not None
        and replies["p95"] <= REPLY_P95_MS
        and row["holes_per_1000_frames"] < HOLES_PER_1000
        and not (replies["missing"] or row["failed_calls"])
    )


async def listen(settings: Settings, lines: int, workers: int, settle_s: float, listen_s: float) -> dict[str, Any]:
    """So many silent callers at once."""
    with tempfile.TemporaryDirectory() as name:
        contender, own = product(
            Path(name), settings, sip=f"max_concurrent_calls = {_MOST_LINES // workers}\n", workers=workers
        )
        async with contender.running(settle_s):
            dialling_s = DIAL_EVERY_S * lines + 1
            until_s = time.monotonic() + dialling_s + listen_s + 1  # no call ends while all are measured
            calls = [
                asyncio.create_task(_listen(contender.ports[number % workers], number, until_s))
                for number in range(lines)
            ]
            await asyncio.sleep(dialling_s)
            before_s, callers_s, began_s = contender.cpu_s(), time.process_time(), time.monotonic()
            await asyncio.sleep(listen_s)
            wall_s = time.monotonic() - began_s
            cpu, callers = (
                (now - then) / wall_s for now, then in ((contender.cpu_s(), before_s), (time.process_time(), callers_s))
            )
            heard = await asyncio.gather(*calls)
            underruns = sum(
                measure_of(f"http://{ADDRESS}:{own.web.port + number}/metrics", "underruns_total")
                for number in range(workers)
            )
    gaps = np.concatenate([np.zeros(0), *(gaps for gaps, _ in heard if gaps is not None)])
    return {
        "failed_calls": sum(gaps is None for gaps, _ in heard),
        "gap_ms": percentiles(gap / 1000 for gap in gaps),
        "holes": sum(holes for _, holes in heard),
        "underruns": underruns,
        "cpu_of_a_core": round(cpu, 3),
        "cpu_of_a_core_per_call": round(cpu / lines, 4),
        "callers_cpu_of_a_core": round(callers, 2),
    }


async def _listen(port: int, number: int, until_s: float) -> "tuple[np.ndarray[Any, Any] | None, int]":
    """Milliseconds between the packets of one call, and the holes in its voice; None when it was not answered."""
    await asyncio.sleep(DIAL_EVERY_S * number)
    try:
        async with WireCaller(port, f"138{number:08}") as caller:
            if (await caller.invite(timeout_s=10)).status != 200:
                return None, 0
            while time.monotonic() < until_s and not caller.hung_up:  # noqa: ASYNC110  the bot may hang up
                await asyncio.sleep(0.2)
            if not caller.hung_up:
                await caller.bye()
            instants = np.array([packet.at_s for packet in caller.media.packets])
            return 1000 * np.diff(instants), caller.holes()
    except (TimeoutError, OSError) as error:
        tell(f"    {number}: {type(error).__name__}")
        return None, 0


def line_through(rows: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Processor time over calls as a straight line; ``error_cores`` is its largest miss."""
    calls = np.array([float(number) for number in rows])
    cores = np.array([row["cpu_of_a_core"] for row in rows.values()])
    if len(rows) < 2:
        return {}
    slope, offset = np.polyfit(calls, cores, 1)
    return {
        "cores_per_call": round(float(slope), 4),
        "cores_at_rest": round(float(offset), 3),
        "error_cores": round(float(np.abs(offset + slope * calls - cores).max()), 3),
        "calls_that_fill_a_core": round(float((1 - offset) / slope), 1) if slope > 0 else None,
    }


async def measure(
    plans: Sequence[PlannedCall],
    settings: Settings,
    calls: Sequence[int],
    lines: Sequence[int],
    workers: int,
    settle_s: float,
    listen_s: float = LISTEN_S,
) -> dict[str, Any]:
    """Every step, one after the other."""
    conversations: dict[str, dict[str, Any]] = {}
    for at_once in calls:
        tell(f"{at_once} 路对话")
        conversations[str(at_once)] = row = await converse(plans, settings, at_once, workers, settle_s)
        tell(f"  p95 {row['all_replies_ms']['p95']} ms，{'撑得住' if row['held'] else '撑不住'}")
    silent: dict[str, dict[str, Any]] = {}
    for at_once in lines:
        tell(f"{at_once} 路静听")
        silent[str(at_once)] = row = await listen(settings, at_once, workers, settle_s, listen_s)
        tell(f"  间隔 p99 {row['gap_ms']['p99']} ms，处理器 {row['cpu_of_a_core']} 核")
    held = [int(number) for number, row in conversations.items() if row["held"]]
    return {
        "cores": os.cpu_count(),
        "workers": workers,
        "conversations_held": max(held, default=0),
        "conversations": conversations,
        "lines": silent,
        "model": {"conversations": line_through(conversations), "lines": line_through(silent)},
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fixtures", type=Path, nargs="?", default=ROOT / "audio_fixtures")
    parser.add_argument("--calls", type=int, nargs="*", default=[1, 2, 4, 6, 8, 10, 12], help="conversations at once")
    parser.add_argument("--lines", type=int, nargs="*", default=[10, 30, 60], help="silent callers at once")
    parser.add_argument("--workers", type=int, default=1, help="worker processes; callers take turns")
    parser.add_argument("--settle-s", type=float, default=SETTLE_S, help=SETTLE_HELP)
    parser.add_argument("--listen-s", type=float, default=LISTEN_S, help="how long silent callers stay")
    parser.add_argument("--limit", type=int, default=None, help="only so many of the calls")
    parser.add_argument("--models", type=Path, default=None)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if max([*options.lines, 0]) > _MOST_LINES:
        parser.error(f"at most {_MOST_LINES} lines")
    plans = planned_calls(options.fixtures)[: options.limit]
    report = asyncio.run(
        measure(
            plans,
            settings_with(options.models),
            options.calls,
            options.lines,
            options.workers,
            options.settle_s,
            options.listen_s,
        )
    )
    show(report, CALLS, as_json=options.json)


if __name__ == "__main__":
    main()
