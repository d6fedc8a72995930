"""Counted by glibc and the collector themselves, in a process of its own: the settings cannot be taken back."""

import os
import platform
import re
import subprocess
import sys

import pytest

# Threads that allocate at the same time, then glibc's own account of its heaps.
PROGRAM = """
import ctypes, os, threading
from voicebot.heaps import share_heaps
took = share_heaps()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
together = threading.Barrier(12)
def work():
    together.wait()
    for _ in range(2000):
        libc.malloc(1000)
    together.wait()
threads = [threading.Thread(target=work) for _ in range(12)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc.fdopen.restype = ctypes.c_void_p
out = libc.fdopen(1, b"w")
libc.malloc_info(0, ctypes.c_void_p(out))
libc.fflush(ctypes.c_void_p(out))
"""
# What the collector still looks at in a full pass, before and after.
LOADED = """
import gc
from voicebot.heaps import keep_what_is_loaded
kept = [[number] for number in range(50_000)]
before = len(gc.get_objects())
count = keep_what_is_loaded()
print(before, count, len(gc.get_objects()))
"""

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")


def heaps(**environment: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, env={**os.environ, **environment}
    )
    return len(re.findall(r'<heap nr="\d+">', done.stdout))


def test_threads_share_two_heaps() -> None:
    assert heaps() == 2


def test_who_chose_another_number_keeps_it() -> None:
    assert heaps(MALLOC_ARENA_MAX="5") == 5


def test_what_is_loaded_is_not_searched_for_garbage_again() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    before, count, after = (int(number) for number in done.stdout.split())
    assert count > 50_000
    assert after < before - 50_000
