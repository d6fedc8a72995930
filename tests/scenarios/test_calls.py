"""Scenarios against the running service, by real SIP calls from three clients."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from sqlalchemy import update

from tests.support.hotline import Hotline
from tests.support.models import require_models
from tests.support.sip_peers import Tape, baresip_call, free_tcp_port, have_baresip, have_sipp, sipp_call
from voicebot.core.clock import SystemClock
from voicebot.core.frames import SAMPLE_RATE_HZ
from voicebot.core.ticket import TicketState
from voicebot.evaluation.report import CallReports
from voicebot.evaluation.scenario import load_scenario
from voicebot.storage.database import Database
from voicebot.storage.tables import tickets

pytestmark = [pytest.mark.engine, pytest.mark.network, pytest.mark.slow, pytest.mark.timeout(1200)]

FOLDER = Path(__file__).parent
# A call lasts as long as it lasts: the suite places one of each outcome and the longest, one of them with every
# client; `make calls` places all of them with all three.
SCENARIOS = tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))
IN_THE_SUITE = ("ask_for_a_person", "barbecue_step_by_step", "correction_at_readback", "fire")


def marked(*in_the_suite: str) -> list[Any]:
    return [name if name in in_the_suite else pytest.param(name, marks=pytest.mark.long) for name in SCENARIOS]


_SLACK_S = 1.0  # more time for each reply than in the call that is replayed, since a tape cannot wait


@pytest.fixture(scope="module")
def hotline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hotline]:
    require_models("whisper-base", "kokoro")
    doors = (
        f"[audiosocket]\nport = {free_tcp_port()}\n"
        f'[websocket]\nport = {free_tcp_port()}\nuser = "asterisk"\npassword = "secret"\n'
    )
    service = Hotline.make(tmp_path_factory.mktemp("hotline"), more=doors)
    service.start()
    yield service
    assert service.stop() == 0, service.log()[-3000:]


@pytest.fixture(scope="module")
def reports() -> dict[str, dict[str, Any]]:
    """What our own client was told, for the clients that replay it."""
    return {}


async def call(hotline: Hotline, reports: dict[str, dict[str, Any]], name: str) -> dict[str, Any]:
    if name not in reports:
        reports[name] = await hotline.call(FOLDER / f"{name}.toml")
        await all_done(hotline)
    return reports[name]


async def all_done(hotline: Hotline) -> None:
    """The offices have finished every ticket: the next call about the same matter is no repeat.

    A repeat is read back with a sentence more, for which a tape cannot wait.
    """
    database = Database(hotline.settings.storage)
    try:
        await database.write(
            lambda connection: connection.execute(update(tickets).values(state=TicketState.DONE.value))
        )
    finally:
        database.close()


async def test_a_second_call_about_the_same_matter_is_an_addition(
    hotline: Hotline, reports: dict[str, dict[str, Any]]
) -> None:
    name = "barbecue_step_by_step"
    first, second = [await hotline.call(FOLDER / f"{name}.toml") for _ in range(2)]
    await all_done(hotline)
    reports[name] = first
    (filed,), (added,) = first["tickets"], second["tickets"]
    assert not filed["duplicate_of"]
    assert added["duplicate_of"] == filed["number"]
    assert any("补充到那张工单" in turn["text"] for turn in second["turns"] if turn["who"] == "bot")
    assert second["problems"] == []


@pytest.mark.parametrize("name", marked(*IN_THE_SUITE))
async def test_our_own_client(hotline: Hotline, reports: dict[str, dict[str, Any]], name: str) -> None:
    report = await call(hotline, reports, name)
    assert report["problems"] == [], [(turn["who"], turn["text"]) for turn in report["turns"]]
    assert (hotline.settings.storage.recordings_folder / report["call"]["recording"]).exists()


@pytest.mark.parametrize("line", ["audiosocket", "websocket"])
@pytest.mark.parametrize("name", marked("fire"))
async def test_the_doors_of_a_switch(hotline: Hotline, name: str, line: str) -> None:
    report = await hotline.call(FOLDER / f"{name}.toml", line)
    await all_done(hotline)
    assert report["problems"] == [], [(turn["who"], turn["text"]) for turn in report["turns"]]
    assert report["call"]["channel"] == line


@pytest.mark.peer
@pytest.mark.skipif(not have_sipp(), reason="sipp is not installed (package sip-tester)")
@pytest.mark.parametrize("name", marked("fire"))
async def test_sipp(hotline: Hotline, reports: dict[str, dict[str, Any]], name: str) -> None:
    first = await call(hotline, reports, name)
    tape = replay(hotline, name, first)
    since = datetime.now(UTC)
    result = await sipp_call(hotline.settings.sip.port, tape, caller=caller_of(name))
    assert result.status == 0, result.output
    await came_to_the_same(hotline, first, since)


@pytest.mark.peer
@pytest.mark.skipif(not have_baresip(), reason="baresip is not installed (package baresip-core)")
@pytest.mark.parametrize("name", marked("fire"))
async def test_baresip(hotline: Hotline, reports: dict[str, dict[str, Any]], name: str) -> None:
    first = await call(hotline, reports, name)
    tape = replay(hotline, name, first)
    since = datetime.now(UTC)
    heard = await baresip_call(hotline.target, tape, caller=caller_of(name))
    assert np.abs(heard).max() > 3000, "the peer heard nothing"
    await came_to_the_same(hotline, first, since)


def caller_of(name: str) -> str:
    """The number that the scenario calls from."""
    return load_scenario(FOLDER / f"{name}.toml").scenario.caller.number


def replay(hotline: Hotline, name: str, report: dict[str, Any]) -> Tape:
    """What the caller of a recorded call said and pressed, with more time for the bot in between."""
    scenario = load_scenario(FOLDER / f"{name}.toml").scenario
    recording = hotline.settings.storage.recordings_folder / report["call"]["recording"]
    caller = soundfile.read(recording, dtype="int16", always_2d=True)[0][:, 0]  # the right channel is the bot
    pieces: list[Any] = []
    keys: list[tuple[float, str]] = []
    written = 0
    for number, turn in enumerate(report["caller_side"]):
        begin, end = (round(turn[key] * SAMPLE_RATE_HZ / 1000) for key in ("start_ms", "end_ms"))
        begin, end = max(0, begin - 1600), end + 2400
        at = begin + round((number + 1) * _SLACK_S * SAMPLE_RATE_HZ)
        if digits := scenario.turn[turn["turn"]].digits:
            keys.append((at / SAMPLE_RATE_HZ, digits))
        pieces += [np.zeros(max(0, at - written), "<i2"), caller[begin:end]]
        written = max(at, written) + len(caller[begin:end])
    tail = np.zeros(8 * SAMPLE_RATE_HZ, "<i2")
    return Tape(bytes(np.concatenate([*pieces, tail]).astype("<i2").tobytes()), tuple(keys))


async def came_to_the_same(hotline: Hotline, first: dict[str, Any], since: datetime) -> None:
    database = Database(hotline.settings.storage)
    try:
        report = await CallReports(database, SystemClock()).wait_for(None, since)
    finally:
        database.close()
    assert report is not None
    said = [(turn["who"], turn["text"]) for turn in report["turns"]]
    assert len(report["tickets"]) == len(first["tickets"]), said
    assert bool(report["handoff"]) == bool(first["handoff"]), said
    answers = [[action["article"] for action in r["actions"] if action["kind"] == "answer"] for r in (report, first)]
    assert answers[0] == answers[1], said
    await all_done(hotline)
