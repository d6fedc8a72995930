"""A line in a process of its own that says what it hears, and how to start it.

``python -m tests.support.echo_worker PORT MAX_CALLS NUMBER`` prints ``ready``; workers side by side have different
numbers, for their RTP ports.
"""

import asyncio
import contextlib
import subprocess
import sys
from pathlib import Path

from telephony.settings import TelephonySettings
from telephony.sip.runtime import free_sip_port
from telephony.sip.server import SipLineServer
from voicebot.core.clock import SystemClock
from voicebot.core.ports import Line
from voicebot.logs import set_up_logs

ADDRESS = "127.0.0.1"
RTP_PORTS = range(41000, 45000)
_PORTS_EACH = 500
_ROOT = Path(__file__).resolve().parent.parent.parent


async def start_echo_worker(max_calls: int, number: int) -> tuple[int, asyncio.subprocess.Process]:
    """Its SIP port and its process."""
    for _ in range(5):  # between being found free and being taken, a port may go to somebody else
        port = free_sip_port(ADDRESS)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.support.echo_worker", str(port), str(max_calls), str(number)),
            cwd=_ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert process.stdout is not None
        async with asyncio.timeout(30):
            if await process.stdout.readline():
                return port, process
            await process.wait()
    raise AssertionError("no worker could be started")


async def end(process: asyncio.subprocess.Process) -> None:
    """SIGTERM, and SIGKILL for one that does not go."""
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), 10)
    except TimeoutError:
        process.kill()
        await process.wait()


async def _echo(line: Line) -> None:
    async for frame in line.frames():
        await line.play(frame.pcm)


async def _main(port: int, max_calls: int, number: int) -> None:
    set_up_logs(json=True)  # to standard error: nobody reads standard output after the first line
    first = RTP_PORTS.start + number * _PORTS_EACH
    settings = TelephonySettings(
        listen_address=ADDRESS,
        port=port,
        max_concurrent_calls=max_calls,
        rtp_port_min=first,
        rtp_port_max=first + _PORTS_EACH - 1,
    )
    server = SipLineServer(settings, SystemClock())
    await server.start()
    print("ready", flush=True)
    talking: set[asyncio.Task[None]] = set()
    async for line in server.calls():
        task = asyncio.create_task(_echo(line))
        talking.add(task)
        task.add_done_callback(talking.discard)


if __name__ == "__main__":
    asyncio.run(_main(*(int(word) for word in sys.argv[1:])))
