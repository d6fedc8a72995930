"""kill -9 of the running service in the middle of a real call."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.hotline import Hotline
from tests.support.models import require_models
from tests.support.raw_sip import RawSip
from voicebot.core.call import CallEnd
from voicebot.core.turn import Speaker
from voicebot.storage.database import Database
from voicebot.storage.records import CallFile, CallRecords

pytestmark = [pytest.mark.engine, pytest.mark.network, pytest.mark.slow, pytest.mark.timeout(1200)]

SCENARIO = Path(__file__).parent / "barbecue_step_by_step.toml"
_CALL_S = 240.0


async def test_what_was_said_is_on_record_and_the_service_is_back_at_once(tmp_path: Path) -> None:
    require_models("whisper-base", "kokoro")
    hotline = Hotline.make(tmp_path)
    hotline.start()
    database = Database(hotline.settings.storage)
    caller = subprocess.Popen(  # noqa: ASYNC220  it is started at once and never waited for here
        [sys.executable, "-m", "voicebot.cli", "--config", str(hotline.config), "call", str(SCENARIO), "--line", "sip"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        before = await _in_mid_call(CallRecords(database))
        hotline.kill()
        again_s = await asyncio.to_thread(hotline.start)
        after = await CallRecords(database).call(before.line.call_id)
        assert after is not None
        assert after.line.end is CallEnd.CUT_OFF
        assert after.turns[: len(before.turns)] == before.turns
        assert after.draft is not None
        assert "烧烤" in after.draft.what
        assert again_s < 60, "a restart on a busy machine; 15 s when it is idle"
    finally:
        caller.kill()
        caller.wait()
        database.close()
        assert hotline.stop() == 0, hotline.log()[-3000:]


async def test_a_call_that_was_answered_a_moment_before_is_on_record(tmp_path: Path) -> None:
    require_models("whisper-base", "kokoro")
    hotline = Hotline.make(tmp_path)
    hotline.start()
    database = Database(hotline.settings.storage)
    try:
        async with RawSip(hotline.settings.sip.port, caller="13900139000") as peer:
            peer.send("INVITE", peer.sdp())
            answer = await peer.wait(lambda message: message.method == "INVITE" and message.status >= 200)
            hotline.kill()  # not even acknowledged
        assert answer.status == 200
        (line,) = await CallRecords(database).latest()
        assert (line.caller_number, line.end) == ("13900139000", None)
        await asyncio.to_thread(hotline.start)
        (line,) = await CallRecords(database).latest()
        assert (line.caller_number, line.end, line.turns) == ("13900139000", CallEnd.CUT_OFF, 0)
    finally:
        database.close()
        assert hotline.stop() == 0, hotline.log()[-3000:]


async def _in_mid_call(records: CallRecords) -> CallFile:
    """The call once its second sentence was understood."""
    until = time.monotonic() + _CALL_S
    while time.monotonic() < until:
        for line in await records.latest(1):
            call = await records.call(line.call_id)
            said = [turn for turn in call.turns if turn.speaker is Speaker.CALLER] if call else []
            if call and len(said) >= 2 and call.draft is not None and "烧烤" in call.draft.what:
                assert call.line.end is None
                return call
        await asyncio.sleep(0.2)
    raise AssertionError("the call did not come that far")
