"""A process that takes calls and says what it hears: python -m tests.support.echo_worker PORT MAX_CALLS NUMBER."""

import asyncio
import sys

from telephony.settings import TelephonySettings
from telephony.sip.server import SipLineServer
from voicebot.core.clock import SystemClock
from voicebot.core.ports import Line


async def echo(line: Line) -> None:
    async for frame in line.frames():
        await line.play(frame.pcm)


async def main(port: int, max_calls: int, number: int) -> None:
    settings = TelephonySettings(
        listen_address="127.0.0.1",
        port=port,
        max_concurrent_calls=max_calls,
        rtp_port_min=41000 + number * 500,
        rtp_port_max=41499 + number * 500,
    )
    server = SipLineServer(settings, SystemClock())
    await server.start()
    print("ready", flush=True)
    talking = set()
    async for line in server.calls():
        talking.add(asyncio.create_task(echo(line)))


asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
