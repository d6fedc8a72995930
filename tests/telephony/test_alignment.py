from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.alignment import Alignment
from voicebot.core.frames import FRAME_SAMPLES, SILENT_FRAME

LOUD = b"\x10\x27" * FRAME_SAMPLES


def test_audio_that_arrives_in_time_comes_out_as_it_went_in():
    alignment = Alignment()
    frames = []
    for tick in range(1, 51):
        alignment.push(LOUD)
        frames += alignment.due(tick * FRAME_SAMPLES)
    assert [frame.position for frame in frames] == [n * FRAME_SAMPLES for n in range(50)]
    assert all(frame.pcm == LOUD for frame in frames)
    assert alignment.filled_samples == alignment.dropped_samples == 0


def test_no_frame_leaves_before_its_time():
    alignment = Alignment()
    alignment.push(LOUD * 5)
    assert len(alignment.due(2 * FRAME_SAMPLES + 159)) == 2


def test_a_late_burst_within_60_ms_leaves_no_hole():
    alignment = Alignment()
    assert alignment.due(3 * FRAME_SAMPLES) == []
    alignment.push(LOUD * 3)
    assert [frame.pcm for frame in alignment.due(3 * FRAME_SAMPLES)] == [LOUD] * 3


def test_what_does_not_arrive_becomes_silence():
    alignment = Alignment()
    frames = alignment.due(50 * FRAME_SAMPLES)
    assert [frame.position for frame in frames] == [n * FRAME_SAMPLES for n in range(47)]
    assert all(frame.pcm == SILENT_FRAME for frame in frames)
    assert alignment.filled_samples == 47 * FRAME_SAMPLES


def test_a_peer_whose_clock_runs_one_percent_fast_does_not_delay_the_call():
    alignment = Alignment()
    last_end = 0
    for tick in range(1, 3001):  # a minute
        alignment.push(LOUD + (LOUD[:320] if tick % 100 == 0 else b""))
        for frame in alignment.due(tick * FRAME_SAMPLES):
            last_end = frame.end
    assert last_end == 3000 * FRAME_SAMPLES
    assert alignment.dropped_samples > 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 800)), max_size=60))
def test_positions_have_no_hole_and_never_run_ahead_whatever_arrives(arrivals: list[tuple[int, int]]):
    alignment, now, position = Alignment(), 0, 0
    for samples, passed in arrivals:
        now += passed
        alignment.push(bytes(samples * 2))
        for frame in alignment.due(now):
            assert frame.position == position
            assert frame.samples == FRAME_SAMPLES
            position = frame.end
        assert position <= now < position + 5 * FRAME_SAMPLES
