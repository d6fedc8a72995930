"""Something quiet to wait by."""

import wave
from pathlib import Path

import numpy as np
import pytest

from voicebot.audio.hold_music import hold_music
from voicebot.core.errors import ConfigurationError
from voicebot.core.frames import SAMPLE_RATE_HZ


def test_the_tune_is_quiet_and_can_be_repeated_without_a_click() -> None:
    samples = np.frombuffer(hold_music("builtin"), "<i2").astype(float)
    assert 10 < len(samples) / SAMPLE_RATE_HZ < 60
    assert -31 < 20 * np.log10(np.sqrt(np.mean(samples**2)) / 32768) < -29
    assert abs(samples[0] - samples[-1]) < 200


def test_silence_is_a_choice() -> None:
    assert hold_music("none") == b""


def _write(path: Path, rate_hz: int, channels: int = 1) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(b"\1\0" * 800 * channels)
    return path


def test_a_file_of_the_sites_own_is_played(tmp_path: Path) -> None:
    assert hold_music(str(_write(tmp_path / "own.wav", 8000))) == b"\1\0" * 800


@pytest.mark.parametrize(("rate_hz", "channels"), [(44100, 1), (8000, 2)])
def test_a_file_of_another_form_is_refused_with_the_remedy(tmp_path: Path, rate_hz: int, channels: int) -> None:
    with pytest.raises(ConfigurationError, match="ffmpeg"):
        hold_music(str(_write(tmp_path / "other.wav", rate_hz, channels)))


def test_a_file_that_is_not_there_or_no_music_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("no music")
    for name in ("absent.wav", "text.wav"):
        with pytest.raises(ConfigurationError, match="builtin"):
            hold_music(str(tmp_path / name))
