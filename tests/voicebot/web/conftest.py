"""What the tests of the pages stand on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.databases import new_database
from voicebot.storage.database import Database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with new_database("sqlite", tmp_path) as database:
        yield database
