"""What the database does when things go wrong: one clear sentence, in time, and nothing half-written."""

import asyncio
import sqlite3
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, insert, select, text

from tests.support.databases import BOTH, database_url, new_database, opened
from tests.support.nouns import call_start
from tests.support.scissors import Scissors
from voicebot.core.errors import ConfigurationError, OverloadError, StorageError
from voicebot.storage.database import Database, put
from voicebot.storage.schema import head
from voicebot.storage.settings import StorageSettings
from voicebot.storage.tables import ticket_numbers

LINE = {"prefix": "LY", "day": "20260302", "last": 1}


@pytest.fixture(params=BOTH)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with database_url(request.param, tmp_path) as url:
        yield url


@pytest.fixture(params=BOTH)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with new_database(request.param, tmp_path, deadline_ms=500) as database:
        yield database


def _write(connection: Connection) -> None:
    connection.execute(insert(ticket_numbers).values(LINE))


def _count(connection: Connection) -> int:
    return len(connection.execute(select(ticket_numbers)).all())


def _refused(url: str, **settings: object) -> StorageError:
    database = Database(StorageSettings.model_validate({"url": url, **settings}))
    try:
        with pytest.raises(StorageError) as refused:
            database.upgrade()
        return refused.value
    finally:
        database.close()


async def test_what_fails_half_way_leaves_nothing(database: Database) -> None:
    def fail_late(connection: Connection) -> None:
        _write(connection)
        raise StorageError("no", code="on_purpose")

    with pytest.raises(StorageError, match="no"):
        await database.write(fail_late)
    assert await database.read(_count) == 0


async def test_only_a_hasty_write_does_not_wait_for_the_disk(database: Database) -> None:
    def waits(connection: Connection) -> str:
        sqlite = connection.dialect.name == "sqlite"
        return str(connection.execute(text("PRAGMA synchronous" if sqlite else "SHOW synchronous_commit")).scalar_one())

    hasty, ordinary = ("1", "2") if database.is_sqlite else ("off", "on")  # NORMAL and FULL
    assert await database.write(waits) == ordinary
    assert await database.write(waits, hasty=True) == hasty
    assert await database.write(waits) == ordinary


async def test_what_was_said_is_in_no_error_text(database: Database) -> None:
    def refuse(connection: Connection) -> None:
        connection.execute(text("INSERT INTO nowhere VALUES (:said)"), {"said": call_start().caller_number})

    with pytest.raises(StorageError) as refused:
        await database.write(refuse)
    assert call_start().caller_number not in "".join(traceback.format_exception(refused.value))


async def test_a_deadline_is_kept_and_the_next_operation_works(database: Database) -> None:
    release = threading.Event()
    began = time.monotonic()
    with pytest.raises(StorageError) as refused:
        await database.write(lambda connection: release.wait(5))
    assert time.monotonic() - began < 2
    assert refused.value.code == "database_slow"
    assert refused.value.retryable
    release.set()
    await database.write(_write)
    assert await database.read(_count) == 1


async def test_too_much_waiting_work_is_refused_at_once(tmp_path: Path) -> None:
    with new_database("sqlite", tmp_path, max_pending=2) as database:
        release = threading.Event()
        busy = [asyncio.ensure_future(database.write(lambda _connection: release.wait(5))) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(OverloadError) as refused:
            await database.write(_write)
        assert refused.value.code == "database_overloaded"
        release.set()
        await asyncio.gather(*busy)
        await database.write(_write)


async def test_a_reader_does_not_wait_for_a_writer(database: Database) -> None:
    release = threading.Event()

    def slow(connection: Connection) -> None:
        _write(connection)
        release.wait(5)

    writing = asyncio.ensure_future(database.write(slow))
    await asyncio.sleep(0.05)
    assert await database.read(_count) == 0
    release.set()
    await writing
    assert await database.read(_count) == 1


def test_an_upgrade_makes_the_schema_once(url: str) -> None:
    with opened(url) as database:
        assert database.upgrade() == (head(), head())
        assert database.check() == head()


def test_two_upgrades_at_once_do_not_disturb_each_other(url: str) -> None:
    databases = [Database(StorageSettings(url=url)) for _ in range(4)]
    found: list[object] = []

    def upgrade(database: Database) -> None:
        try:
            found.append(database.upgrade())
        except StorageError as error:
            found.append(error)

    threads = [threading.Thread(target=upgrade, args=(database,)) for database in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for database in databases:
        database.close()
    assert sorted(map(str, found)) == sorted(map(str, [("", head()), *[(head(), head())] * 3]))


def test_an_empty_database_is_told(url: str) -> None:
    database = Database(StorageSettings(url=url))
    with pytest.raises(StorageError) as refused:
        database.check()
    database.close()
    assert refused.value.code == "schema_missing"
    assert "voicebot db upgrade" in refused.value.remedy


def test_a_schema_of_a_newer_program_is_left_alone(url: str) -> None:
    with opened(url) as database:
        database.run_now(lambda connection: connection.execute(text("UPDATE alembic_version SET version_num = '9999'")))
        for ask in (database.check, database.upgrade):
            with pytest.raises(StorageError) as refused:
                ask()
            assert refused.value.code == "schema_newer"
            assert not refused.value.retryable


async def test_the_probe_tells_the_place_without_the_password(database: Database) -> None:
    place = await database.probe()
    assert place == database.place
    secret = Database(StorageSettings(url="postgresql://bot:geheim@db.example/hotline"))
    assert "geheim" not in secret.place
    secret.close()


def test_a_file_locked_by_another_program_is_told_in_time(tmp_path: Path) -> None:
    with new_database("sqlite", tmp_path, deadline_ms=300) as database:
        other = sqlite3.connect(tmp_path / "hotline.db")
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        with pytest.raises(StorageError) as refused:
            database.run_now(_write)
        assert time.monotonic() - began < 2
        other.close()
        assert refused.value.code == "database_locked"
        assert refused.value.retryable
        database.run_now(_write)


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "hotline.db").write_text("这不是数据库" * 200)
    refused = _refused(f"sqlite:///{tmp_path / 'hotline.db'}")
    assert refused.code == "database_damaged"
    assert "备份" in refused.remedy
    assert (tmp_path / "hotline.db").read_text() == "这不是数据库" * 200


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused = _refused(f"sqlite:///{tmp_path / 'file' / 'hotline.db'}")
    assert refused.code == "database_unreachable"


def test_a_folder_in_place_of_the_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "hotline.db").mkdir()
    assert _refused(f"sqlite:///{tmp_path / 'hotline.db'}").code == "database_unreachable"


def test_a_full_disk_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    with new_database("sqlite", tmp_path) as database:
        database.run_now(_write)

        def fill(connection: Connection) -> None:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
            big = [{**LINE, "day": f"{day:08d}"} for day in range(20_000)]
            connection.execute(insert(ticket_numbers), big)

        with pytest.raises(StorageError) as refused:
            database.run_now(fill)
        assert refused.value.code == "disk_full"
        assert database.run_now(_count) == 1


@pytest.mark.parametrize("wrong", ["", "hotline.db", "mysql://host/name", "sqlite://", "sqlite:///:memory:"])
def test_a_url_that_cannot_be_used_is_refused(wrong: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Database(StorageSettings(url=wrong))
    assert refused.value.code == "database_url"
    assert "sqlite:///" in refused.value.remedy


async def test_work_that_is_late_is_stopped_and_leaves_no_thread_behind(database: Database) -> None:
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
    for _ in range(6):  # more often than there are threads
        with pytest.raises(StorageError) as refused:
            await database.write(lambda connection: connection.execute(text(endless)).scalar())
        assert refused.value.code == "database_slow"
    await database.write(_write)
    assert await database.read(_count) == 1


class Valve:
    """A way to a server that can be stopped: bytes wait on it, as they do before a frozen server."""

    def __init__(self, host: str, port: int):
        self.target = (host, port)
        self.is_open = asyncio.Event()
        self.is_open.set()

    async def __aenter__(self) -> "Valve":
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        self._tasks: set[asyncio.Task[None]] = set()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self.target)
        self._tasks |= {
            asyncio.ensure_future(self._pass(reader, far_writer)),
            asyncio.ensure_future(self._pass(far_reader, writer)),
        }

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                await self.is_open.wait()
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()


@pytest.mark.postgres
@pytest.mark.network
async def test_a_server_that_stands_still_holds_nobody_up_and_is_used_again_when_it_goes_on(tmp_path: Path) -> None:
    with new_database("postgres", tmp_path) as direct:
        async with Valve(direct.url.host or "", direct.url.port or 5432) as valve:
            url = direct.url.set(host="127.0.0.1", port=valve.port).render_as_string(hide_password=False)
            database = Database(StorageSettings(url=url, deadline_ms=900, pool_size=2))
            await database.write(_write)
            valve.is_open.clear()
            for _ in range(5):
                began = time.monotonic()
                with pytest.raises(StorageError) as refused:
                    await database.read(_count)
                assert time.monotonic() - began < 2
                assert refused.value.retryable
            valve.is_open.set()
            async with asyncio.timeout(10):
                while True:
                    try:
                        assert await database.read(_count) == 1
                        break
                    except StorageError:
                        await asyncio.sleep(0.1)  # a connection attempt of before is still running out
            await asyncio.to_thread(database.close)


@pytest.mark.network
def test_a_server_that_is_not_there_is_told_in_time() -> None:
    began = time.monotonic()
    refused = _refused("postgresql://bot@127.0.0.1:1/hotline")
    assert time.monotonic() - began < 3
    assert refused.code == "database_unreachable"
    assert refused.retryable


@pytest.mark.postgres
def test_a_database_or_role_that_is_not_there_is_told(tmp_path: Path) -> None:
    with database_url("postgres", tmp_path) as url:
        server = url.rpartition("/")[0]
        assert _refused(f"{server}/no_such_hotline").code == "database_missing"
        nobody = url.replace("postgres@", "no_such_role@")
        assert _refused(nobody).code == "database_login_refused"


@pytest.mark.postgres
async def test_a_server_that_was_restarted_costs_no_turn(tmp_path: Path) -> None:
    with new_database("postgres", tmp_path) as database:
        await database.write(_write)
        url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        assert await database.read(_count) == 1


@pytest.mark.postgres
async def test_a_row_locked_by_somebody_else_is_told_in_time(tmp_path: Path) -> None:
    with new_database("postgres", tmp_path, deadline_ms=400) as database:
        await database.write(_write)
        url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(url) as other:
            other.execute("UPDATE ticket_numbers SET last = 7")
            with pytest.raises(StorageError) as refused:
                await database.write(lambda connection: connection.execute(text("UPDATE ticket_numbers SET last = 8")))
        assert refused.value.code in ("database_locked", "database_slow")


@pytest.mark.parametrize("where", ["statement", "commit", "answer"])
async def test_a_connection_that_is_cut_costs_nothing_where_doing_it_again_is_harmless(
    database: Database, where: str
) -> None:
    def once(connection: Connection) -> None:
        put(connection, ticket_numbers, LINE)

    scissors = Scissors(database)
    await database.read(_count)
    scissors.cut(where)
    await database.write(once, harmless_twice=True)
    assert scissors.cuts[where] == 1
    assert await database.read(_count) == 1


@pytest.mark.parametrize(("where", "written"), [("commit", 0), ("answer", 1)])
async def test_a_connection_that_is_cut_at_the_commit_is_told_where_nobody_knows_whether_it_was_done(
    database: Database, where: str, written: int
) -> None:
    scissors = Scissors(database)
    scissors.cut(where)
    with pytest.raises(StorageError) as refused:
        await database.write(_write)
    assert refused.value.retryable
    assert await database.read(_count) == written
