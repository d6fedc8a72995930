"""What people changed comes back as rows to learn from."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.support.nouns import call_start, full_draft
from voicebot.cli.routing import command
from voicebot.core.clock import SystemClock
from voicebot.core.errors import ConfigurationError
from voicebot.core.ticket import BY_AGENT, Dispatch
from voicebot.settings import Settings
from voicebot.storage.database import Database
from voicebot.storage.settings import StorageSettings
from voicebot.storage.tickets import SqlTicketStore


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(storage=StorageSettings(url=f"sqlite:///{tmp_path / 'hotline.db'}"))


async def _fill(store: SqlTicketStore) -> None:
    start = replace(call_start(), tenant="luoyang")
    drafts = [replace(full_draft(), what=what) for what in ("机器派的", "王建国说路灯坏了", "垃圾没人清运")]
    for number, draft in enumerate(drafts, 1):
        await store.file(replace(start, call_id=f"call-{number}"), replace(draft, dispatch=Dispatch("urban")), 1)
    chosen = Dispatch("power", basis=BY_AGENT)
    tickets = {ticket.draft.what: ticket for ticket in await store.latest("luoyang")}
    lamp, rubbish = tickets["王建国说路灯坏了"], tickets["垃圾没人清运"]
    await store.revise(lamp.number, replace(lamp.draft, dispatch=chosen), "mei")
    await store.revise(rubbish.number, replace(rubbish.draft, category=("城市管理", "市容环卫", "垃圾清运")), "mei")


@pytest.mark.parametrize(("kind", "label"), [("department", "power"), ("category", "垃圾清运")])
def test_what_people_decided_is_written_masked_and_nothing_else(
    settings: Settings, tmp_path: Path, kind: str, label: str
) -> None:
    database = Database(settings.storage)
    database.upgrade()
    asyncio.run(_fill(SqlTicketStore(database, SystemClock())))
    database.close()
    file = tmp_path / "rows.jsonl"
    result = CliRunner().invoke(command, ["corrections", str(file), "--kind", kind], obj=settings)
    assert result.exit_code == 0, result.exception
    (row,) = map(json.loads, file.read_text("utf-8").splitlines())
    assert row[kind] == label
    assert "王建国" not in row["text"]


def test_nothing_to_learn_is_told(settings: Settings, tmp_path: Path) -> None:
    database = Database(settings.storage)
    database.upgrade()
    database.close()
    result = CliRunner().invoke(command, ["corrections", str(tmp_path / "rows.jsonl")], obj=settings)
    assert isinstance(result.exception, ConfigurationError)
    assert not (tmp_path / "rows.jsonl").exists()
