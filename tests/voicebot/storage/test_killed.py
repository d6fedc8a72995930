"""A real process is killed (kill -9) while it writes: what it had written is there, and marked."""

import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from tests.fakes.clock import FakeClock
from tests.support.databases import BOTH, new_database
from tests.support.nouns import call_start, full_draft
from voicebot.core.call import CallEnd
from voicebot.core.clock import SystemClock
from voicebot.desk.agent_queue import SqlAgentQueue
from voicebot.storage.calls import SqlCallStore
from voicebot.storage.database import Database
from voicebot.storage.recordings import Recordings
from voicebot.storage.records import CallRecords
from voicebot.storage.settings import StorageSettings
from voicebot.storage.tickets import SqlTicketStore

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(params=BOTH)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with new_database(request.param, tmp_path) as database:
        yield database


def _serving(database: Database, folder: Path) -> subprocess.Popen[str]:
    url = database.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.support.caller_process", url, str(folder)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def _kill_after(process: subprocess.Popen[str], lines: int) -> list[list[str]]:
    """Kill the process once it has said so many lines; returns all that it said."""
    assert process.stdout is not None
    with process:
        said = [process.stdout.readline().split() for _ in range(lines)]
        process.kill()
        return said + [line.split() for line in process.stdout]


@pytest.mark.parametrize("seed", range(2))
async def test_everything_said_before_the_kill_is_on_record(database: Database, tmp_path: Path, seed: int) -> None:
    folder = tmp_path / "recordings"
    said = _kill_after(_serving(database, folder), random.Random(seed).randrange(20, 60))
    told = {kind: [value for word, value in said if word == kind] for kind in ("begun", "turn", "draft", "ticket")}

    calls = SqlCallStore(database, SystemClock())
    assert await calls.mark_cut_off() == 1
    call = await CallRecords(database).call("call-1")
    assert call is not None
    assert call.line.end is CallEnd.CUT_OFF
    assert [turn.text for turn in call.turns][: len(told["turn"])] == [f"第{index}句" for index in told["turn"]]
    assert len(call.turns) - len(told["turn"]) in (0, 1)  # the last may be durable and not yet told
    assert call.draft is not None
    newest = int(call.draft.what.strip("第稿"))
    assert newest - int(told["draft"][-1]) in (0, 1)

    tickets = SqlTicketStore(database, SystemClock())
    assert set(told["ticket"]) <= set(call.line.tickets)
    assert len(call.line.tickets) - len(told["ticket"]) in (0, 1)
    for sequence, number in enumerate(call.line.tickets):  # filing again after the crash finds the same
        assert (await tickets.file(call_start(), full_draft(), sequence)).number == number
        assert [event.kind for event in await tickets.events(number)] == ["filed"]

    (waiting,) = await SqlAgentQueue(database, SystemClock()).waiting()
    assert waiting.request.call_id == "call-1"

    kept = Recordings(database, SystemClock(), StorageSettings(recordings_folder=folder))
    assert await kept.repair() == 1
    path = await kept.path_of("call-1")
    kept.close()
    assert str(path) == told["begun"][0]
    frames = soundfile.info(str(path)).frames
    assert frames >= len(told["turn"]) * 800 - 8000  # half a second is being collected, half a second being written


async def test_a_living_process_keeps_its_calls(database: Database, tmp_path: Path) -> None:
    process = _serving(database, tmp_path / "recordings")
    assert process.stdout is not None
    try:
        assert process.stdout.readline().startswith("begun")
        newcomer = SqlCallStore(database, FakeClock())
        assert await newcomer.mark_cut_off() == 0
    finally:
        process.kill()
        process.communicate()
    assert await newcomer.mark_cut_off() == 1


async def test_a_process_killed_at_any_moment_leaves_a_sound_database(tmp_path: Path) -> None:
    with new_database("sqlite", tmp_path) as database:
        for lines in (1, 3):
            _kill_after(_serving(database, tmp_path / "recordings"), lines)
            check = database.run_now(lambda connection: connection.exec_driver_sql("PRAGMA integrity_check").scalar())
            assert check == "ok"
