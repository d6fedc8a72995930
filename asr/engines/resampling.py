"""Audio of a call at the rate that a model wants."""

import numpy as np
import soxr

from asr.engines.speech_model import Samples, Stretch


def at_rate(stretch: Stretch, rate_hz: int) -> Samples:
    """The audio of a stretch at ``rate_hz``."""
    if stretch.rate_hz == rate_hz:
        return stretch.samples
    samples: Samples = soxr.resample(stretch.samples, stretch.rate_hz, rate_hz)
    return samples.astype(np.float32, copy=False)
