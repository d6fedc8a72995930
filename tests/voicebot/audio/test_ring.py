import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicebot.audio.ring import SampleRing
from voicebot.core.frames import AudioFrame


def frame(position: int, samples: int) -> AudioFrame:
    """Samples that hold their own position, modulo int16."""
    return AudioFrame(((np.arange(samples) + position) % 30000 + 1).astype("<i2").tobytes(), position)


def positions(pcm: bytes) -> list[int]:
    return (np.frombuffer(pcm, "<i2").astype(int) - 1).tolist()


@given(st.integers(1, 700), st.lists(st.integers(1, 300), max_size=30), st.integers(0, 9000), st.integers(0, 9000))
def test_what_is_read_is_what_was_written_there(capacity: int, sizes: list[int], start: int, end: int) -> None:
    ring, position = SampleRing(capacity), 0
    for size in sizes:
        ring.push(frame(position, size))
        position += size
    assert (ring.start, ring.end) == (max(0, position - capacity), position)
    assert positions(ring.read(start, end)) == list(range(max(start, ring.start), min(end, position)))


def test_the_first_frame_says_where_the_ring_begins() -> None:
    ring = SampleRing(100)
    ring.push(frame(1000, 20))
    assert (ring.start, ring.end) == (1000, 1020)


def test_a_gap_is_silence() -> None:
    ring = SampleRing(100)
    ring.push(frame(0, 10))
    ring.push(frame(15, 5))
    assert positions(ring.read(8, 17)) == [8, 9, -1, -1, -1, -1, -1, 15, 16]


def test_a_gap_longer_than_the_ring_empties_it() -> None:
    ring = SampleRing(10)
    ring.push(frame(0, 10))
    ring.push(frame(5000, 4))
    assert positions(ring.read(0, 6000)) == [-1] * 6 + [5000, 5001, 5002, 5003]


def test_a_late_frame_changes_nothing() -> None:
    ring = SampleRing(100)
    ring.push(frame(0, 20))
    ring.push(AudioFrame(bytes(20), 5))
    ring.push(AudioFrame(bytes(20), 15))  # only its second half is new
    assert positions(ring.read(0, 20)) == list(range(20))
    assert ring.end == 25


def test_a_ring_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="room"):
        SampleRing(0)
