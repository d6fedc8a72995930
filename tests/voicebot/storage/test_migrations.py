"""The migrations build what the program expects, and the logs can only grow."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, delete, text, update

from tests.fakes.clock import FakeClock
from tests.support.databases import BOTH, database_url, new_database, opened
from tests.support.nouns import call_start, full_draft
from voicebot.core.errors import StorageError
from voicebot.desk.agent_queue import SqlAgentQueue
from voicebot.storage import schema
from voicebot.storage.calls import SqlCallStore
from voicebot.storage.database import Database
from voicebot.storage.settings import StorageSettings
from voicebot.storage.tables import audit_events, call_events, metadata, ticket_events
from voicebot.storage.tickets import SqlTicketStore


@pytest.fixture(params=BOTH)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with new_database(request.param, tmp_path) as database:
        yield database


@pytest.mark.parametrize("kind", BOTH)
def test_the_migrations_build_the_tables_of_the_program(kind: str, tmp_path: Path) -> None:
    with database_url(kind, tmp_path) as url, opened(url) as database:
        differences = database.run_now(
            lambda connection: compare_metadata(
                MigrationContext.configure(connection, opts={"compare_type": True}), metadata
            )
        )
        assert differences == []


async def _fill(database: Database) -> None:
    clock = FakeClock()
    calls = SqlCallStore(database, clock)
    await calls.begin(call_start())
    await calls.note("call-1", "digit", {"key": "5"})
    await SqlTicketStore(database, clock).file(call_start(), full_draft(), 1)
    statement = text("INSERT INTO audit_events (at, actor, kind, detail) VALUES ('2026-03-02', 'x', 'y', '{}')")
    await database.write(lambda connection: connection.execute(statement))


@pytest.mark.parametrize("table", [ticket_events, call_events, audit_events], ids=lambda table: table.name)
async def test_a_log_can_neither_be_changed_nor_shortened(database: Database, table: object) -> None:
    await _fill(database)
    for statement in (update(table).values(kind="forged"), delete(table)):  # type: ignore[arg-type]
        with pytest.raises(StorageError) as refused:
            await database.write(lambda connection, statement=statement: connection.execute(statement))  # type: ignore[misc]
        assert refused.value.code == "record_refused"


@pytest.mark.postgres
@pytest.mark.parametrize("table", ["ticket_events", "call_events", "audit_events"])
async def test_a_log_cannot_be_emptied(tmp_path: Path, table: str) -> None:
    with new_database("postgres", tmp_path) as database:
        with pytest.raises(StorageError) as refused:
            await database.write(lambda connection: connection.execute(text(f"TRUNCATE {table}")))
        assert refused.value.code == "record_refused"


@pytest.mark.parametrize("kind", BOTH)
async def test_a_queue_of_the_first_version_keeps_its_order(kind: str, tmp_path: Path) -> None:
    row = (
        "INSERT INTO queue_entries (call_id, reason, skill, priority, summary, caller_number, turns, joined_at, state,"
        " agent) VALUES ('{0}', 'asked', 'general', 5, '', '', '[]', '2026-03-02 06:3{1}:00+00:00', 'waiting', '')"
    )
    with database_url(kind, tmp_path) as url:
        database = Database(StorageSettings(url=url))

        def first_version(connection: Connection) -> None:
            config = schema._config()
            config.attributes["connection"] = connection
            command.upgrade(config, "0001")
            for call_id, minute in (("late", 5), ("early", 1)):
                connection.execute(text(row.format(call_id, minute)))

        database.run_now(first_version)
        assert database.upgrade() == ("0001", schema.head())
        waiting = await SqlAgentQueue(database, FakeClock()).waiting()
        assert [entry.request.call_id for entry in waiting] == ["early", "late"]
        database.close()
