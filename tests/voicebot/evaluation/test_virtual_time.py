import asyncio
import threading
import time

import pytest

from voicebot.evaluation.virtual_time import run_in_virtual_time


def test_an_idle_hour_takes_no_time():
    async def main() -> float:
        begun = asyncio.get_running_loop().time()
        await asyncio.sleep(3600)
        return asyncio.get_running_loop().time() - begun

    begun = time.perf_counter()
    assert run_in_virtual_time(main()) == pytest.approx(3600, abs=0.01)
    assert time.perf_counter() - begun < 1


def test_work_in_an_executor_costs_what_it_costs():
    async def main() -> float:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        async with asyncio.timeout(5):  # would fire at once if time jumped over the work
            await asyncio.to_thread(time.sleep, 0.1)
        return loop.time() - begun

    assert 0.09 < run_in_virtual_time(main()) < 2


def test_timers_run_on_while_work_is_in_flight():
    async def main() -> int:
        work = asyncio.create_task(asyncio.to_thread(time.sleep, 0.2))
        ticks = 0
        while not work.done():
            await asyncio.sleep(0.02)
            ticks += 1
        return ticks

    assert 3 <= run_in_virtual_time(main()) <= 11


def test_another_thread_can_wake_the_loop():
    async def main() -> str:
        loop = asyncio.get_running_loop()
        woken: asyncio.Future[str] = loop.create_future()
        timer = threading.Timer(0.05, lambda: loop.call_soon_threadsafe(woken.set_result, "woken"))
        timer.start()
        answer = await woken
        timer.join()
        return answer

    assert run_in_virtual_time(main()) == "woken"


def test_time_is_real_while_a_socket_is_open():
    async def main() -> tuple[bytes, float]:
        loop = asyncio.get_running_loop()
        answered = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(0.05)
            writer.write(await reader.readexactly(2))
            writer.close()
            await writer.wait_closed()
            answered.set()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        begun = time.perf_counter()
        writer.write(b"hi")
        async with asyncio.timeout(5):
            data = await reader.read()
        real_s = time.perf_counter() - begun
        writer.close()
        await writer.wait_closed()
        await answered.wait()
        server.close()
        await server.wait_closed()
        assert loop.time() < 3
        return data, real_s

    data, real_s = run_in_virtual_time(main())
    assert data == b"hi"
    assert real_s > 0.04


def test_timers_fire_in_order():
    async def main() -> list[float]:
        fired: list[float] = []

        async def at(delay_s: float) -> None:
            await asyncio.sleep(delay_s)
            fired.append(delay_s)

        await asyncio.gather(at(30), at(10), at(20))
        return fired

    assert run_in_virtual_time(main()) == [10, 20, 30]
