"""Telling those who watch that the record has changed: at once, and without asking the database again and again.

PostgreSQL sends a notice with the commit (LISTEN/NOTIFY), to every process of every machine. With SQLite the
process that wrote tells its own watchers, and a look at the file's version tells of what other processes wrote.
A notice names a topic and holds nothing else; who needs the new state reads it.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Set
from typing import TypeVar

import psycopg
import structlog
from sqlalchemy import Connection, func, select

from voicebot.core.errors import HotlineError
from voicebot.storage.database import Database

log = structlog.get_logger(__name__)

Result = TypeVar("Result")

QUEUE, AGENTS, EVERYTHING = "queue", "agents", "*"
_CHANNEL = "hotline_changes"
_LOOK_S = 0.25
_RECONNECT_S = 1.0
_PAYLOAD = 2000  # characters; PostgreSQL takes 8,000 bytes
_MAX_TELLING = 20


def call_topic(call_id: str) -> str:
    """The topic of one call: its turns, its draft, its end."""
    return f"call:{call_id}"


def hearing_topic(call_id: str, text: str) -> str:
    """The topic of what a turn in progress sounds like so far; it is told and nowhere kept."""
    return f"hearing:{call_id}\n{text}"


def heard_so_far(topics: Set[str], call_id: str) -> str | None:
    """The newest text of a turn in progress among topics; None when there is none of this call."""
    prefix = f"hearing:{call_id}\n"
    found = [topic.removeprefix(prefix) for topic in topics if topic.startswith(prefix)]
    return found[-1] if found else None


class Watch:
    """What has changed since one last asked. It holds each topic once, however long nobody asks."""

    def __init__(self) -> None:
        self._topics: dict[str, None] = {}  # in the order in which they were told last
        self._changed = asyncio.Event()

    def tell(self, topic: str) -> None:
        """Something changed."""
        self._topics.pop(topic, None)
        self._topics[topic] = None
        self._changed.set()

    async def next(self, timeout_s: float | None = None) -> Set[str]:
        """Wait for a change; returns the topics, none when ``timeout_s`` passed first."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        self._changed.clear()
        topics, self._topics = self._topics, {}
        return topics.keys()


class Changes:
    """Writes that are told to the watchers of this process and, with PostgreSQL, of all others."""

    def __init__(self, database: Database):
        self._database = database
        self._watches: set[Watch] = set()
        self._telling: set[asyncio.Task[None]] = set()

    async def write(
        self,
        work: Callable[[Connection], Result],
        *topics: str,
        harmless_twice: bool = False,
        hasty: bool = False,
    ) -> Result:
        """`Database.write`, then tell the topics."""

        def whole(connection: Connection) -> Result:
            result = work(connection)
            if not self._database.is_sqlite:
                for topic in topics:
                    connection.execute(select(func.pg_notify(_CHANNEL, topic)))
            return result

        result = await self._database.write(whole, harmless_twice=harmless_twice, hasty=hasty)
        if self._database.is_sqlite:
            self.tell(*topics)
        return result

    def tell(self, *topics: str) -> None:
        """Tell the watchers of this process."""
        for watch in self._watches:
            for topic in topics:
                watch.tell(topic)

    def tell_everywhere(self, topic: str) -> None:
        """Tell the watchers of every process, without waiting; what cannot be told at once is not told."""
        if self._database.is_sqlite:
            self.tell(topic)
        elif len(self._telling) < _MAX_TELLING:
            task = asyncio.create_task(self._notify(topic[:_PAYLOAD]))
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    async def _notify(self, topic: str) -> None:
        with contextlib.suppress(HotlineError):
            await self._database.write(lambda connection: connection.execute(select(func.pg_notify(_CHANNEL, topic))))

    @contextlib.contextmanager
    def watch(self) -> Iterator[Watch]:
        """Watch until the block is left."""
        watch = Watch()
        self._watches.add(watch)
        try:
            yield watch
        finally:
            self._watches.discard(watch)

    async def run(self) -> None:
        """Bring in what other processes wrote, until cancelled."""
        if self._database.is_sqlite:
            await self._look()
        else:
            await self._listen()

    async def _look(self) -> None:
        file = str(self._database.url.database)
        connection = await asyncio.to_thread(sqlite3.connect, file, check_same_thread=False, isolation_level=None)
        try:
            before = _version(connection)
            while True:
                await asyncio.sleep(_LOOK_S)
                if self._watches and (now := await asyncio.to_thread(_version, connection)) != before:
                    before = now
                    self.tell(EVERYTHING)
        finally:
            connection.close()

    async def _listen(self) -> None:
        url = self._database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=5) as connection:
                    await connection.execute(f"LISTEN {_CHANNEL}")
                    self.tell(EVERYTHING)  # nobody knows what was told while there was no connection
                    async for notice in connection.notifies():
                        self.tell(notice.payload)
            except psycopg.Error as error:
                log.warning("listening_broke", error=type(error).__name__)
            await asyncio.sleep(_RECONNECT_S)


def _version(connection: sqlite3.Connection) -> int:
    """Grows whenever another connection commits (sqlite.org/pragma.html#pragma_data_version)."""
    (version,) = connection.execute("PRAGMA data_version").fetchone()
    return int(version)
