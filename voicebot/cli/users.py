"""``voicebot users``: who may log in at the desk."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import click

from voicebot.core.clock import SystemClock
from voicebot.settings import Settings
from voicebot.storage.accounts import Account, Role, one_time_password
from voicebot.storage.database import Database
from voicebot.web.office import accounts_of, logins_of

_ACTOR = "command_line"
_ROLES = {
    Role.AGENT: "坐席",
    Role.SUPERVISOR: "班长",
    Role.EDITOR: "知识编辑",
    Role.AUDITOR: "审计",
    Role.ADMINISTRATOR: "管理员",
}


@click.group()
def command() -> None:
    """账号：添加、列出、停用、重设密码。密码从键盘输入或随机生成，从不写在命令里。"""


@command.command()
@click.argument("name")
@click.option("--role", type=click.Choice([role.value for role in Role]), default=Role.AGENT.value, help="角色。")
@click.option("--display-name", default="", help="显示的姓名。")
@click.option("--skill", "skills", multiple=True, help="技能，可重复；缺省 general。")
@click.option("--extension", default="", help="转接到的分机号或 SIP 地址。")
@click.option("--prompt", is_flag=True, help="自己输入密码；缺省生成一次性密码，首次登录须改。")
@click.pass_obj
def add(
    settings: Settings, name: str, role: str, display_name: str, skills: tuple[str, ...], extension: str, prompt: bool
) -> None:
    """添加账号 NAME。"""
    password = _asked() if prompt else one_time_password()
    account = Account(name, display_name, Role(role), skills or ("general",), extension, must_change=not prompt)
    with _opened(settings) as database:
        accounts = accounts_of(database, SystemClock(), settings.web)
        asyncio.run(accounts.add(account, password, actor=_ACTOR))
    _tell(name, "" if prompt else password)


@command.command("list")
@click.pass_obj
def list_(settings: Settings) -> None:
    """列出全部账号。"""
    with _opened(settings) as database:
        found = asyncio.run(accounts_of(database, SystemClock(), settings.web).all())
    for account in found:
        state = "停用" if account.disabled else ("待改密码" if account.must_change else "正常")
        words = (account.name, account.display_name, _ROLES[account.role], state, "、".join(account.skills))
        click.echo("\t".join((*words, account.extension, "统一身份认证" if account.linked else "")).rstrip())
    if not found:
        click.echo("还没有账号。请运行 voicebot users add 用户名 --role administrator。")


@command.command()
@click.argument("name")
@click.option("--undo", is_flag=True, help="重新启用。")
@click.pass_obj
def disable(settings: Settings, name: str, undo: bool) -> None:
    """停用账号 NAME，它的登录立即失效。"""

    async def work(database: Database) -> None:
        await accounts_of(database, SystemClock(), settings.web).disable(name, actor=_ACTOR, disabled=not undo)
        await logins_of(database, SystemClock(), settings.web).close_all(name)

    with _opened(settings) as database:
        asyncio.run(work(database))
    click.echo(f"账号 {name} 已{'启用' if undo else '停用'}。")


@command.command()
@click.argument("name")
@click.option("--prompt", is_flag=True, help="自己输入密码；缺省生成一次性密码。")
@click.pass_obj
def password(settings: Settings, name: str, prompt: bool) -> None:
    """重设账号 NAME 的密码并解除锁定，它的登录立即失效。"""
    new = _asked() if prompt else one_time_password()

    async def work(database: Database) -> None:
        accounts = accounts_of(database, SystemClock(), settings.web)
        await accounts.set_password(name, new, actor=_ACTOR, must_change=not prompt)
        await logins_of(database, SystemClock(), settings.web).close_all(name)

    with _opened(settings) as database:
        asyncio.run(work(database))
    _tell(name, "" if prompt else new)


@command.command()
@click.argument("name")
@click.pass_obj
def unlink(settings: Settings, name: str) -> None:
    """解除账号 NAME 与统一身份认证的关联，它的登录立即失效；下一个同名的人登录时重新关联。"""

    async def work(database: Database) -> None:
        await accounts_of(database, SystemClock(), settings.web).unlink(name, actor=_ACTOR)
        await logins_of(database, SystemClock(), settings.web).close_all(name)

    with _opened(settings) as database:
        asyncio.run(work(database))
    click.echo(f"账号 {name} 不再关联统一身份认证的身份。")


def _asked() -> str:
    given: str = click.prompt("密码", hide_input=True, confirmation_prompt="再输入一次")
    return given


def _tell(name: str, one_time: str) -> None:
    click.echo(f"账号 {name} 已可登录。" + (f"一次性密码（只显示这一次）：{one_time}" if one_time else ""))


@contextmanager
def _opened(settings: Settings) -> Iterator[Database]:
    database = Database(settings.storage)
    try:
        database.upgrade()
        yield database
    finally:
        database.close()
