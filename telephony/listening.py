"""A TCP port that a door of ours listens on."""

import asyncio
from collections.abc import Awaitable, Callable

from voicebot.core.errors import LineError

Connected = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None] | None]
_LINE_BYTES = 65_536  # asyncio's own limit


async def listen(
    connected: Connected, address: str, port: int, *, name: str, setting: str, longest_line: int = _LINE_BYTES
) -> asyncio.Server:
    """Listen; raises `LineError` with a remedy that names the ``setting`` when the port is taken."""
    try:
        return await asyncio.start_server(connected, address, port, limit=longest_line)
    except OSError as error:
        raise LineError(
            f"不能监听 {name} 端口 {address}:{port}：{error.strerror}。",
            code="port_taken",
            remedy=f"请停止占用它的程序，或在设置中改用别的端口（{setting}）或地址（listen_address）。",
        ) from error
