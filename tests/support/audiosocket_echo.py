"""An AudioSocket server of ours in a process of its own, to be killed: every caller hears what it says."""

import asyncio
import json
import sys

from telephony.audiosocket.server import AudioSocketServer
from telephony.settings import AudioSocketSettings
from voicebot.core.clock import SystemClock
from voicebot.core.ports import Line


async def main() -> None:
    server = AudioSocketServer(AudioSocketSettings.model_validate(json.loads(sys.argv[1])), SystemClock())
    await server.start()
    print("ready", flush=True)
    async with asyncio.TaskGroup() as talking:
        async for line in server.calls():
            talking.create_task(echo(line))


async def echo(line: Line) -> None:
    async for frame in line.frames():
        await line.play(frame.pcm)


if __name__ == "__main__":
    asyncio.run(main())
