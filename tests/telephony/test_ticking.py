"""The clock of all lines, in virtual time."""

import asyncio

from telephony.sip.ticking import Ticker
from voicebot.evaluation.virtual_time import run_in_virtual_time


def test_all_are_called_every_20_ms_and_at_the_same_moment() -> None:
    called: list[tuple[str, float]] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        began_s, ticker = loop.time(), Ticker()
        for name in "ab":
            ticker.add(lambda name=name: called.append((name, round(1000 * (loop.time() - began_s)))))  # type: ignore[misc]
        await asyncio.sleep(0.05)
        assert len(asyncio.all_tasks()) == 2  # this one, and one for both

    run_in_virtual_time(main())
    assert called == [("a", 0), ("b", 0), ("a", 20), ("b", 20), ("a", 40), ("b", 40)]


def test_one_that_ends_in_a_tick_may_take_another_with_it() -> None:
    called: list[str] = []

    async def main() -> None:
        ticker = Ticker()

        def first() -> None:
            called.append("first")
            ticker.remove(second)
            ticker.remove(first)

        def second() -> None:
            called.append("second")

        ticker.add(first)
        ticker.add(second)
        await asyncio.sleep(0.05)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        ticker.add(second)
        await asyncio.sleep(0.03)
        ticker.remove(second)
        ticker.remove(second)

    run_in_virtual_time(main())
    assert called == ["first", "second", "second"]
