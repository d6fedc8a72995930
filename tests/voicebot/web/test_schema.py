"""Requests that nobody thought of, made from the OpenAPI document: no answer breaks, and each is as described."""

import asyncio
import shutil
import sys
from pathlib import Path

import pytest

from tests.support.databases import new_database
from tests.support.nouns import call_start, caller_turn, full_draft, hand_off
from tests.support.office import employ, new_office, opened_office, visitor
from voicebot.core.clock import SystemClock
from voicebot.storage.accounts import Role
from voicebot.storage.calls import SqlCallStore
from voicebot.web.settings import WebSettings

pytestmark = [pytest.mark.network, pytest.mark.slow]

# What would end the login that the requests are made with, and what never ends.
NOT_TRIED = "logout|password|disable|events|login"


async def test_no_generated_request_breaks_the_api_or_gets_an_undescribed_answer(tmp_path: Path) -> None:
    command = shutil.which("schemathesis", path=str(Path(sys.executable).parent)) or "schemathesis"
    settings = WebSettings(port=0, requests_per_minute=100_000)
    with new_database("sqlite", tmp_path) as database:
        clock = SystemClock()
        office = new_office(database, clock, web=settings)
        await employ(office, "boss", Role.ADMINISTRATOR)
        calls = SqlCallStore(database, clock)
        await calls.begin(call_start())
        await calls.add_turn("call-1", caller_turn())
        await office.record.queue.join(hand_off("call-1"))
        await office.record.tickets.file(call_start(), full_draft(), 1)
        async with opened_office(office, settings) as server, visitor(server) as boss:
            assert await boss.log_in("boss") == 200
            (cookie,) = list(boss.http.cookie_jar)
            process = await asyncio.create_subprocess_exec(
                command, "run", f"{server.url}/api/openapi.json",
                "-H", f"Cookie: hotline_login={cookie.value}", "-H", f"X-CSRF-Token: {boss.csrf}",
                "--exclude-path-regex", NOT_TRIED, "--max-examples", "10", "--phases", "examples,fuzzing",
                "--checks", "not_a_server_error,response_schema_conformance,content_type_conformance",
                "--generation-database", "none", "--seed", "1", "--no-color",
                cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            )  # fmt: skip
            output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()[-4000:]
