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
        "The database {where} is locked by another program.",
        "Close the program that holds it (a database browser, a backup, a second service) and try again.",
    ),
    "database_unreachable": (
        "The database {where} cannot be reached.",
        "Check that the server runs, or that the folder exists and may be written to, and that storage.url is right.",
    ),
    "database_read_only": (
        "The database {where} may only be read.",
        "Give the service's user write access to the file and to its folder, or point storage.url elsewhere.",
    ),
    "disk_full": ("The disk of the database {where} is full.", "Free space on that disk; nothing was half-written."),
    "disk_fault": (
        "The disk of the database {where} reported a fault.",
        "Check the disk and the system log before anything else is written.",
    ),
    "database_damaged": (
        "The file {where} is damaged or is not a database.",
        "Restore it from a backup, or move it away to begin a new one.",
    ),
    "database_login_refused": (
        "The database server refused the login or the rights for {where}.",
        "Check user, password and rights in storage.url.",
    ),
    "database_missing": (
        "There is no database at {where}.",
        "Create it (createdb) or correct the name in storage.url.",
    ),
    "database_busy": (
        "The database {where} has no free connection.",
        "Raise storage.pool_size, or max_connections of the server; the call goes on without it.",
    ),
    "database_slow": (
        "The database {where} did not answer in time.",
        "Look for a long transaction or an overloaded server; storage.deadline_ms sets the limit.",
    ),
    "schema_missing": ("The database {where} lacks a table or column.", "Run `voicebot db upgrade`."),
    "record_refused": ("The database {where} refused a record.", "This is a fault of the program; report it."),
    "database_fault": ("The database {where} failed.", "See the server's log."),
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
