"""FastAGI: what an Asterisk dialplan says of a call over TCP, and what it can be told to do with it.

Source: Asterisk documentation, "Asterisk Gateway Interface (AGI)". Asterisk connects, says ``name: value`` lines and
an empty one; then each command is a line, and so is its answer: ``200 result=N (value)``.
"""

import asyncio
import re
import socket
from collections.abc import Mapping

_MOST_LINES = 100
_HANG_UP = "HANGUP"  # said in between when the caller is gone; commands are answered all the same
_ANSWER = re.compile(r"(\d{3}) result=(-?\d+)(?: \((.*)\))?")
_KEEP_ALIVE = ((socket.TCP_KEEPIDLE, 30), (socket.TCP_KEEPINTVL, 10), (socket.TCP_KEEPCNT, 3))
LONGEST_LINE = 4096


class AgiError(Exception):
    """Asterisk is gone, or does not know what it was told to do."""


class AgiConnection:
    """One call's conversation with the dialplan. One command at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self._reader = reader
        self._writer = writer
        made = writer.get_extra_info("socket")
        made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # an answer may take as long as a call
        for option, value in _KEEP_ALIVE:
            made.setsockopt(socket.IPPROTO_TCP, option, value)

    async def told(self) -> Mapping[str, str]:
        """What Asterisk says of the call, without the ``agi_`` of the names. Raises `AgiError`."""
        told: dict[str, str] = {}
        for _ in range(_MOST_LINES):
            line = await self._line()
            if not line:
                return told
            name, colon, value = line.partition(":")
            if not colon or not name.startswith("agi_"):
                break
            told[name.removeprefix("agi_")] = value.strip()
        raise AgiError("this is not Asterisk's gateway interface")

    async def execute(self, application: str, arguments: str) -> int:
        """Run an application of the dialplan to its end; its result, -1 when the call is over. Raises `AgiError`."""
        return (await self._command(f'EXEC {application} "{arguments}"'))[0]

    async def variable(self, name: str) -> str:
        """A variable of the channel, "" when it is not set. Raises `AgiError`."""
        return (await self._command(f"GET VARIABLE {name}"))[1]

    async def hang_up(self) -> None:
        """The call is over, the dialplan too. Raises `AgiError`."""
        await self._command("HANGUP")

    def close(self) -> None:
        """Leave the call to the dialplan."""
        self._writer.close()

    async def _command(self, command: str) -> tuple[int, str]:
        if any(char in command for char in "\r\n\0"):
            raise ValueError("a command is one line")
        self._writer.write(f"{command}\n".encode())
        while (line := await self._line()) == _HANG_UP:
            pass
        found = _ANSWER.fullmatch(line)
        if found is None or found[1] != "200":
            raise AgiError(line[:80])
        return int(found[2]), found[3] or ""

    async def _line(self) -> str:
        try:
            line = await self._reader.readuntil(b"\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError) as error:
            raise AgiError(type(error).__name__) from error
        return line.decode("utf-8", "replace").strip()
