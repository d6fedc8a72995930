"""``voicebot users``: passwords are made or typed, shown once, and never part of a command."""

import asyncio
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from voicebot.cli.users import command
from voicebot.core.clock import SystemClock
from voicebot.core.errors import StorageError
from voicebot.settings import Settings
from voicebot.storage.accounts import Account
from voicebot.storage.database import Database
from voicebot.web.office import accounts_of, logins_of


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.model_validate({"storage": {"url": f"sqlite:///{tmp_path / 'hotline.db'}"}})


def _run(settings: Settings, *words: str, typed: str = "") -> Result:
    return CliRunner().invoke(command, list(words), obj=settings, input=typed, catch_exceptions=False)


def _check(settings: Settings, name: str, password: str) -> Account | None:
    database = Database(settings.storage)
    try:
        return asyncio.run(accounts_of(database, SystemClock(), settings.web).check(name, password))
    finally:
        database.close()


def test_an_account_gets_a_password_that_is_shown_once_and_must_be_changed(settings: Settings) -> None:
    done = _run(settings, "add", "mei", "--display-name", "梅", "--skill", "dialect", "--extension", "8001")
    found = re.search(r"一次性密码（只显示这一次）：(\S+)", done.output)
    assert found is not None
    account = _check(settings, "mei", found.group(1))
    assert account is not None
    assert (account.skills, account.extension, account.must_change) == (("dialect",), "8001", True)
    listed = _run(settings, "list").output
    assert "梅" in listed
    assert found.group(1) not in listed


def test_a_password_can_be_typed(settings: Settings) -> None:
    _run(settings, "add", "mei", "--prompt", typed="korrekt-pferd-9\nkorrekt-pferd-9\n")
    account = _check(settings, "mei", "korrekt-pferd-9")
    assert account is not None
    assert not account.must_change


def test_an_account_is_closed_and_opened_again(settings: Settings) -> None:
    _run(settings, "add", "mei", "--prompt", typed="korrekt-pferd-9\nkorrekt-pferd-9\n")
    _run(settings, "disable", "mei")
    assert _check(settings, "mei", "korrekt-pferd-9") is None
    _run(settings, "disable", "mei", "--undo")
    _run(settings, "password", "mei", "--prompt", typed="anders-pferd-10\nanders-pferd-10\n")
    assert _check(settings, "mei", "anders-pferd-10") is not None


@pytest.mark.parametrize(
    ("words", "typed", "code"),
    [
        (("add", "梅"), "", "account_name"),
        (("add", "mei", "--prompt"), "kurz\nkurz\n", "password_weak"),
        (("disable", "nobody"), "", "account_unknown"),
    ],
)
def test_what_cannot_be_done_is_refused(settings: Settings, words: tuple[str, ...], typed: str, code: str) -> None:
    with pytest.raises(StorageError) as refused:
        _run(settings, *words, typed=typed)
    assert refused.value.code == code


def test_an_empty_list_says_what_to_do(settings: Settings) -> None:
    assert "voicebot users add" in _run(settings, "list").output


def test_an_account_is_parted_from_the_identity_provider(settings: Settings) -> None:
    _run(settings, "add", "mei", "--prompt", typed="korrekt-pferd-9\nkorrekt-pferd-9\n")

    async def link(database: Database) -> str:
        await accounts_of(database, SystemClock(), settings.web).link("mei", "identity", actor="test")
        return await logins_of(database, SystemClock(), settings.web).open("mei", "")

    async def find(database: Database) -> object:
        return await logins_of(database, SystemClock(), settings.web).find(token)

    database = Database(settings.storage)
    try:
        token = asyncio.run(link(database))
        assert _run(settings, "list").output.rstrip().endswith("统一身份认证")
        assert asyncio.run(find(database)) is not None
        _run(settings, "unlink", "mei")
        assert "统一身份认证" not in _run(settings, "list").output
        assert asyncio.run(find(database)) is None
    finally:
        database.close()
    with pytest.raises(StorageError):
        _run(settings, "unlink", "nobody")
