"""The memory of a process that answers calls: two heaps for all its threads, and no search through what stays.

glibc gives threads that allocate at the same time heaps of their own, up to eight for each core (mallopt(3)), and none
of them gives back what another could use: memory that is held although nothing is kept in it.
"""

import ctypes
import gc
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


def keep_what_is_loaded() -> int:
    """Call it when everything that lives as long as the process is there; returns how many objects that are.

    The collector looks for garbage among all of them several times a minute of many calls, and all callers wait for it:
    half a second with the words, models and pages of a service. From now on it looks at newer ones only.
    """
    gc.collect()
    gc.freeze()
    return gc.get_freeze_count()
