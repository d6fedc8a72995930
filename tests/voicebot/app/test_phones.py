"""Agents' headsets over real WebRTC."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest

from telephony.settings import WebRtcSettings
from telephony.webrtc.caller import WebRtcCaller
from voicebot.app.phones import DeskPhones
from voicebot.audio.tones import tone
from voicebot.core.clock import SystemClock
from voicebot.core.errors import LineError
from voicebot.pipeline.listening import ListeningPosts
from voicebot.pipeline.phone import LinePhone
from voicebot.pipeline.state import CallState

pytestmark = pytest.mark.network


@asynccontextmanager
async def desk_phones() -> AsyncIterator[DeskPhones]:
    phones = DeskPhones(WebRtcSettings(silent_timeout_s=2), SystemClock(), "luoyang", ListeningPosts())
    running = asyncio.create_task(phones.run())
    await asyncio.sleep(0)
    try:
        yield phones
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def page(phones: DeskPhones, agent: str) -> WebRtcCaller:
    caller = WebRtcCaller(lambda offer: phones.answer(agent, offer))
    await caller.connect()
    return caller


async def headset(phones: DeskPhones, agent: str, before: LinePhone | None = None) -> LinePhone:
    for _ in range(100):
        if (found := phones.of(agent)) is not None and found is not before:
            return found
        await asyncio.sleep(0.02)
    raise AssertionError("no headset")


async def test_a_headset_hears_and_speaks_and_only_while_somebody_listens() -> None:
    async with desk_phones() as phones:
        mei = await page(phones, "mei")
        try:
            phone = await headset(phones, "mei")
            assert phones.of("wang") is None
            said = bytearray()
            mei.say(tone((700,), 200))
            await asyncio.sleep(0.6)
            phone.listen(said.extend)
            mei.say(tone((700,), 400))
            frames = tone((1000,), 400)
            for at in range(0, len(frames), 320):
                phone.hear(frames[at : at + 320])
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.4)
            phone.listen(None)
            assert 0.6 < np.count_nonzero(np.abs(np.frombuffer(bytes(said), "<i2").astype(int)) > 1000) / 3200 < 1.3
            assert np.count_nonzero(np.abs(mei.received().astype(int)) > 1000) > 0.6 * 3200
        finally:
            await mei.hang_up()


async def test_the_newest_page_of_an_agent_is_their_headset() -> None:
    async with desk_phones() as phones:
        first = await page(phones, "mei")
        before = await headset(phones, "mei")
        second = await page(phones, "mei")
        try:
            assert await headset(phones, "mei", before) is not before
            await asyncio.wait_for(before.over(), 3)
        finally:
            await first.hang_up()
            await second.hang_up()


async def test_a_page_that_is_gone_is_no_headset() -> None:
    async with desk_phones() as phones:
        mei = await page(phones, "mei")
        phone = await headset(phones, "mei")
        assert len(_tasks_of_headsets()) == 3
        await mei.hang_up()
        await asyncio.wait_for(phone.over(), 8)
        assert phones.of("mei") is None
        for _ in range(100):
            if not _tasks_of_headsets():
                break
            await asyncio.sleep(0.02)
        assert _tasks_of_headsets() == set()


def _tasks_of_headsets() -> set[str]:
    return {task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("headset")}


async def test_a_supervisor_whose_page_is_gone_listens_no_more() -> None:
    async with desk_phones() as phones:
        post = phones.listening.open("call-1", CallState())
        chief = await page(phones, "chief")
        phone = await headset(phones, "chief")
        phones.enter("chief", "call-1", "listen")
        assert post.listens(phone)
        await chief.hang_up()
        await asyncio.wait_for(phone.over(), 8)
        await asyncio.sleep(0)
        assert not post.listens(phone)


async def test_a_supervisor_needs_a_headset_and_a_call_that_is_here() -> None:
    async with desk_phones() as phones:
        with pytest.raises(LineError, match="耳机"):
            phones.enter("chief", "call-1", "listen")
        chief = await page(phones, "chief")
        try:
            await headset(phones, "chief")
            with pytest.raises(LineError, match="不在这里"):
                phones.enter("chief", "call-1", "listen")
            phones.enter("chief", "call-1", "off")
        finally:
            await chief.hang_up()
