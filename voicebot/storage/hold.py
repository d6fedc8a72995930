"""The hold that one operation has on its connection, so that it can be torn away when time is up.

A thread that waits for a server that has stopped (or for its disk) would otherwise stay behind for
ever, and with a few of them the pool would be empty.
"""

import os
import socket
import sqlite3
import threading

import psycopg
from sqlalchemy import Connection, exc


class Hold:
    """What one operation has in its hands, seen from its own thread and from the event loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._raw: object = None
        self.torn = False
        self.committing = False

    def take(self, connection: Connection) -> None:
        """The operation begins to use a connection; raises when its time was up before it got one."""
        with self._lock:
            if self.torn:
                raise exc.TimeoutError("nobody waits for this any more")
            self._raw = connection.connection.dbapi_connection

    def release(self) -> None:
        """The operation no longer uses it; from here on it may be somebody else's."""
        with self._lock:
            self._raw = None

    def tear(self) -> None:
        """Time is up: the statement in progress fails at once, in its own thread."""
        with self._lock:
            self.torn = True
            if isinstance(self._raw, sqlite3.Connection):
                self._raw.interrupt()
            elif isinstance(self._raw, psycopg.Connection) and not self._raw.closed:
                _cut(self._raw.fileno())


def _cut(descriptor: int) -> None:
    """Shut the socket down under libpq; closing it is left to its owner."""
    with socket.socket(fileno=os.dup(descriptor)) as twin:
        try:
            twin.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # the other side was quicker
