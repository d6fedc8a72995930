"""Both databases for a test: every behaviour is asked of SQLite and of PostgreSQL."""

import atexit
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.support.postgres import temporary_database
from voicebot.storage.database import Database
from voicebot.storage.settings import StorageSettings
from voicebot.storage.tables import metadata

BOTH = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
WITH_FAKE = ["fake", *BOTH]


@contextmanager
def database_url(kind: str, folder: Path) -> Iterator[str]:
    """The URL of a new, empty database."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'hotline.db'}"
    else:
        with temporary_database() as url:
            yield url


@contextmanager
def opened(url: str, **settings: object) -> Iterator[Database]:
    """The database at a URL, migrated."""
    database = Database(StorageSettings.model_validate({"url": url, **settings}))
    try:
        database.upgrade()
        yield database
    finally:
        database.close()


@contextmanager
def new_database(kind: str, folder: Path, **settings: object) -> Iterator[Database]:
    """A database with the schema and nothing in it."""
    if kind == "sqlite":
        shutil.copy(_sqlite_template(), folder / "hotline.db")
        with opened(f"sqlite:///{folder / 'hotline.db'}", **settings) as database:
            yield database
        return
    url = _shared_postgres()
    _clear(url)
    with opened(url, **settings) as database:
        yield database


@cache
def _sqlite_template() -> Path:
    """A migrated SQLite file to copy: migrating takes longer than most tests."""
    folder = Path(tempfile.mkdtemp(prefix="voicebot-sqlite-"))
    atexit.register(shutil.rmtree, folder)
    with opened(f"sqlite:///{folder / 'template.db'}"):
        pass  # the last connection to close brings the write-ahead log into the file
    return folder / "template.db"


@cache
def _shared_postgres() -> str:
    """One PostgreSQL database for all tests of this run: making one takes half a second."""
    stack = ExitStack()
    url = stack.enter_context(temporary_database())
    atexit.register(stack.close)
    with opened(url):
        return url


def _clear(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("SET session_replication_role = replica")  # past the guards of the append-only logs
        for table in metadata.tables:
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
