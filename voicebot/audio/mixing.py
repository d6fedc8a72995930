"""Several voices at once."""

import numpy as np


def mixed(one: bytes, other: bytes) -> bytes:
    """Both at once: int16, as long as the first, clipped and not wrapped."""
    if not other:
        return one
    first = np.frombuffer(one, "<i2").astype(np.int32)
    second = np.frombuffer(other[: len(one)].ljust(len(one), b"\0"), "<i2")
    pcm: bytes = np.clip(first + second, -32768, 32767).astype("<i2").tobytes()
    return pcm
