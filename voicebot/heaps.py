"""Two heaps for all threads of a process that answers calls.

glibc gives threads that allocate at the same time heaps of their own, up to eight for each core (mallopt(3)), and none
of them gives back what another could use: memory that is held although nothing is kept in it.
"""

import ctypes
import os

_M_ARENA_MAX = -8  # of glibc's malloc.h
_HEAPS = 2


def share_heaps() -> bool:
    """Call it before the first thread starts; returns whether it took effect.

    Does nothing where somebody chose for themselves (``MALLOC_ARENA_MAX``) or the C library is another one.
    """
    if "MALLOC_ARENA_MAX" in os.environ:
        return False
    try:
        return bool(ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _HEAPS))
    except (AttributeError, OSError, TypeError):  # musl and Windows know no such thing
        return False
