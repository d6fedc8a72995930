"""Does the service stay as it is for hours? Calls come and go, one lasts an hour, and its memory is watched.

    python -m benchmarks.soak [FIXTURES] [--minutes 120] [--calls 2] [--long-minutes 60] [--keep FILE] [--json]

``--calls`` callers make the calls of ``benchmarks/data/latency.toml`` again and again, `BETWEEN_S` apart; one more
stays on the line for ``--long-minutes`` and asks a question every now and then. Every `--every-s` the service's
resident memory, open files, threads and asyncio tasks are read. ``growth_mb_per_h`` is the slope of a straight line
through the memory behind the first ten minutes (a twelfth of a shorter run), ``at_rest`` compares files, threads and
tasks before the first call and after the last one. ``reply_ms`` is by tenths of the run. ``--keep`` writes every
sample to a file as it is taken, for a run that may be cut short.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
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
    Contender,
    PlannedCall,
    hold,
    measure_of,
    percentiles,
    planned_calls,
    product,
    settings_with,
    show,
    tell,
)
from benchmarks.wire import Sentence, WireCaller, read_sentence
from voicebot.settings import Settings

BETWEEN_S = 3.0
ASK_EVERY_S = 12.0
REST_S = 20.0  # behind the last call, until what it held is given back
BINS = 10
QUESTIONS = ("retirement-age", "heating-date", "marriage-registration", "social-card-lost", "provident-fund-rent")
LONG_CALLER = "13937912399"


@dataclass(frozen=True, slots=True)
class Sample:
    """The service at one instant."""

    at_s: float
    rss_mb: float
    files: int
    threads: int
    tasks: int
    calls: int


def sample(contender: Contender, url: str, began_s: float) -> Sample:
    """Read the process and its own counts."""
    process = Path(f"/proc/{contender.pid}")
    status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    return Sample(
        at_s=round(time.monotonic() - began_s, 1),
        rss_mb=round(int(status["VmRSS"].split()[0]) / 1024, 2),
        files=len(list((process / "fd").iterdir())),
        threads=int(status["Threads"]),
        tasks=measure_of(url, "tasks"),
        calls=measure_of(url, "calls_active"),
    )


async def come_and_go(port: int, plans: Sequence[PlannedCall], first: int, block: Block, until_s: float) -> int:
    """One caller who rings again and again; how often."""
    for made, plan in enumerate(itertools.islice(itertools.cycle(plans), first, None)):
        if time.monotonic() > until_s:
            return made
        await hold(port, plan, block)
        await asyncio.sleep(BETWEEN_S)
    raise AssertionError  # the cycle does not end


async def stay(port: int, questions: Sequence[Sentence], block: Block, until_s: float) -> float:
    """One caller who stays; minutes on the line."""
    began_s = time.monotonic()
    try:
        async with WireCaller(port, LONG_CALLER) as caller:
            if (await caller.invite()).status != 200:
                block.failed_calls += 1
                return 0.0
            for question in itertools.cycle(questions):
                block.said.append(await caller.say(question))
                caller.forget()
                if time.monotonic() > until_s or caller.hung_up:
                    break
                await asyncio.sleep(ASK_EVERY_S)
            if not caller.hung_up:
                await caller.bye()
    except (TimeoutError, OSError):
        block.failed_calls += 1
    return (time.monotonic() - began_s) / 60


def growth(samples: Sequence[Sample], begin_s: float) -> float:
    """MB an hour from ``begin_s`` on, by a straight line."""
    later = [one for one in samples if one.at_s >= begin_s]
    if len(later) < 3:
        return 0.0
    slope = np.polyfit([one.at_s / 3600 for one in later], [one.rss_mb for one in later], 1)[0]
    return round(float(slope), 2)


async def measure(
    fixtures: Path,
    settings: Settings,
    minutes: float,
    calls: int,
    long_minutes: float,
    every_s: float,
    settle_s: float,
    keep: Path | None,
    rest_s: float = REST_S,
) -> dict[str, Any]:
    """The whole run."""
    plans = planned_calls(fixtures)
    questions = [read_sentence(fixtures / "mandarin" / f"{name}.wav") for name in QUESTIONS]
    samples: list[Sample] = []
    going, staying = Block(), Block()
    replies: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as name:
        contender, own = product(Path(name), settings, sip="max_call_s = 86400\n")
        url = f"http://{ADDRESS}:{own.web.port}/metrics"
        async with contender.running(settle_s):
            began_s = time.monotonic()
            rest = sample(contender, url, began_s)
            until_s = began_s + 60 * minutes
            rows = keep.open("a") if keep else contextlib.nullcontext()

            async def watch() -> None:
                known = 0
                with rows as file:
                    while True:
                        samples.append(newest := sample(contender, url, began_s))
                        said = [*going.said]
                        replies.extend((newest.at_s, one.reply_s) for one in said[known:] if one.reply_s is not None)
                        known = len(said)
                        if file is not None:
                            file.write(json.dumps({field: getattr(newest, field) for field in Sample.__slots__}) + "\n")
                            file.flush()
                        tell(f"  {newest.at_s / 60:.1f} 分：{newest.rss_mb} MB，{newest.files} 个文件，"
                             f"{newest.threads} 个线程，{newest.tasks} 个任务，{newest.calls} 路")  # fmt: skip
                        await asyncio.sleep(every_s)

            watching = asyncio.create_task(watch())
            *made, stayed_min = await asyncio.gather(
                *(come_and_go(contender.port, plans, number, going, until_s) for number in range(calls)),
                stay(contender.port, questions, staying, began_s + 60 * min(minutes, long_minutes)),
            )
            await asyncio.sleep(rest_s)
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            after = sample(contender, url, began_s)
            underruns = measure_of(url, "underruns_total")
    return {
        "minutes": round(after.at_s / 60, 1),
        "calls_made": int(sum(made)) + 1,
        "long_call_minutes": round(stayed_min, 1),
        "failed_calls": going.failed_calls + staying.failed_calls,
        "missing": sum(one.reply_s is None for one in going.said + staying.said),
        "turns": len(going.said) + len(staying.said),
        "holes": going.holes,
        "underruns": underruns,
        "growth_mb_per_h": growth(samples, min(600.0, 60 * minutes / 12)),
        "rss_mb": {"first": rest.rss_mb, "last": after.rss_mb, "most": max(one.rss_mb for one in samples)},
        "at_rest": {
            field: {"before": getattr(rest, field), "after": getattr(after, field)}
            for field in ("files", "threads", "tasks", "calls")
        },
        "reply_ms": _by_tenths(replies, after.at_s),
        "samples": [[getattr(one, field) for field in Sample.__slots__] for one in samples],
        "sample_fields": list(Sample.__slots__),
    }


def _by_tenths(replies: Sequence[tuple[float, float]], total_s: float) -> list[dict[str, Any]]:
    bins: list[list[float]] = [[] for _ in range(BINS)]
    for at_s, reply_s in replies:
        bins[min(BINS - 1, int(BINS * at_s / total_s))].append(reply_s)
    return [percentiles(each) for each in bins]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fixtures", type=Path, nargs="?", default=ROOT / "audio_fixtures")
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--calls", type=int, default=2, help="callers who come and go")
    parser.add_argument("--long-minutes", type=float, default=60, help="how long the one who stays does")
    parser.add_argument("--every-s", type=float, default=30, help="seconds between two samples")
    parser.add_argument("--settle-s", type=float, default=SETTLE_S, help=SETTLE_HELP)
    parser.add_argument("--rest-s", type=float, default=REST_S, help="wait behind the last call before the last look")
    parser.add_argument("--keep", type=Path, default=None, help="append every sample to this file as it is taken")
    parser.add_argument("--models", type=Path, default=None)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    report = asyncio.run(
        measure(
            options.fixtures,
            settings_with(options.models),
            options.minutes,
            options.calls,
            options.long_minutes,
            options.every_s,
            options.settle_s,
            options.keep,
            options.rest_s,
        )
    )
    show(report, CALLS, as_json=options.json)


if __name__ == "__main__":
    main()
