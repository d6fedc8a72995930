import numpy as np
import pytest

from asr.engines.ending import ending_sound, moments

WIDTH = 512  # of Whisper base


def test_the_last_moments_are_seen_beside_what_came_before() -> None:
    encoded = np.zeros((500, WIDTH), np.float32)
    encoded[92:101] = 1.0  # the last 160 ms before two seconds
    late, early, whole = moments(encoded, 100).reshape(3, WIDTH)
    assert late.min() == 1.0
    assert early.max() == 0.0
    assert whole.mean() == pytest.approx(0.08, abs=0.01)


@pytest.mark.parametrize("end", [-5, 0, 1, 499, 5000])
def test_an_end_outside_of_what_was_encoded_does_no_harm(end: int) -> None:
    assert np.isfinite(moments(np.ones((500, WIDTH), np.float32), end)).all()


def test_an_encoder_that_was_not_fitted_is_not_judged() -> None:
    assert ending_sound().score(np.zeros((500, 384), np.float32), 2.0) is None
    assert ending_sound().score(np.zeros((500, WIDTH), np.float32), 2.0) is not None
