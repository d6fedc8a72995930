"""The version of the schema: which one a database has, which one this program needs, and the way between."""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from voicebot.core.errors import StorageError

_UPGRADE_LOCK = 0x484F544C  # "HOTL": the number of the server-wide lock that upgrades take
_LOCK_WAIT_MS = 30_000


@cache
def head() -> str:
    """The revision that this program needs."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    assert revision is not None  # noqa: S101 - the package carries its migrations; a test counts them
    return revision


def current(connection: Connection) -> str:
    """The revision that the database has, "" for none."""
    return MigrationContext.configure(connection).get_current_revision() or ""


def require_current(connection: Connection, place: str) -> str:
    """The revision, when it is the one this program needs; raises `StorageError` otherwise."""
    found = current(connection)
    if not found:
        raise StorageError(
            f"数据库 {place} 是空的。",
            code="schema_missing",
            remedy="请运行 voicebot db upgrade。",
            retryable=False,
        )
    _refuse_newer(found, place)
    if found != head():
        raise StorageError(
            f"数据库 {place} 的结构是 {found} 版，程序需要 {head()} 版。",
            code="schema_old",
            remedy="请运行 voicebot db upgrade。",
            retryable=False,
        )
    return found


def upgrade(connection: Connection, place: str) -> tuple[str, str]:
    """Bring the schema to `head` inside the caller's transaction; returns the revisions before and after."""
    if connection.dialect.name == "postgresql":  # SQLite's write lock is already ours
        connection.execute(text(f"SET LOCAL lock_timeout = {_LOCK_WAIT_MS}"))
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})
    before = current(connection)
    _refuse_newer(before, place)
    if before != head():
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return before, head()


def _refuse_newer(found: str, place: str) -> None:
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if found and found not in known:
        raise StorageError(
            f"数据库 {place} 的结构是 {found} 版，比本程序新。",
            code="schema_newer",
            remedy="请安装写它的那个较新版本的程序，或恢复较早的备份。",
            retryable=False,
        )


def _config() -> Config:
    config = Config()
    folder = Path(__file__).parent / "migrations"
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
