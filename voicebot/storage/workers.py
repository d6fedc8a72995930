"""Which process took a call, and whether that process still lives.

On the same machine a dead process is known at once, by its id and start time (an id alone is used
again). A process on another machine counts as dead when it has given no sign of life for a while.
"""

import os
import socket
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, delete, select, update

from voicebot.storage.database import put
from voicebot.storage.tables import calls, workers

_REMEMBERED = timedelta(days=1)
_WITH_OPEN_CALLS = select(calls.c.worker_id).where(calls.c.end.is_(None))


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that takes calls. ``machine`` names the space in which ``pid`` means something."""

    worker_id: str
    machine: str
    pid: int
    process_start: str

    @classmethod
    def this_process(cls) -> "Worker":
        """The calling process, under a new id."""
        pid = os.getpid()
        return cls(uuid.uuid4().hex, _machine(), pid, _process_start(pid))


def sign_in(connection: Connection, worker: Worker, now: datetime) -> None:
    """Give a sign of life; the first one registers the worker."""
    row = {
        "worker_id": worker.worker_id,
        "machine": worker.machine,
        "pid": worker.pid,
        "process_start": worker.process_start,
        "started_at": now,
        "seen_at": now,
        "stopped_at": None,
    }
    put(connection, workers, row, keys=("worker_id",), replace=("seen_at", "stopped_at"))


def sign_out(connection: Connection, worker: Worker, now: datetime) -> None:
    """The worker stops in good order."""
    connection.execute(update(workers).where(workers.c.worker_id == worker.worker_id).values(stopped_at=now))


def lost(connection: Connection, me: Worker, now: datetime, lost_after_s: int) -> list[str]:
    """The ids of workers that died or stopped and left calls behind."""
    rows = connection.execute(select(workers).where(workers.c.worker_id.in_(_WITH_OPEN_CALLS))).all()
    return [
        row.worker_id
        for row in rows
        if row.worker_id != me.worker_id
        and (
            row.stopped_at is not None
            or (
                not _is_alive(row.pid, row.process_start)
                if row.machine == me.machine
                else now - row.seen_at > timedelta(seconds=lost_after_s)
            )
        )
    ]


def forget(connection: Connection, now: datetime) -> None:
    """Drop those that have long been gone and have no call open; one that lives after all signs in again."""
    gone = workers.c.seen_at < now - _REMEMBERED
    connection.execute(delete(workers).where(gone, workers.c.worker_id.not_in(_WITH_OPEN_CALLS)))


def _is_alive(pid: int, process_start: str) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # another user's process: alive
    return _process_start(pid) == process_start


def _process_start(pid: int) -> str:
    """Start of a process in clock ticks since boot, "" where the system does not tell or for a zombie (proc(5))."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]


def _machine() -> str:
    """One boot of one machine and its space of process ids (each container has its own)."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return socket.gethostname()
