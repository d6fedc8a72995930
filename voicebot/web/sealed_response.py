"""An encrypted recording, opened on its way to the player, with ranges (RFC 9110, 14) so that it can be sought in."""

import asyncio
from collections.abc import Callable
from typing import BinaryIO

from aiohttp import web

from voicebot.core.errors import StorageError
from voicebot.storage.sealed import SealedFile
from voicebot.web.refusals import refused

_PIECE_BYTES = 1 << 18


async def send_sealed(request: web.Request, opened: Callable[[], "BinaryIO | SealedFile"]) -> web.StreamResponse:
    """Send the plain content, or the range that was asked for."""
    try:
        file = await asyncio.to_thread(opened)
        assert isinstance(file, SealedFile)  # noqa: S101  what this is for
        size = await asyncio.to_thread(lambda: file.size)
    except (OSError, StorageError) as error:
        code = error.code if isinstance(error, StorageError) else "recording_unreadable"
        raise refused(web.HTTPServiceUnavailable, code, "这份录音现在打不开。") from error
    try:
        begin, end = _range(request, size)
        response = web.StreamResponse(
            status=200 if (begin, end) == (0, size) else 206,
            headers={"Content-Type": "audio/wav", "Accept-Ranges": "bytes", "Content-Length": str(end - begin)},
        )
        if response.status == 206:
            response.headers["Content-Range"] = f"bytes {begin}-{end - 1}/{size}"
        await response.prepare(request)
        file.seek(begin)
        while begin < end:
            piece = await asyncio.to_thread(file.read, min(_PIECE_BYTES, end - begin))
            if not piece:
                break
            await response.write(piece)
            begin += len(piece)
        await response.write_eof()
        return response
    finally:
        await asyncio.to_thread(file.close)


def _range(request: web.Request, size: int) -> tuple[int, int]:
    try:
        begin, end, _ = request.http_range.indices(size)
    except ValueError as error:
        raise web.HTTPRequestRangeNotSatisfiable(headers={"Content-Range": f"bytes */{size}"}) from error
    if begin >= end:
        raise web.HTTPRequestRangeNotSatisfiable(headers={"Content-Range": f"bytes */{size}"})
    return begin, end
