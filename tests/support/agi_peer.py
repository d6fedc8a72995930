"""A dialplan that asks by FastAGI, as Asterisk does: written from the published protocol and from nothing of ours."""

import asyncio
import contextlib
import re
import uuid

from tests.support.audiosocket_peer import AudioSocketPeer


class AgiPeer:
    """One call of a switch. AudioSocket is really connected; what `Dial` comes to is given.

    ``statuses``: the DIALSTATUS of each attempt, in order; "ANSWER" tells the service so and then speaks on.
    """

    def __init__(self, port: int, statuses: tuple[str, ...] = (), told: dict[str, str] | None = None):
        self._port = port
        self._statuses = list(statuses)
        self._told = {"request": f"agi://127.0.0.1:{port}", "network_script": "", "extension": "12345"} | (told or {})
        self._status = ""
        self.dialled: list[str] = []
        self.media: AudioSocketPeer | None = None
        self.came = asyncio.Queue[AudioSocketPeer]()
        self.hung_up = False
        self.over = asyncio.Event()

    async def __aenter__(self) -> "AgiPeer":
        self.reader, self.writer = await self._ask(self._told)
        self._task = asyncio.create_task(self._obey())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()

    async def _ask(self, told: dict[str, str]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write("".join(f"agi_{name}: {value}\n" for name, value in told.items()).encode() + b"\n")
        return reader, writer

    async def _obey(self) -> None:
        try:
            while command := (await self.reader.readline()).decode().strip():
                self.writer.write(f"{await self._done(command)}\n".encode())
        except OSError:
            pass
        self.over.set()

    async def _done(self, command: str) -> str:
        if found := re.fullmatch(r'EXEC TryExec "AudioSocket\(([0-9a-f-]+),127.0.0.1:(\d+)\)"', command):
            async with AudioSocketPeer(int(found[2]), uuid.UUID(found[1])) as self.media:
                self.came.put_nowait(self.media)
                await self.media.over.wait()
            return "200 result=0"
        if found := re.fullmatch(r'EXEC Dial "(\S+),(\d+),U\(voicebot-answered\^([0-9a-f-]+)\)"', command):
            self.dialled.append(found[1])
            self._status = self._statuses.pop(0)
            if self._status == "ANSWER":
                _, writer = await self._ask({"network_script": "answered", "arg_1": found[3]})
                try:
                    await asyncio.sleep(0.3)
                finally:
                    writer.close()
            return "200 result=-1" if self._status in ("ANSWER", "CANCEL") else "200 result=0"
        if command == "GET VARIABLE DIALSTATUS":
            return f"200 result=1 ({self._status})" if self._status else "200 result=0"
        if command == "HANGUP":
            self.hung_up = True
            return "200 result=1"
        return "510 Invalid or unknown command"
