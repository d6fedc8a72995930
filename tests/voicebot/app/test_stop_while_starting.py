"""Told to stop while the models are still being loaded, the service stops."""

import asyncio

import pytest

from voicebot.app.service import finished_before


async def test_what_is_done_first_counts():
    stop, done = asyncio.Event(), []

    async def quick() -> None:
        done.append(True)

    assert await finished_before(stop, quick())
    assert done


async def test_a_stop_cancels_what_is_under_way():
    stop, cancelled = asyncio.Event(), []

    async def slow() -> None:
        try:
            stop.set()
            await asyncio.Event().wait()
        finally:
            cancelled.append(True)

    assert not await finished_before(stop, slow())
    assert cancelled


async def test_what_fails_is_told():
    async def broken() -> None:
        raise OSError("port")

    with pytest.raises(OSError, match="port"):
        await finished_before(asyncio.Event(), broken())
