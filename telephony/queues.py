"""A bounded queue that never makes its writer wait."""

import asyncio
from typing import TypeVar

T = TypeVar("T")


def put_newest(queue: asyncio.Queue[T], item: T) -> None:
    """Add an item; when the queue is full the oldest one goes."""
    if queue.full():
        queue.get_nowait()
    queue.put_nowait(item)
