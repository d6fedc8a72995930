"""Calls are recorded while they go on; nothing that happens to the disk reaches the caller."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from sqlalchemy import select

from tests.fakes.clock import FakeClock
from tests.support.databases import new_database
from tests.support.nouns import call_start
from voicebot.core.frames import FRAME_SAMPLES
from voicebot.storage.calls import SqlCallStore
from voicebot.storage.database import Database
from voicebot.storage.recordings import CUT_OFF, OPEN, CallRecorder, Recordings, stretches
from voicebot.storage.settings import StorageSettings
from voicebot.storage.stereo_wav import StereoWav, header
from voicebot.storage.tables import recordings
from voicebot.storage.workers import Worker


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with new_database("sqlite", tmp_path) as database:
        yield database


def _settings(folder: Path, **more: object) -> StorageSettings:
    return StorageSettings.model_validate({"recordings_folder": folder, **more})


@pytest.fixture
def kept(database: Database, tmp_path: Path) -> Iterator[Recordings]:
    kept = Recordings(database, FakeClock(), _settings(tmp_path / "recordings"))
    yield kept
    kept.close()


def _recorder(kept: Recordings, call_id: str = "call-1") -> CallRecorder:
    recorder = kept.recorder(call_start(call_id))
    assert recorder is not None
    return recorder


def _speak(recorder: CallRecorder, seconds: float) -> None:
    frame = np.full(FRAME_SAMPLES, 1000, dtype="<i2").tobytes()
    for position in range(0, round(seconds * 8000), FRAME_SAMPLES):
        recorder.caller(position, frame)
        if position >= 4000:
            recorder.bot(position, frame)


async def _state(database: Database) -> list[tuple[str, float | None]]:
    query = select(recordings.c.state, recordings.c.seconds)
    return await database.read(lambda connection: [(row.state, row.seconds) for row in connection.execute(query)])


async def test_a_call_becomes_a_stereo_file_and_a_row(kept: Recordings, database: Database) -> None:
    recorder = _recorder(kept)
    _speak(recorder, 3.0)
    await recorder.close()
    path = await kept.path_of("call-1")
    assert path == recorder.path
    samples, rate = soundfile.read(path, dtype="int16")
    assert (samples.shape, rate) == ((24_000, 2), 8000)
    assert (samples[:, 0] == 1000).all()
    assert not samples[:4000, 1].any()
    assert (samples[4000:, 1] == 1000).all()
    assert await _state(database) == [("complete", 3.0)]


async def test_a_call_is_on_disk_and_on_record_while_it_lasts(kept: Recordings, database: Database) -> None:
    recorder = _recorder(kept)
    _speak(recorder, 1.0)

    async def is_there() -> bool:
        seen = await _state(database) == [(OPEN, None)] and recorder.path.exists()
        return seen and soundfile.info(recorder.path).frames == 8000

    async with asyncio.timeout(5):
        while not await is_there():  # noqa: ASYNC110 - the writer is a thread
            await asyncio.sleep(0.01)
    await recorder.close()


async def test_recording_can_be_switched_off(database: Database, tmp_path: Path) -> None:
    kept = Recordings(database, FakeClock(), _settings(tmp_path, record_calls=False))
    assert kept.recorder(call_start()) is None
    kept.close()


async def test_a_call_without_a_sound_leaves_no_file(kept: Recordings, database: Database) -> None:
    recorder = _recorder(kept)
    await recorder.close()
    assert await _state(database) == []
    assert not recorder.path.exists()


async def test_closing_twice_does_no_harm(kept: Recordings, database: Database) -> None:
    recorder = _recorder(kept)
    _speak(recorder, 0.1)
    await recorder.close()
    await recorder.close()
    assert await _state(database) == [("complete", 0.1)]


@pytest.mark.parametrize("call_id", ["../../etc/passwd", "a/b", "x" * 200, "通话", "a@b.example", ".", ""])
async def test_no_call_id_leads_out_of_the_folder(kept: Recordings, tmp_path: Path, call_id: str) -> None:
    path = _recorder(kept, call_id).path
    assert path.resolve().parent == (tmp_path / "recordings" / "2026-03-02").resolve()
    assert len(path.name) < 100


async def test_a_folder_that_cannot_be_written_costs_only_the_recording(database: Database, tmp_path: Path) -> None:
    (tmp_path / "recordings").write_text("in the way")
    kept = Recordings(database, FakeClock(), _settings(tmp_path / "recordings"))
    recorder = _recorder(kept)
    _speak(recorder, 2.0)
    await recorder.close()
    assert await _state(database) == [("failed", 0.0)]
    kept.close()


async def test_a_disk_that_stands_still_holds_up_neither_the_call_nor_memory(kept: Recordings) -> None:
    release = threading.Event()
    blocked = asyncio.get_running_loop().run_in_executor(kept._thread, release.wait, 20)
    recorder = _recorder(kept)
    _speak(recorder, 60.0)
    assert 45 < recorder.dropped_samples / 2 / 8000 < 55  # 10 s of both sides are kept
    release.set()
    await blocked
    await recorder.close()
    assert soundfile.info(recorder.path).frames >= 9.5 * 8000


async def test_a_file_whose_writer_died_is_mended_at_the_next_start(
    kept: Recordings, database: Database, tmp_path: Path
) -> None:
    here = Worker.this_process()
    dead = Worker("dead", here.machine, 2**22 + 1, "1")
    await SqlCallStore(database, FakeClock(), worker=dead).begin(call_start())
    path = tmp_path / "recordings" / "2026-03-02" / "call.wav"
    path.parent.mkdir(parents=True)
    path.write_bytes(header(0) + bytes(8000 * 4) + b"torn")
    row = {"call_id": "call-1", "path": "2026-03-02/call.wav", "started_at": call_start().answered_at, "state": OPEN}
    await database.write(lambda connection: connection.execute(recordings.insert().values(row)))
    await SqlCallStore(database, FakeClock(), worker=here).mark_cut_off()
    assert await _state(database) == [(CUT_OFF, None)]
    assert await kept.repair() == 1
    assert await _state(database) == [("repaired", 8001 / 8000)]
    assert soundfile.info(path).frames == 8001
    assert await kept.repair() == 0


async def test_a_lost_file_does_not_stop_the_start(kept: Recordings, database: Database, tmp_path: Path) -> None:
    row = {"call_id": "gone", "path": "2026-03-01/x.wav", "started_at": call_start().answered_at, "state": CUT_OFF}
    await database.write(lambda connection: connection.execute(recordings.insert().values(row)))
    assert await kept.repair() == 1
    assert await _state(database) == [("failed", None)]


def test_the_writer_keeps_its_file_small_in_memory(tmp_path: Path) -> None:
    wav = StereoWav(tmp_path / "call.wav")
    for position in range(0, 8000 * 120, 4000):
        wav.put(0, position, bytes(8000))
        wav.flush()
        assert len(wav._window) <= 8000 + 4000
    wav.close()


@pytest.mark.parametrize(
    "pieces",
    [
        [(0, 160), (160, 160), (320, 160)],
        [(0, 160), (480, 160), (640, 160)],  # a hole
        [(160, 160), (200, 160), (360, 160), (900, 80)],  # a piece that begins too early moves behind the one before it
        [(400, 160), (0, 160), (160, 160)],
    ],
)
def test_stretches_lie_in_the_file_where_their_pieces_would(tmp_path: Path, pieces: list[tuple[int, int]]) -> None:
    sounds = [(at, np.full(length, 1 + number, "<i2").tobytes()) for number, (at, length) in enumerate(pieces)]
    files = []
    for name, parts in (("one.wav", sounds), ("all.wav", stretches(sounds))):
        with StereoWav(tmp_path / name) as wav:
            for position, pcm in parts:
                wav.put(0, position, pcm)
        files.append((tmp_path / name).read_bytes())
    assert files[0] == files[1]
    assert len(stretches(sounds)) < len(sounds)
