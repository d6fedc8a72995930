"""Who stops the bot, and how fast: real interruptions and asides said into its answer, over real SIP and RTP.

    python -m benchmarks.barge_in [FIXTURES] [--rounds 1] [--no-peer] [--json]

Each case of ``benchmarks/data/barge_in.toml`` is a call of its own: a question, and some seconds into the answer a
sentence that interrupts, or a cough, 嗯嗯, a door, music. ``silent_ms`` is from the first audible sample of an
interruption to the last of the bot's before it is silent for 300 ms, by the packets on the caller's side. An
interruption is obeyed when it was taken as a turn of the caller or the answer was given up; an aside that does neither
is harmless: both as the service's own record has it (turns, what it wanted to say, what was heard). ``held`` counts
harmless asides after which the bot was silent for a moment and went on, a pause of its own included.

The ``peer`` is pipecat's stock pipeline (`benchmarks.stock_pipeline`) with one long sentence as its answer. What it has
stopped saying it never says again, so it gave way when it was silent for 300 ms within a second of the words.
"""

import argparse
import asyncio
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.latency import ROOT, SETTLE_HELP, SETTLE_S, peer, percentiles, product, settings_with, show, tell
from benchmarks.wire import Sentence, WireCaller, read_sentence, without_lead
from voicebot.core.clock import SystemClock
from voicebot.core.frames import SAMPLE_RATE_HZ
from voicebot.evaluation.report import CallReports
from voicebot.settings import Settings
from voicebot.storage.database import Database

CASES = ROOT / "benchmarks" / "data" / "barge_in.toml"
KINDS = ("interruptions", "asides")
AFTERWARDS_S = 3.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """One case: seconds until the bot was silent (None: it never was), and whether it gave way."""

    name: str
    silent_s: float | None
    gave_way: bool


async def try_one(
    port: int, number: str, question: Sentence, aside: Sentence, into_s: float, reports: CallReports | None
) -> Outcome:
    """One call; without ``reports`` a bot that was silent has given way."""
    since = SystemClock().now() - timedelta(seconds=1)
    async with WireCaller(port, number) as caller:
        answer = await caller.invite()
        if answer.status != 200:
            raise RuntimeError(f"没有接通：{answer.first}")
        await caller.say(question)
        await asyncio.sleep(into_s)
        begun_s, spoken_s = await caller.interrupt(aside)
        await asyncio.sleep(AFTERWARDS_S)
        silent_s = caller.silent_after(begun_s, spoken_s + 1.0)
        await caller.until_finished()
        if not caller.hung_up:
            await caller.bye()
    if reports is None:
        return Outcome(aside.name, silent_s, silent_s is not None)
    report = await reports.wait_for(number, since)
    if report is None:
        raise RuntimeError("记录里没有这通电话。")
    return Outcome(aside.name, silent_s, _gave_way(report))


def _gave_way(report: Mapping[str, Any]) -> bool:
    """Was what was said into the answer taken as a turn, or the answer not heard to its last word?"""
    turns = report["turns"]
    asked = next(at for at, turn in enumerate(turns) if turn["who"] == "caller")
    later = turns[asked + 1 :]
    return any(turn["who"] == "caller" or turn["text"] != turn["raw_text"] for turn in later)


@dataclass(frozen=True, slots=True)
class Cases:
    """What is said into which answer."""

    question: Sentence
    into_answer_s: float
    groups: Mapping[str, Sequence[Sentence]]

    @classmethod
    def read(cls, fixtures: Path, limit: int | None) -> "Cases":
        """The cases of the data file."""
        data = tomllib.loads(CASES.read_text("utf-8"))
        groups = {kind: [_piece(fixtures, case) for case in data[kind][:limit]] for kind in KINDS}
        return cls(read_sentence(fixtures / data["question"]), data["into_answer_s"], groups)


async def measure(cases: Cases, settings: Settings, rounds: int, settle_s: float, *, with_peer: bool) -> dict[str, Any]:
    """Every case, one call after the other, of the product and then of the peer."""
    with tempfile.TemporaryDirectory() as name:
        contender, own_settings = product(Path(name), settings)
        async with contender.running(settle_s):
            database = Database(own_settings.storage)
            try:
                report = await _tried(cases, contender.port, rounds, CallReports(database, SystemClock()))
            finally:
                database.close()
        if with_peer:
            tell("pipecat")
            other = peer(Path(name), settings, "long")
            async with other.running(settle_s):
                report["peer"] = await _tried(cases, other.port, rounds, None)
    return report


async def _tried(cases: Cases, port: int, rounds: int, reports: CallReports | None) -> dict[str, Any]:
    outcomes: dict[str, list[Outcome]] = {kind: [] for kind in cases.groups}
    for turn in range(rounds):
        for kind, sentences in cases.groups.items():
            for at, sentence in enumerate(sentences):
                number = f"139{len(kind):02}{turn:03}{at:03}"
                into_s = cases.into_answer_s + 0.7 * turn
                found = await try_one(port, number, cases.question, sentence, into_s, reports)
                outcomes[kind].append(found)
                silent = "—" if found.silent_s is None else f"{1000 * found.silent_s:.0f} ms"
                tell(f"  {kind} {found.name}：安静 {silent}，{'让出话头' if found.gave_way else '接着说'}")
    return {**_interruptions(outcomes["interruptions"]), **_asides(outcomes["asides"])}


def _piece(fixtures: Path, case: Mapping[str, Any]) -> Sentence:
    sentence = read_sentence(fixtures / case["wav"])
    begin, end = (round(case.get(key, default) * SAMPLE_RATE_HZ) * 2 for key, default in (("from_s", 0), ("to_s", 999)))
    return without_lead(replace(sentence, pcm=sentence.pcm[begin:end]))


def _interruptions(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    return {
        "silent_ms": percentiles(outcome.silent_s for outcome in outcomes),
        "obeyed": {"n": len(outcomes), "right": sum(outcome.gave_way for outcome in outcomes)},
    }


def _asides(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    return {
        "asides": {
            "n": len(outcomes),
            "stopped": sum(outcome.gave_way for outcome in outcomes),
            "held": sum(not outcome.gave_way and outcome.silent_s is not None for outcome in outcomes),
            "stopped_by": sorted({outcome.name for outcome in outcomes if outcome.gave_way}),
        }
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fixtures", type=Path, nargs="?", default=ROOT / "audio_fixtures")
    parser.add_argument(
        "--rounds", type=int, default=1, help="how often each case is tried, later in the answer each time"
    )
    parser.add_argument("--settle-s", type=float, default=SETTLE_S, help=SETTLE_HELP)
    parser.add_argument("--limit", type=int, default=None, help="only so many cases of each kind")
    parser.add_argument("--peer", action=argparse.BooleanOptionalAction, default=True, help="pipecat in the same run")
    parser.add_argument("--models", type=Path, default=None)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    settings = settings_with(options.models)
    cases = Cases.read(options.fixtures, options.limit)
    report = asyncio.run(measure(cases, settings, options.rounds, options.settle_s, with_peer=options.peer))
    show(report, CASES, as_json=options.json)


if __name__ == "__main__":
    main()
