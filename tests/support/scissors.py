"""Cuts the connections of a database, where it hurts most: in a transaction, before its commit, and after it."""

import sqlite3
from collections import Counter
from contextlib import suppress
from typing import Any

import psycopg
from sqlalchemy import event

from voicebot.storage.database import Database

PLACES = ("statement", "commit", "answer")


class Scissors:
    """On one `Database`. PostgreSQL's own server ends the session; a SQLite connection is closed under its owner.

    Cut after the commit, the work is done and nobody is told.
    """

    def __init__(self, database: Database):
        self.cuts: Counter[str] = Counter()
        self._url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._where, self._left = "", 0
        self._open: list[Any] = []
        engine, commit = database.engine, database.engine.dialect.do_commit

        def committed(raw: Any) -> None:
            if self._due("commit"):
                self._cut(raw.dbapi_connection)
            commit(raw)
            if self._due("answer"):
                self._cut(raw.dbapi_connection)
                raw.dbapi_connection.execute("SELECT 1")  # fails in the driver's own words

        engine.dialect.do_commit = committed  # type: ignore[method-assign]
        event.listen(engine, "connect", lambda raw, _record: self._open.append(raw))
        event.listen(engine, "do_execute", self._statement)

    def cut(self, where: str, statements: int = 0) -> None:
        """Cut once: at a "statement" (after so many), before a "commit", or before the "answer" to one."""
        self._where, self._left = where, statements

    def disarm(self) -> None:
        """Cut nothing more."""
        self._where = ""

    def cut_all(self) -> None:
        """Cut every connection, as when the process behind it dies."""
        for raw in self._open:
            if isinstance(raw, sqlite3.Connection):
                with suppress(sqlite3.ProgrammingError):  # cut before
                    raw.interrupt()
            elif not raw.closed:
                self._cut(raw, told=False)
        self._open.clear()

    def _statement(self, cursor: Any, *_: object) -> None:
        if self._due("statement"):
            self._cut(cursor.connection)

    def _due(self, where: str) -> bool:
        if self._where != where:
            return False
        if where == "statement" and self._left > 0:
            self._left -= 1
            return False
        self._where = ""
        self.cuts[where] += 1
        return True

    def _cut(self, raw: Any, *, told: bool = True) -> None:
        if isinstance(raw, sqlite3.Connection):
            raw.close()
            return
        with psycopg.connect(self._url, autocommit=True) as server:
            gone = server.execute("SELECT pg_terminate_backend(%s, 5000)", (raw.info.backend_pid,)).fetchone()
        assert gone == (True,) or not told
