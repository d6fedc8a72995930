"""What a database driver says when it refuses, as one `StorageError` with a remedy."""

import sqlite3
from pathlib import Path

import psycopg
from sqlalchemy import exc
from sqlalchemy.engine import URL

from voicebot.core.errors import StorageError

_SQLITE = {
    sqlite3.SQLITE_BUSY: "database_locked",
    sqlite3.SQLITE_LOCKED: "database_locked",
    sqlite3.SQLITE_CANTOPEN: "database_unreachable",
    sqlite3.SQLITE_READONLY: "database_read_only",
    sqlite3.SQLITE_PERM: "database_read_only",
    sqlite3.SQLITE_AUTH: "database_read_only",
    sqlite3.SQLITE_FULL: "disk_full",
    sqlite3.SQLITE_IOERR: "disk_fault",
    sqlite3.SQLITE_CORRUPT: "database_damaged",
    sqlite3.SQLITE_NOTADB: "database_damaged",
}

# PostgreSQL appendix A; a class of two characters stands for all of its codes.
_POSTGRES = {
    "08": "database_unreachable",
    "57P": "database_unreachable",
    "28": "database_login_refused",
    "3D000": "database_missing",
    "53100": "disk_full",
    "53300": "database_busy",
    "58": "disk_fault",
    "55P03": "database_locked",
    "40": "database_locked",
    "57014": "database_slow",
    "25006": "database_read_only",
    "42501": "database_login_refused",
    "42P01": "schema_missing",
    "42703": "schema_missing",
    "3F000": "schema_missing",
}

_SENTENCES = {
    "database_locked": (
        "数据库 {where} 被别的程序锁住了。",
        "请关闭占用它的程序（查看工具、备份、另一个服务）后再试。",
    ),
    "database_unreachable": (
        "连不上数据库 {where}。",
        "请确认数据库服务已启动、所在文件夹存在且可写，并核对设置 storage.url。",
    ),
    "database_read_only": (
        "数据库 {where} 只能读，不能写。",
        "请给运行服务的用户该文件及其文件夹的写权限，或改设置 storage.url。",
    ),
    "disk_full": ("数据库 {where} 所在磁盘已满。", "请清出空间；没有写坏任何数据。"),
    "disk_fault": ("数据库 {where} 所在磁盘读写出错。", "请先检查磁盘和系统日志，再继续写入。"),
    "database_damaged": ("文件 {where} 已损坏，或者不是数据库。", "请用备份恢复；或将它移走，重新建库。"),
    "database_login_refused": ("数据库 {where} 拒绝登录或权限不足。", "请核对设置 storage.url 中的用户、密码和权限。"),
    "database_missing": ("数据库 {where} 不存在。", "请先建库（createdb），或改正设置 storage.url 中的库名。"),
    "database_busy": ("数据库 {where} 没有空闲连接。", "请调大设置 storage.pool_size 或数据库的 max_connections。"),
    "database_slow": (
        "数据库 {where} 没有按时答复。",
        "请检查是否有长事务或负载过高；时限由设置 storage.deadline_ms 决定。",
    ),
    "schema_missing": ("数据库 {where} 缺少数据表。", "请运行 voicebot db upgrade。"),
    "record_refused": ("数据库 {where} 拒收一条记录。", "这是程序的错误，请报告。"),
    "database_fault": ("数据库 {where} 出错。", "请查看数据库服务的日志。"),
}
_NOT_WORTH_RETRYING = {
    "database_read_only", "database_damaged", "database_login_refused", "database_missing", "schema_missing",
    "record_refused",
}  # fmt: skip


def place(url: URL) -> str:
    """The database as an operator knows it, never with the password."""
    if url.get_backend_name() == "sqlite":
        return str(Path(url.database or ""))
    return url.set(drivername="postgresql").render_as_string(hide_password=True)


def refusal(code: str, url: URL) -> StorageError:
    """The error for one of the codes above."""
    message, remedy = _SENTENCES[code]
    return StorageError(
        message.format(where=place(url)), code=code, remedy=remedy, retryable=code not in _NOT_WORTH_RETRYING
    )


def translate(error: exc.SQLAlchemyError, url: URL) -> StorageError:
    """The error that a driver's complaint means."""
    return refusal(code_of(error), url)


def code_of(error: exc.SQLAlchemyError) -> str:
    """The stable code of a driver's complaint."""
    if isinstance(error, exc.TimeoutError):  # the pool had no free connection
        return "database_busy"
    if isinstance(error, exc.IntegrityError | exc.DataError):
        return "record_refused"
    original = error.orig if isinstance(error, exc.DBAPIError) else None
    if isinstance(original, sqlite3.Error):
        return _sqlite_code(original)
    if isinstance(original, psycopg.Error):
        return _postgres_code(original)
    return "database_fault"


def _sqlite_code(error: sqlite3.Error) -> str:
    if "no such table" in str(error) or "no such column" in str(error):
        return "schema_missing"
    extended = getattr(error, "sqlite_errorcode", 0)
    return _SQLITE.get(extended & 0xFF, "database_fault")  # the low byte is the primary code: sqlite.org/rescode.html


def _postgres_code(error: psycopg.Error) -> str:
    state = error.sqlstate or ""
    for length in (5, 3, 2):
        if state[:length] in _POSTGRES:
            return _POSTGRES[state[:length]]
    if not state:  # no server answered, or the connection broke; libpq leaves only its words for a failed login
        return _code_of_words(str(error))
    return "database_fault"


def _code_of_words(words: str) -> str:
    if "does not exist" in words and "database" in words:
        return "database_missing"
    if "authentication failed" in words or "no password supplied" in words or "role" in words:
        return "database_login_refused"
    if "too many clients" in words or "too many connections" in words:
        return "database_busy"
    return "database_unreachable"
