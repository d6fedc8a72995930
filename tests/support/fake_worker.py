"""Stands in for a whole service under a supervisor: answers /healthz and /readyz on the port it is told.

``/deaf`` makes its event loop hang, ``BROKEN`` in the environment makes it die at once. It writes its number, and how
it ended, to the file named by ``LEDGER``.
"""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

from aiohttp import web

from voicebot.settings import load_settings


def note(text: str) -> None:
    with Path(os.environ["LEDGER"]).open("a") as ledger:
        ledger.write(f"{text}\n")


async def well(_request: web.Request) -> web.Response:
    return web.json_response({})


async def deaf(_request: web.Request) -> web.Response:
    time.sleep(60)  # noqa: ASYNC251  that is the fault to be played
    return web.json_response({})


async def main() -> None:
    settings = load_settings()
    note(f"start {settings.worker_name} {os.getpid()}")
    if os.environ.get("BROKEN") == settings.worker_name:
        sys.exit(3)
    app = web.Application()
    app.add_routes([web.get("/healthz", well), web.get("/readyz", well), web.get("/deaf", deaf)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, settings.web.host, settings.web.port).start()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    await runner.cleanup()
    note(f"drained {settings.worker_name}")


asyncio.run(main())
