"""One database, SQLite or PostgreSQL, reached without ever blocking the event loop.

Statements run on a few threads of their own; SQLite gets a single writing thread, because two
writers would only wait for each other. Every operation has a deadline: a call must not wait for a
database that has gone away.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Table, create_engine, event, exc
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url

from voicebot.core.errors import ConfigurationError, OverloadError, StorageError
from voicebot.storage import schema
from voicebot.storage.hold import Hold
from voicebot.storage.refusals import place, refusal, translate
from voicebot.storage.settings import StorageSettings

Result = TypeVar("Result")

_SQLITE_READERS = 2


class Database:
    """The engine and its threads. `read` and `write` run one function in one transaction."""

    def __init__(self, settings: StorageSettings):
        self.url = _parse(settings.url)
        self._deadline_s = settings.deadline_ms / 1000
        self._max_pending = settings.max_pending  # when full, the operation is refused and nothing waits
        self._pending = 0
        if self.is_sqlite:
            self._engine = _sqlite_engine(self.url, settings)
            writers, readers = 1, _SQLITE_READERS
        else:
            self._engine = _postgres_engine(self.url, settings)
            writers = readers = settings.pool_size
        self._reading = self._engine.execution_options(reading=True)
        self._hasty = self._engine.execution_options(hasty=True)
        self._writers = ThreadPoolExecutor(writers, thread_name_prefix="record-write")
        self._readers = (
            self._writers if not self.is_sqlite else ThreadPoolExecutor(readers, thread_name_prefix="record-read")
        )

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database."""
        return self.url.get_backend_name() == "sqlite"

    @property
    def engine(self) -> Engine:
        """The SQLAlchemy engine, for what runs outside the event loop (migrations, tests)."""
        return self._engine

    @property
    def place(self) -> str:
        """Where the database is, without the password."""
        return place(self.url)

    async def read(self, work: Callable[[Connection], Result]) -> Result:
        """Run ``work`` in a transaction that only reads; raises `StorageError` within the deadline."""
        return await self._submit(self._readers, self._reading, work)

    async def write(
        self, work: Callable[[Connection], Result], *, harmless_twice: bool = False, hasty: bool = False
    ) -> Result:
        """Run ``work`` in a transaction and commit it; raises `StorageError` within the deadline.

        ``work`` must bear being run twice: a connection that turns out to be dead is replaced. ``harmless_twice``:
        even after it was committed, as when the connection breaks before the server's answer. Without it such a
        break is an error, and as after one with code ``database_slow`` the work may have been committed. ``hasty``:
        does not wait for the disk; it outlives this process at once, and a loss of power from the next write on.
        """
        return await self._submit(self._writers, self._hasty if hasty else self._engine, work, harmless_twice)

    async def probe(self) -> str:
        """A sign of life for `/readyz`: the place of the database; raises `StorageError` when it is not usable."""
        await self.read(lambda connection: schema.require_current(connection, self.place))
        return self.place

    def upgrade(self) -> tuple[str, str]:
        """Create or migrate the schema; returns the revisions before ("" for none) and after. Blocks.

        All migrations run in one transaction, and one process at a time: nothing stays half-done.
        """
        if self.is_sqlite:
            _make_folder(Path(self.url.database or ""), self.url)
        return self.run_now(lambda connection: schema.upgrade(connection, self.place))

    def check(self) -> str:
        """The schema's revision; raises `StorageError` when it is missing, old, or newer than this program. Blocks."""
        if self.is_sqlite and not Path(self.url.database or "").exists():
            raise refusal("schema_missing", self.url)
        return self.run_now(lambda connection: schema.require_current(connection, self.place))

    def run_now(self, work: Callable[[Connection], Result]) -> Result:
        """Run ``work`` in a transaction on the caller's own thread."""
        return self._run(self._engine, work, Hold())

    def close(self) -> None:
        """Release connections and threads; work in progress is finished first."""
        self._writers.shutdown(wait=True, cancel_futures=True)
        self._readers.shutdown(wait=True, cancel_futures=True)
        self._engine.dispose()

    async def _submit(
        self,
        threads: ThreadPoolExecutor,
        engine: Engine,
        work: Callable[[Connection], Result],
        harmless_twice: bool = False,
    ) -> Result:
        if self._pending >= self._max_pending:
            raise OverloadError(
                f"已有 {self._pending} 个操作在等数据库 {self.place}。",
                code="database_overloaded",
                remedy="数据库太慢或已停，请查看它的日志。",
            )
        self._pending += 1
        hold = Hold()
        try:
            job = asyncio.get_running_loop().run_in_executor(threads, self._run, engine, work, hold, harmless_twice)
            # Not wait_for: up to Python 3.11 it loses a cancellation that comes as the job is done (bpo-37658).
            async with asyncio.timeout(self._deadline_s):
                return await job
        except TimeoutError:
            hold.tear()
            raise refusal("database_slow", self.url) from None
        finally:
            self._pending -= 1

    def _run(
        self, engine: Engine, work: Callable[[Connection], Result], hold: Hold, harmless_twice: bool = False
    ) -> Result:
        try:
            try:
                return _transact(engine, work, hold)
            except exc.DBAPIError as error:
                # The server was restarted since this connection was last used. Nothing was committed, or committing
                # it again does no harm: once more.
                maybe_done = hold.committing and not harmless_twice
                if not error.connection_invalidated or maybe_done or hold.torn:
                    raise
                return _transact(engine, work, hold)
        except exc.SQLAlchemyError as error:
            raise translate(error, self.url) from error


def _transact(engine: Engine, work: Callable[[Connection], Result], hold: Hold) -> Result:
    with engine.connect() as connection:  # closing it rolls back what was not committed
        hold.take(connection)
        try:
            transaction = connection.begin()
            result = work(connection)
            hold.committing = True
            transaction.commit()
            return result
        finally:
            hold.release()


def put(
    connection: Connection,
    table: Table,
    row: Mapping[str, Any],
    *,
    keys: tuple[str, ...] = (),
    replace: tuple[str, ...] = (),
) -> None:
    """Insert a row; where one with the same ``keys`` is there already, take over its columns ``replace`` only.

    With nothing to replace the row that is there stays as it is; without keys any unique index counts.
    """
    connection.execute(_insertion(connection.dialect.name, table, keys, replace), row)


@cache
def _insertion(dialect: str, table: Table, keys: tuple[str, ...], replace: tuple[str, ...]) -> Any:
    """Built once: building it anew for each write doubled the CPU time of a write (3.0 instead of 1.4 ms)."""
    statement: Any = sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
    if not replace:
        return statement.on_conflict_do_nothing(index_elements=list(keys) or None)
    changed = {name: statement.excluded[name] for name in replace}
    return statement.on_conflict_do_update(index_elements=list(keys), set_=changed)


def _parse(text: str) -> URL:
    remedy = "设置 storage.url 请写成 sqlite:///文件 或 postgresql://用户:密码@主机/库名。"
    try:
        url = make_url(text)
    except exc.ArgumentError:
        raise ConfigurationError("数据库地址读不懂。", code="database_url", remedy=remedy) from None
    kind = url.get_backend_name()
    if kind in ("postgres", "postgresql"):
        return url.set(drivername="postgresql+psycopg")
    if kind == "sqlite" and url.database and url.database != ":memory:":
        return url.set(drivername="sqlite")
    raise ConfigurationError(f"不支持 {kind!r} 类的数据库地址。", code="database_url", remedy=remedy)


def _make_folder(file: Path, url: URL) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except PermissionError:
        raise refusal("database_read_only", url) from None
    except OSError as error:
        raise StorageError(
            f"建不了文件夹 {file.parent}：{error.strerror}。",
            code="database_unreachable",
            remedy="请将设置 storage.url 指向可写的文件夹。",
        ) from error


def _sqlite_engine(url: URL, settings: StorageSettings) -> Engine:
    # The lock wait ends before the deadline, so that the error says "locked" and no thread stays behind.
    wait_s = settings.deadline_ms / 1000 * 0.8
    engine = create_engine(
        url,
        hide_parameters=True,  # an error's text ends up in logs; what callers said must not
        connect_args={"timeout": wait_s, "check_same_thread": False},
        pool_size=1 + _SQLITE_READERS,
        max_overflow=2,
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # transactions begin below, not behind our back
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A writer takes the lock at once: one that starts as a reader cannot wait for it later (SQLITE_BUSY_SNAPSHOT).
        options = connection.get_execution_options()
        if options.get("reading", False):
            connection.exec_driver_sql("BEGIN")
            return
        # FULL: "durable when it returns", also when the power fails.
        connection.exec_driver_sql(f"PRAGMA synchronous={'NORMAL' if options.get('hasty', False) else 'FULL'}")
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _postgres_engine(url: URL, settings: StorageSettings) -> Engine:
    statement_ms = int(settings.deadline_ms * 0.8)
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_size=settings.pool_size,
        max_overflow=0,
        pool_timeout=settings.deadline_ms / 1000,
        connect_args={
            "connect_timeout": 2,  # the least that libpq takes
            "tcp_user_timeout": settings.deadline_ms,
            "application_name": "hotline-voicebot",
            "options": f"-c statement_timeout={statement_ms} -c lock_timeout={statement_ms}"
            " -c idle_in_transaction_session_timeout=10000 -c timezone=UTC",
        },
    )

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if connection.get_execution_options().get("hasty", False):
            connection.exec_driver_sql("SET LOCAL synchronous_commit TO off")

    return engine
