"""A recording keeps every sample where it was, whatever happens to its writer."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from voicebot.storage.stereo_wav import HEADER_BYTES, LEFT, RIGHT, StereoWav, repair

FRAME = 160


def _ramp(position: int, samples: int = FRAME, *, sign: int = 1) -> bytes:
    """Samples that tell their own position."""
    return (sign * (np.arange(position, position + samples) % 30_000)).astype("<i2").tobytes()


def _read(path: Path) -> np.ndarray:
    samples, rate = soundfile.read(path, dtype="int16", always_2d=True)
    assert rate == 8000
    return np.asarray(samples)


def test_both_sides_lie_where_they_were_said(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    with StereoWav(path) as wav:
        for position in range(0, 16_000, FRAME):
            wav.put(LEFT, position, _ramp(position))
            if position % 4000 == 0:
                wav.put(RIGHT, position, _ramp(position, sign=-1))
                wav.flush()
    samples = _read(path)
    assert samples.shape == (16_000, 2)
    assert np.array_equal(samples[:, LEFT], np.arange(16_000) % 30_000)
    expected = np.zeros(16_000, dtype=int)
    for position in range(0, 16_000, 4000):
        expected[position : position + FRAME] = -np.arange(position, position + FRAME)
    assert np.array_equal(samples[:, RIGHT], expected)


def test_a_gap_is_silence_of_its_own_length(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    with StereoWav(path) as wav:
        wav.put(LEFT, 0, _ramp(1))
        wav.put(LEFT, 8000, _ramp(8000))
    samples = _read(path)[:, LEFT]
    assert len(samples) == 8000 + FRAME
    assert not samples[FRAME:8000].any()
    assert np.array_equal(samples[8000:], np.arange(8000, 8000 + FRAME))


def test_an_hour_of_silence_is_not_held_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    hour = 3600 * 8000
    with StereoWav(path) as wav:
        wav.put(LEFT, 0, _ramp(1))
        wav.put(LEFT, hour, _ramp(5))
        assert len(wav._window) <= 8000 + FRAME
    assert soundfile.info(path).frames == hour + FRAME
    assert path.stat().st_blocks * 512 < 1_000_000


def test_audio_that_is_late_by_less_than_a_second_finds_its_place(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    with StereoWav(path) as wav:
        wav.put(LEFT, 0, _ramp(0, 24_000))
        wav.flush()
        wav.put(RIGHT, 16_500, _ramp(16_500))
    assert np.array_equal(_read(path)[16_500 : 16_500 + FRAME, RIGHT], np.arange(16_500, 16_500 + FRAME))


def test_overlapping_audio_moves_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    with StereoWav(path) as wav:
        wav.put(RIGHT, 0, _ramp(0))
        wav.put(RIGHT, 100, _ramp(FRAME))
    assert np.array_equal(_read(path)[:, RIGHT], np.arange(2 * FRAME))


def test_a_long_call_does_not_drift(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    end = 1200 * 8000
    with StereoWav(path) as wav:
        for position in range(0, end, 4000):
            wav.put(LEFT, position, _ramp(position, 4000))
            wav.put(RIGHT, position + position % 3, _ramp(position, 1000))  # jitters by up to two samples
            wav.flush()
        assert wav.samples == end
    assert soundfile.info(path).frames == end
    assert np.array_equal(_read(path)[-4000:, LEFT], np.arange(end - 4000, end) % 30_000)


def test_the_file_is_whole_after_every_flush(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    wav = StereoWav(path)
    for position in range(0, 4000, FRAME):
        wav.put(LEFT, position, _ramp(position))
    wav.flush()
    assert len(_read(path)) == 4000  # as another program sees it while the call goes on
    wav.close()


def test_a_recording_is_never_overwritten(tmp_path: Path) -> None:
    StereoWav(tmp_path / "call.wav").close()
    with pytest.raises(FileExistsError):
        StereoWav(tmp_path / "call.wav")


@pytest.mark.parametrize("extra", [0, 1, 3, 4, 4001])
def test_a_torn_file_is_mended(tmp_path: Path, extra: int) -> None:
    path = tmp_path / "call.wav"
    with StereoWav(path) as wav:
        wav.put(LEFT, 0, _ramp(0, 8000))
    with path.open("ab") as file:
        file.write(bytes(extra))
    assert repair(path) == pytest.approx((8000 + extra // 4) / 8000)
    samples = _read(path)
    assert len(samples) == 8000 + extra // 4
    assert np.array_equal(samples[:8000, LEFT], np.arange(8000))


@pytest.mark.parametrize("size", [0, 10, HEADER_BYTES])
def test_a_file_torn_in_its_header_becomes_an_empty_recording(tmp_path: Path, size: int) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(bytes(size))
    assert repair(path) == 0
    assert len(_read(path)) == 0
