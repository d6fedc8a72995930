"""What a bad network does to a call: packets lost, late or slow, over real SIP and RTP.

    python -m benchmarks.faults [FIXTURES] [--conditions clean loss-1 …] [--json]

The calls of ``benchmarks/data/latency.toml``, one after the other under each condition. Lost and late packets follow
the fixed lists of ``audio_fixtures/packets`` (losses in bursts); ``delay-250`` holds every packet of the caller's back
by so much, so that its reply times are longer by as much. ``cer`` is between what was said and what the service put on
record, over all turns that are on record, ``turns_lost`` those that are not. ``tickets`` are those filed, ``placed``
those of them whose address leads to a unit of the city.
"""

import argparse
import asyncio
import tempfile
import tomllib
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.latency import (
    CALLS,
    ROOT,
    SETTLE_HELP,
    SETTLE_S,
    Block,
    PlannedCall,
    hold,
    percentiles,
    planned_calls,
    product,
    settings_with,
    show,
    tell,
)
from benchmarks.wire import BrokenMedia
from voicebot.core.clock import SystemClock
from voicebot.evaluation.report import CallReports
from voicebot.evaluation.speech import comparable
from voicebot.language.edit_distance import edit_distance
from voicebot.settings import Settings
from voicebot.storage.database import Database

CONDITIONS = ("clean", "loss-1", "loss-3", "loss-5", "loss-10", "jitter-60", "delay-250")


def network(fixtures: Path, condition: str) -> BrokenMedia:
    """The caller's media under a condition; raises `ValueError` for one that nobody knows."""
    if condition == "clean":
        return BrokenMedia()
    if condition.startswith("delay-"):
        return BrokenMedia(late_ms=(float(condition.removeprefix("delay-")),))
    file = fixtures / "packets" / f"{condition}.toml"
    if not file.is_file():
        raise ValueError(f"{condition}: 没有这种线路；有 {'、'.join(CONDITIONS)}")
    listed = tomllib.loads(file.read_text("utf-8"))
    return BrokenMedia(frozenset(listed.get("lost", ())), listed.get("late_ms", (0.0,)))


def spoken_texts(fixtures: Path) -> dict[str, str]:
    """What is said in each recording, by its path in the fixtures."""
    rows = tomllib.loads((fixtures / "manifest.toml").read_text("utf-8"))["file"]
    return {row["path"]: row["text"] for row in rows if "text" in row}


async def measure(
    fixtures: Path, settings: Settings, conditions: Sequence[str], limit: int | None, settle_s: float
) -> dict[str, Any]:
    """Every condition with a service of its own."""
    plans, found = planned_calls(fixtures)[:limit], {}
    texts = [
        [spoken_texts(fixtures)[turn["wav"]] for turn in call["turns"]]
        for call in tomllib.loads(CALLS.read_text("utf-8"))["call"]
    ]
    for condition in conditions:
        tell(condition)
        network(fixtures, condition)
        with tempfile.TemporaryDirectory() as name:
            contender, own = product(Path(name), settings)
            async with contender.running(settle_s):
                database = Database(own.storage)
                try:
                    found[condition] = await _measured(
                        contender.port, fixtures, condition, plans, texts, CallReports(database, SystemClock())
                    )
                finally:
                    database.close()
        tell(f"  字错率 {found[condition]['cer']}%，应答 p50 {found[condition]['reply_ms']['p50']} ms")
    return {"conditions": found}


async def _measured(
    port: int,
    fixtures: Path,
    condition: str,
    plans: Sequence[PlannedCall],
    texts: Sequence[Sequence[str]],
    reports: CallReports,
) -> dict[str, Any]:
    block, wrong, said, lost, tickets, placed = Block(), 0, 0, 0, 0, 0
    for plan, sentences in zip(plans, texts, strict=False):
        since, before = SystemClock().now() - timedelta(seconds=1), len(block.said)
        await hold(port, plan, block, network(fixtures, condition))
        report = await reports.wait_for(plan.number, since)
        if report is None:
            continue
        turns = [turn["text"] for turn in report["turns"] if turn["who"] == "caller"]
        tried = len(block.said) - before
        lost += max(0, tried - len(turns))
        spoken = comparable("".join(sentences[:tried]))
        wrong += edit_distance(spoken, comparable("".join(turns)))
        said += len(spoken)
        tickets += len(report["tickets"])
        placed += sum(bool(ticket["address"]["node"]) for ticket in report["tickets"])
    whole = [one for one in block.said if not one.cut_off]
    return {
        "calls": len(plans),
        "failed_calls": block.failed_calls,
        "turns": len(block.said),
        "turns_lost": lost,
        "reply_ms": percentiles(one.reply_s for one in whole),
        "cut_off": len(block.said) - len(whole),
        "holes": block.holes,
        "cer": round(100 * wrong / max(1, said), 2),
        "tickets": tickets,
        "placed": placed,
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fixtures", type=Path, nargs="?", default=ROOT / "audio_fixtures")
    parser.add_argument("--conditions", nargs="+", default=list(CONDITIONS), help="、".join(CONDITIONS))
    parser.add_argument("--settle-s", type=float, default=SETTLE_S, help=SETTLE_HELP)
    parser.add_argument("--limit", type=int, default=None, help="only so many of the calls")
    parser.add_argument("--models", type=Path, default=None)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    settings = settings_with(options.models)
    report = asyncio.run(measure(options.fixtures, settings, options.conditions, options.limit, options.settle_s))
    show(report, CALLS, as_json=options.json)


if __name__ == "__main__":
    main()
