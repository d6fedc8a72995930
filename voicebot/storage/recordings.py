"""The recordings of calls: written while the call goes on, on a thread of their own."""

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

import structlog
from sqlalchemy import select, update

from voicebot.core.call import CallStart
from voicebot.core.errors import HotlineError, StorageError
from voicebot.core.frames import SAMPLE_RATE_HZ
from voicebot.core.ports import Clock
from voicebot.storage.database import Database, put
from voicebot.storage.sealed import Keys, SealedFile, is_sealed, read_keys
from voicebot.storage.settings import StorageSettings
from voicebot.storage.stereo_wav import LEFT, RIGHT, StereoWav, repair
from voicebot.storage.tables import recordings

log = structlog.get_logger(__name__)

_BATCH_SAMPLES = SAMPLE_RATE_HZ // 2  # written every 500 ms: what a killed process can lose
_MAX_BATCHES = 20  # 10 s behind; then audio is dropped and counted, for a call matters more than its recording
_CLOSE_S = 5.0  # a disk that does not answer may hold up the end of a call for so long, not longer

OPEN, COMPLETE, CUT_OFF, REPAIRED, FAILED, DELETED = "open", "complete", "cut_off", "repaired", "failed", "deleted"


class Recordings:
    """The folder of recordings and its register in the database."""

    def __init__(self, database: Database, clock: Clock, settings: StorageSettings):
        self._database = database
        self._clock = clock
        self._folder = settings.recordings_folder
        self._on = settings.record_calls
        self._keys = read_keys(settings.recordings_key_file) if settings.recordings_key_file else None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="recording")

    def recorder(self, start: CallStart) -> "CallRecorder | None":
        """A recorder for a call that was answered; None when recording is off."""
        if not self._on:
            return None
        path = Path(f"{start.answered_at:%Y-%m-%d}") / f"{start.answered_at:%H%M%S}-{_safe(start.call_id)}.wav"
        return CallRecorder(
            self._folder / path,
            self._thread,
            lambda state, seconds: self._register(start, path, state, seconds),
            self._keys,
        )

    async def path_of(self, call_id: str) -> Path | None:
        """The file of a call, None when there is none (any more)."""
        query = select(recordings.c.path).where(recordings.c.call_id == call_id, recordings.c.state != DELETED)
        found = await self._database.read(lambda connection: connection.execute(query).scalar())
        return self._folder / found if found else None

    def open(self, path: Path) -> "BinaryIO | SealedFile":
        """Read a recording, whether it is encrypted or not. Blocks; raises `OSError` or `StorageError`."""
        return SealedFile(path, self._keys or Keys(()), "r") if is_sealed(path) else path.open("rb")

    async def repair(self) -> int:
        """At start, after `CallStore.mark_cut_off`: mend the files of calls whose process died; returns how many."""
        query = select(recordings.c.call_id, recordings.c.path).where(recordings.c.state == CUT_OFF)
        broken = await self._database.read(lambda connection: connection.execute(query).all())
        for call_id, path in broken:
            try:
                seconds = await asyncio.get_running_loop().run_in_executor(
                    self._thread, repair, self._folder / path, self._keys
                )
                values = {"state": REPAIRED, "seconds": seconds}
            except (OSError, StorageError) as error:
                log.warning("recording_not_repaired", call=call_id, error=type(error).__name__)
                values = {"state": FAILED}
            statement = update(recordings).where(recordings.c.call_id == call_id).values(values)
            await self._database.write(lambda connection, statement=statement: connection.execute(statement))  # type: ignore[misc]
        return len(broken)

    def close(self) -> None:
        """Let go of the thread; what waits is written first."""
        self._thread.shutdown(wait=True)

    async def _register(self, start: CallStart, path: Path, state: str, seconds: float | None) -> None:
        row = {
            "call_id": start.call_id,
            "path": str(path),  # inside the folder, which may be moved
            "started_at": start.answered_at,
            "state": state,
            "seconds": seconds,
        }

        try:
            await self._database.write(
                lambda connection: put(connection, recordings, row, keys=("call_id",), replace=("state", "seconds"))
            )
        except HotlineError as error:  # the file is there all the same; its row comes with the next state
            log.error("recording_not_registered", call=start.call_id, state=state, code=error.code)


class CallRecorder:
    """Records one call: left the caller, right what the caller heard of the bot. Its methods never block."""

    def __init__(
        self,
        path: Path,
        thread: ThreadPoolExecutor,
        register: Callable[[str, float | None], Awaitable[None]],
        keys: Keys | None = None,
    ):
        self.path = path
        self._keys = keys
        self._thread = thread
        self._register = register
        self._batch: list[tuple[int, int, bytes]] = []
        self._batch_samples = 0
        self._handed = self._written = 0  # batches; the second is counted on the thread
        self._registering: asyncio.Future[None] | None = None
        self._wav: StereoWav | None = None
        self._fault = ""
        self.dropped_samples = 0

    def caller(self, position: int, pcm: bytes) -> None:
        """The caller's audio (8 kHz int16) at a position in samples since answer."""
        self._batch_samples += len(pcm) // 2
        self._put(LEFT, position, pcm)
        if self._batch_samples >= _BATCH_SAMPLES:
            self._hand_over()

    def bot(self, position: int, pcm: bytes) -> None:
        """The bot's audio as it left for the caller."""
        self._put(RIGHT, position, pcm)

    async def close(self) -> None:
        """Finish the file; calling it twice does no harm."""
        if self._batch:
            self._hand_over()
        registering, self._registering = self._registering, None
        if registering is None:
            return  # nothing was heard, or it is closed already
        try:
            async with asyncio.timeout(_CLOSE_S):  # behind all batches: there is one thread
                seconds = await asyncio.get_running_loop().run_in_executor(self._thread, self._close_file)
        except TimeoutError:
            self._fault, seconds = "disk_slow", 0.0
        await registering
        if self.dropped_samples or self._fault:
            log.error("recording_incomplete", fault=self._fault, dropped_samples=self.dropped_samples)
        await self._register(FAILED if self._fault else COMPLETE, seconds)

    def _put(self, channel: int, position: int, pcm: bytes) -> None:
        if self._fault or self._handed - self._written >= _MAX_BATCHES:
            self.dropped_samples += len(pcm) // 2
            return
        self._batch.append((channel, position, pcm))

    def _hand_over(self) -> None:
        if self._registering is None:
            self._registering = asyncio.ensure_future(self._register(OPEN, None))
        batch, self._batch, self._batch_samples = self._batch, [], 0
        self._handed += 1
        # Nobody waits for it, so that the loop is not woken for every batch; what became of it is noted on the thread.
        self._thread.submit(self._write, batch).add_done_callback(self._note_written)

    def _write(self, batch: list[tuple[int, int, bytes]]) -> None:
        if self._fault:
            return
        if self._wav is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._wav = StereoWav(self.path, self._keys)
        for channel in (LEFT, RIGHT):
            for position, pcm in stretches([(at, pcm) for of, at, pcm in batch if of == channel]):
                self._wav.put(channel, position, pcm)
        self._wav.flush()

    def _note_written(self, job: Future[None]) -> None:
        self._written += 1
        if error := job.exception():
            self._fault = (error.strerror if isinstance(error, OSError) else "") or type(error).__name__

    def _close_file(self) -> float:
        if self._wav is None:
            return 0.0
        try:
            self._wav.close()
        except (OSError, StorageError) as error:
            self._fault = (error.strerror if isinstance(error, OSError) else "") or type(error).__name__
        return self._wav.samples / SAMPLE_RATE_HZ


def stretches(pieces: Sequence[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """Pieces of one channel, by position, with those that `StereoWav.put` would lay end to end made one."""
    found: list[tuple[int, list[bytes]]] = []
    end = 0
    for position, pcm in pieces:
        if not found or position > end:
            found.append((position, []))
            end = position
        found[-1][1].append(pcm)
        end += len(pcm) // 2
    return [(position, b"".join(parts)) for position, parts in found]


def _safe(call_id: str) -> str:
    """A file name that no Call-ID of a stranger can lead out of the folder."""
    if re.fullmatch(r"[A-Za-z0-9_-]{1,64}", call_id):
        return call_id
    return hashlib.sha256(call_id.encode()).hexdigest()[:32]
