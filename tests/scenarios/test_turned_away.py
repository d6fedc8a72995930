"""More callers than conversations, at the running service."""

import asyncio
from pathlib import Path

import pytest

from tests.support.hotline import Hotline
from tests.support.models import require_models
from tests.support.raw_sip import RawSip
from voicebot.core.call import CallBack, CallEnd
from voicebot.core.clock import SystemClock
from voicebot.desk.agent_queue import SqlAgentQueue
from voicebot.storage.database import Database
from voicebot.storage.records import CallFile, CallRecords

pytestmark = [pytest.mark.engine, pytest.mark.network, pytest.mark.slow, pytest.mark.timeout(1200)]


async def test_one_caller_more_hears_why_and_is_listed_to_be_called_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_models("whisper-base", "kokoro")
    monkeypatch.setenv("VOICEBOT_MAX_CONVERSATIONS", "1")
    hotline = Hotline.make(tmp_path)
    hotline.start()
    database = Database(hotline.settings.storage)
    port = hotline.settings.sip.port
    try:
        async with RawSip(port, caller="13800138001") as first, RawSip(port, caller="13800138002") as second:
            assert (await first.invite(timeout_s=20)).status == 200
            await asyncio.sleep(1)
            assert (await second.invite(timeout_s=20)).status == 200
            await second.request_from_line("BYE", timeout_s=25)
            assert not [request for request in first.requests if request.method == "BYE"], "the first call goes on"
            assert len(second.media.heard()) / 8000 > 6, "it was said to the end"
            call = await _ended(CallRecords(database), "13800138002")
            assert call.line.end is CallEnd.BOT_HUNG_UP
            assert "turned_away" in [event.kind for event in call.events]
            assert "110" in call.turns[0].text
            entry = await SqlAgentQueue(database, SystemClock()).find(call.line.call_id)
            assert entry is not None
            assert entry.call_back is CallBack.MISSED
            await first.bye()
    finally:
        database.close()
        assert hotline.stop() == 0, hotline.log()[-3000:]


async def _ended(records: CallRecords, number: str) -> CallFile:
    for _ in range(100):
        for line in await records.latest(10):
            if line.caller_number == number and line.end is not None:
                found = await records.call(line.call_id)
                assert found is not None
                return found
        await asyncio.sleep(0.1)
    raise AssertionError("the call is not on record")
