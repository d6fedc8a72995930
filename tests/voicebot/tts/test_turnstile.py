"""Who must be heard first goes first, and a full waiting room refuses."""

import asyncio

import pytest

from voicebot.core.errors import OverloadError
from voicebot.tts.turnstile import Turnstile


async def test_the_urgent_go_first_and_equals_in_order() -> None:
    turnstile, order, opened = Turnstile(1, 10), [], asyncio.Event()

    async def hold() -> None:
        async with turnstile.enter(0):
            await opened.wait()

    async def pass_through(name: str, urgency: int) -> None:
        async with turnstile.enter(urgency):
            order.append(name)

    tasks = [asyncio.create_task(hold())]
    await asyncio.sleep(0)
    for name, urgency in (("later", 2), ("first", 0), ("second", 0), ("middle", 1)):
        tasks.append(asyncio.create_task(pass_through(name, urgency)))
        await asyncio.sleep(0)
    assert turnstile.waiting == 4
    opened.set()
    await asyncio.gather(*tasks)
    assert order == ["first", "second", "middle", "later"]


async def test_a_full_room_refuses_with_the_remedy() -> None:
    turnstile = Turnstile(1, 1)
    async with turnstile.enter(0):
        waiting = asyncio.create_task(_pass(turnstile))
        await asyncio.sleep(0)
        with pytest.raises(OverloadError) as raised:
            await _pass(turnstile)
        assert raised.value.code == "voice_overloaded"
    await waiting


async def test_what_has_begun_is_let_in_though_the_room_is_full() -> None:
    turnstile = Turnstile(1, 1)
    async with turnstile.enter(0):
        waiting = asyncio.create_task(_pass(turnstile))
        await asyncio.sleep(0)
        begun = asyncio.create_task(_pass(turnstile, begun=True))
        await asyncio.sleep(0)
        assert not begun.done()
    await asyncio.wait_for(asyncio.gather(waiting, begun), 1)


async def test_who_gives_up_waiting_takes_no_place_along() -> None:
    turnstile = Turnstile(1, 5)
    async with turnstile.enter(0):
        gone, staying = asyncio.create_task(_pass(turnstile)), asyncio.create_task(_pass(turnstile))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
    await asyncio.wait_for(staying, 1)
    await asyncio.wait_for(_pass(turnstile), 1)


async def test_let_in_and_called_off_in_the_same_moment_gives_the_place_back() -> None:
    turnstile = Turnstile(1, 5)
    async with turnstile.enter(0):
        unlucky = asyncio.create_task(_pass(turnstile))
        await asyncio.sleep(0)
    unlucky.cancel()
    await asyncio.gather(unlucky, return_exceptions=True)
    await asyncio.wait_for(_pass(turnstile), 1)


async def _pass(turnstile: Turnstile, *, begun: bool = False) -> None:
    async with turnstile.enter(0, begun=begun):
        pass
