"""Logins that last: kept on the server, so that they can be ended there."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from voicebot.core.ports import Clock
from voicebot.storage.accounts import Account, account_of
from voicebot.storage.database import Database
from voicebot.storage.tables import accounts, login_sessions

_SEEN_EVERY = timedelta(seconds=60)  # not every request is worth a write
_FORGOTTEN_AFTER = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Login:
    """A login in force. ``csrf`` must come with every request that changes something."""

    account: Account
    csrf: str


class Logins:
    """The table of logins."""

    def __init__(self, database: Database, clock: Clock, *, idle_s: int = 3600, longest_s: int = 12 * 3600):
        self._database = database
        self._clock = clock
        self._idle = timedelta(seconds=idle_s)
        self._longest = timedelta(seconds=longest_s)

    async def open(self, name: str, address: str) -> str:
        """Begin a login; returns the token, which is nowhere kept."""
        token, now = secrets.token_urlsafe(32), self._clock.now()
        row = {
            "token_hash": _hash(token),
            "name": name,
            "created_at": now,
            "seen_at": now,
            "expires_at": now + self._longest,
            "address": address[:64],
        }
        old = delete(login_sessions).where(login_sessions.c.expires_at < now - _FORGOTTEN_AFTER)

        def work(connection: Connection) -> None:
            connection.execute(old)
            connection.execute(insert(login_sessions).values(row))

        await self._database.write(work)
        return token

    async def find(self, token: str) -> Login | None:
        """The login behind a token; None when it is unknown, over, revoked, or the account is closed."""
        now, key = self._clock.now(), _hash(token)
        query = (
            select(login_sessions.c.seen_at, accounts)
            .join(accounts, accounts.c.name == login_sessions.c.name)
            .where(
                login_sessions.c.token_hash == key,
                login_sessions.c.revoked_at.is_(None),
                login_sessions.c.expires_at > now,
                login_sessions.c.seen_at > now - self._idle,
                accounts.c.disabled_at.is_(None),
            )
        )
        row = await self._database.read(lambda connection: connection.execute(query).first())
        if row is None:
            return None
        if now - row.seen_at > _SEEN_EVERY:
            seen = update(login_sessions).where(login_sessions.c.token_hash == key).values(seen_at=now)
            await self._database.write(lambda connection: connection.execute(seen))
        return Login(account_of(row), csrf_of(token))

    async def close(self, token: str) -> None:
        """End one login."""
        await self._revoke(login_sessions.c.token_hash == _hash(token))

    async def close_all(self, name: str, *, except_token: str = "") -> None:
        """End every login of an account, except the one with ``except_token``."""
        keep = _hash(except_token) if except_token else ""
        await self._revoke((login_sessions.c.name == name) & (login_sessions.c.token_hash != keep))

    async def _revoke(self, which: ColumnElement[bool]) -> None:
        statement = (
            update(login_sessions)
            .where(which, login_sessions.c.revoked_at.is_(None))
            .values(revoked_at=self._clock.now())
        )
        await self._database.write(lambda connection: connection.execute(statement))


def csrf_of(token: str) -> str:
    """The token that a page sends along; it follows from the login's own and cannot be turned back into it."""
    return hmac.new(token.encode(), b"csrf", hashlib.sha256).hexdigest()


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
