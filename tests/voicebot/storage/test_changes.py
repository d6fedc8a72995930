"""Who watches is told at once: by their own process, by others, and after a broken connection; on both databases."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from tests.support.databases import BOTH, database_url, opened
from voicebot.storage.changes import EVERYTHING, QUEUE, Changes, heard_so_far, hearing_topic
from voicebot.storage.database import Database


@pytest.fixture(params=BOTH)
def two(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Database, Database]]:
    """The same database, opened by two."""
    with database_url(request.param, tmp_path) as url, ExitStack() as stack:
        yield stack.enter_context(opened(url)), stack.enter_context(opened(url))


def _touch(connection: object) -> None:
    statement = text("INSERT INTO audit_events (at, actor, kind, detail) VALUES ('2026-03-02', 'x', 'y', '{}')")
    connection.execute(statement)  # type: ignore[attr-defined]


async def test_another_process_hears_of_a_write(two: tuple[Database, Database]) -> None:
    mine, theirs = Changes(two[0]), Changes(two[1])
    listening = asyncio.create_task(mine.run())
    with mine.watch() as watch:
        if not two[0].is_sqlite:
            assert await watch.next(5) == {EVERYTHING}  # listening has begun
        else:
            await asyncio.sleep(0.1)
        await theirs.write(_touch, QUEUE)
        assert await watch.next(5) & {QUEUE, EVERYTHING}
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


async def test_a_write_that_fails_tells_nothing(two: tuple[Database, Database]) -> None:
    changes = Changes(two[0])

    def broken(_connection: object) -> None:
        raise ValueError

    with changes.watch() as watch:
        with pytest.raises(ValueError):  # noqa: PT011
            await changes.write(broken, QUEUE)
        assert await watch.next(0.05) == set()


@pytest.mark.postgres
async def test_a_broken_connection_is_made_again_and_everything_counts_as_changed(tmp_path: Path) -> None:
    with database_url("postgres", tmp_path) as url, opened(url) as database:
        changes = Changes(database)
        listening = asyncio.create_task(changes.run())
        with changes.watch() as watch:
            assert await watch.next(5) == {EVERYTHING}
            with psycopg.connect(url, autocommit=True) as killer:
                killer.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            assert await watch.next(10) == {EVERYTHING}
            await changes.write(_touch, QUEUE)
            assert await watch.next(5) == {QUEUE}
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def test_many_changes_are_one_and_the_newest_words_count(two: tuple[Database, Database]) -> None:
    changes = Changes(two[0])
    with changes.watch() as watch:
        for topic in (QUEUE, hearing_topic("call-1", "我要"), hearing_topic("call-1", "我要反映"), QUEUE):
            changes.tell(topic)
        topics = await watch.next(1)
        assert QUEUE in topics
        assert heard_so_far(topics, "call-1") == "我要反映"
        assert heard_so_far(topics, "call-2") is None
        assert await watch.next(0.01) == set()
