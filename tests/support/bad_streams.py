"""TCP streams that no honest client sends to an HTTP server: broken requests, broken upgrades, broken frames, TLS."""

import asyncio
import contextlib
import random

ADDRESS = "127.0.0.1"
UPGRADE = (
    "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


def bad_stream(path: str, rng: random.Random) -> bytes:
    """One stream; which kind depends on the generator alone."""
    kinds = [
        lambda: rng.randbytes(rng.randrange(1, 2000)),
        lambda: f"GET {path} HTTP/9.9\r\n\r\n".encode(),
        lambda: f"GET {path} HTTP/1.1\r\nHost: x\r\nX: {'a' * 70_000}\r\n\r\n".encode(),
        lambda: f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\nabc".encode(),
        lambda: f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n".encode(),
        lambda: f"POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nabc\r\n".encode(),
        lambda: f"GET {path} HTTP/1.1\r\nHo".encode(),
        lambda: b"\x16\x03\x01" + rng.randbytes(200),  # TLS where there is none
        lambda: UPGRADE.format(path=path).encode() + rng.randbytes(rng.randrange(1, 300)),
        lambda: UPGRADE.format(path=path).encode() + b"\x81\xff" + b"\xff" * 8 + rng.randbytes(20),  # 2^64 - 1 bytes
        lambda: UPGRADE.format(path=path).encode() + b"\x81\x05hello",  # a client's frame without a mask
        lambda: UPGRADE.format(path=path).replace("dGhlIHNhbXBsZSBub25jZQ==", "%%%").encode(),
    ]
    return rng.choice(kinds)()


async def send_bad_streams(port: int, path: str, count: int, seed: int) -> None:
    """One after the other; some are reset in the middle."""
    rng = random.Random(seed)
    for number in range(count):
        reader, writer = await asyncio.open_connection(ADDRESS, port)
        with contextlib.suppress(OSError):
            writer.write(bad_stream(path, rng))
            if number % 5:
                await writer.drain()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.02):
                        await reader.read(4096)
            else:
                writer.transport.abort()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
