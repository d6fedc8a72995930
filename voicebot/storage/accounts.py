"""Who may log in, as what, and with which password."""

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import ColumnElement, Connection, Row, case, func, insert, select, update

from voicebot.core.errors import StorageError
from voicebot.core.ports import Clock
from voicebot.storage.database import Database
from voicebot.storage.tables import accounts, audit_events

MIN_PASSWORD = 10
_LONGEST_NAME = 64
_SHORT_NAME = 3  # characters that may well stand in a good password by chance
_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._-")
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # without those that are taken for one another on paper


class Role(StrEnum):
    """What an account is for."""

    AGENT = "agent"
    SUPERVISOR = "supervisor"
    EDITOR = "editor"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class Account:
    """A person who may log in. ``extension`` is where their calls are put through, "" when they use none.

    ``linked``: the identity provider lets them in.
    """

    name: str
    display_name: str
    role: Role
    skills: tuple[str, ...] = ("general",)
    extension: str = ""
    disabled: bool = False
    must_change: bool = False
    linked: bool = False


class Accounts:
    """The table of accounts. Passwords are kept as argon2id hashes; wrong ones are counted and lead to a pause."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        lock_after: int = 5,
        lock_s: int = 900,
        hasher: PasswordHasher | None = None,
    ):
        self._database = database
        self._clock = clock
        self._lock_after = lock_after
        self._lock = timedelta(seconds=lock_s)
        self._hasher = hasher or PasswordHasher()
        self._nobody = self._hasher.hash(secrets.token_hex())  # takes as long for an unknown name as for a known one

    async def add(self, account: Account, password: str, *, actor: str, identity: str | None = None) -> None:
        """Create an account; raises `StorageError` for a name that is taken or not usable, or a weak password.

        ``identity``: whom the identity provider lets in to it, see `link`.
        """
        if not usable_name(account.name):
            raise _refused("account_name", "用户名只能用小写字母、数字和 . _ -，最多 64 个字符。", "请换一个用户名。")
        require_strong(password, account.name)
        row = {
            "name": account.name,
            "display_name": account.display_name or account.name,
            "role": account.role.value,
            "skills": list(account.skills),
            "extension": account.extension,
            "password_hash": await asyncio.to_thread(self._hasher.hash, password),
            "must_change": account.must_change,
            "failures": 0,
            "created_at": self._clock.now(),
            "identity": identity,
        }

        def work(connection: Connection) -> None:
            if connection.execute(select(accounts.c.name).where(accounts.c.name == account.name)).first():
                raise _refused("account_taken", f"用户名 {account.name} 已有人使用。", "请换一个用户名。")
            connection.execute(insert(accounts).values(row))
            self._note(connection, actor, "account_added", {"name": account.name, "role": account.role.value})

        await self._database.write(work)

    async def find(self, name: str) -> Account | None:
        """An account by its name."""
        return await self._one(accounts.c.name == name)

    async def find_linked(self, identity: str) -> Account | None:
        """The account that an identity of the provider is linked to."""
        return await self._one(accounts.c.identity == identity)

    async def all(self) -> tuple[Account, ...]:
        """Every account, by name."""
        query = select(accounts).order_by(accounts.c.name)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(account_of(row) for row in rows)

    async def is_empty(self) -> bool:
        """Whether nobody can log in yet."""
        query = select(func.count()).select_from(accounts)
        return await self._database.read(lambda connection: connection.execute(query).scalar_one()) == 0

    async def check(self, name: str, password: str) -> Account | None:
        """The account when the password is right; None otherwise. Raises `StorageError` while it is locked."""
        query = select(accounts).where(accounts.c.name == name)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        if row is not None and row.locked_until is not None and row.locked_until > self._clock.now():
            raise _refused("account_locked", "密码连续输错，账号已暂时锁定。", "请稍后再试，或请管理员重设密码。")
        right = await asyncio.to_thread(self._verify, row.password_hash if row else self._nobody, password)
        if row is None or row.disabled_at is not None:
            return None
        if right:
            values: dict[str, object] = {"failures": 0, "locked_until": None}
            if self._hasher.check_needs_rehash(row.password_hash):
                values["password_hash"] = await asyncio.to_thread(self._hasher.hash, password)
            statement = update(accounts).where(accounts.c.name == name).values(values)
            await self._database.write(lambda connection: connection.execute(statement))
            return account_of(row)
        await self._database.write(lambda connection: self._count_failure(connection, name))
        return None

    async def set_password(self, name: str, password: str, *, actor: str, must_change: bool = False) -> None:
        """Set a new password and open the lock."""
        require_strong(password, name)
        values = {
            "password_hash": await asyncio.to_thread(self._hasher.hash, password),
            "must_change": must_change,
            "failures": 0,
            "locked_until": None,
        }
        await self._change(name, values, actor, "password_set")

    async def disable(self, name: str, *, actor: str, disabled: bool = True) -> None:
        """Close an account, or open it again; what it did stays on record."""
        values = {"disabled_at": self._clock.now() if disabled else None}
        await self._change(name, values, actor, "account_disabled" if disabled else "account_enabled")

    async def link(self, name: str, identity: str, *, actor: str) -> None:
        """Let the person with an identity of the provider in to an account from now on.

        A one-time password that nobody has replaced yet is good for nothing more.
        """
        forgotten = await asyncio.to_thread(self._hasher.hash, secrets.token_urlsafe())
        unused = {
            "password_hash": case((accounts.c.must_change, forgotten), else_=accounts.c.password_hash),
            "must_change": False,
        }
        await self._change(name, {"identity": identity, **unused}, actor, "account_linked")

    async def unlink(self, name: str, *, actor: str) -> None:
        """Forget who the provider says it is; the next login by that name links it anew."""
        await self._change(name, {"identity": None}, actor, "account_unlinked")

    async def change(self, account: Account, *, actor: str) -> None:
        """Take over display name, role, skills and extension."""
        values = {
            "display_name": account.display_name,
            "role": account.role.value,
            "skills": list(account.skills),
            "extension": account.extension,
        }
        await self._change(account.name, values, actor, "account_changed")

    async def _one(self, which: ColumnElement[bool]) -> Account | None:
        query = select(accounts).where(which)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return account_of(row) if row else None

    def _verify(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerifyMismatchError, InvalidHashError):
            return False

    def _count_failure(self, connection: Connection, name: str) -> None:
        counted = update(accounts).where(accounts.c.name == name).values(failures=accounts.c.failures + 1)
        connection.execute(counted)
        failures = connection.execute(select(accounts.c.failures).where(accounts.c.name == name)).scalar_one()
        if failures >= self._lock_after:
            until = self._clock.now() + self._lock
            connection.execute(update(accounts).where(accounts.c.name == name).values(failures=0, locked_until=until))
            self._note(connection, name, "account_locked", {"name": name})

    async def _change(self, name: str, values: Mapping[str, object], actor: str, kind: str) -> None:
        def work(connection: Connection) -> None:
            if not connection.execute(update(accounts).where(accounts.c.name == name).values(values)).rowcount:
                raise _refused("account_unknown", f"没有用户 {name}。", "请用 voicebot users list 查看。")
            self._note(connection, actor, kind, {"name": name})

        await self._database.write(work)

    def _note(self, connection: Connection, actor: str, kind: str, detail: dict[str, object]) -> None:
        row = {"at": self._clock.now(), "actor": actor, "kind": kind, "detail": detail}
        connection.execute(insert(audit_events).values(row))


def usable_name(name: str) -> bool:
    """Whether an account can have this name."""
    return 0 < len(name) <= _LONGEST_NAME and not set(name) - _NAME_CHARACTERS


def require_strong(password: str, name: str) -> None:
    """Raises `StorageError` for a password that is too short or holds the name."""
    if len(password) < MIN_PASSWORD:
        raise _refused("password_weak", f"密码至少要 {MIN_PASSWORD} 个字符。", "请换一个密码。")
    if len(name) > _SHORT_NAME and name.lower() in password.lower():
        raise _refused("password_weak", "密码不能包含用户名。", "请换一个密码。")


def one_time_password() -> str:
    """A password to be read out or copied once: 16 letters and digits, 79 bits."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))


def account_of(row: Row[Any]) -> Account:
    """The noun from a row with the columns of the table."""
    return Account(
        name=row.name,
        display_name=row.display_name,
        role=Role(row.role),
        skills=tuple(row.skills),
        extension=row.extension,
        disabled=row.disabled_at is not None,
        must_change=row.must_change,
        linked=row.identity is not None,
    )


def _refused(code: str, message: str, remedy: str) -> StorageError:
    return StorageError(message, code=code, remedy=remedy, retryable=False)
