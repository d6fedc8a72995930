"""Broken lines as fixed lists, one minute of 20 ms packets each."""

import numpy as np

PACKETS = 3000


def lost_packets(loss_percent: float, mean_burst: float, seed: int) -> list[int]:
    """Numbers of the packets that never arrive, in bursts of ``mean_burst`` on average.

    A chain of two states (Gilbert, "Capacity of a burst-noise channel", 1960): from bad to good with
    probability 1 / mean_burst, from good to bad so that ``loss_percent`` are lost in the long run.
    """
    rng = np.random.default_rng(seed)
    recover = 1 / mean_burst
    fail = recover * loss_percent / (100 - loss_percent)
    lost: list[int] = []
    bad = False
    for packet in range(PACKETS):
        bad = rng.random() >= recover if bad else rng.random() < fail
        if bad:
            lost.append(packet)
    return lost


def late_packets(jitter_ms: float, seed: int) -> list[int]:
    """By how many ms each packet is late: slow swings with spikes on top, never more than ``jitter_ms``."""
    rng = np.random.default_rng(seed)
    swing = np.abs(np.convolve(rng.standard_normal(PACKETS + 49), np.ones(50) / 7, "valid"))
    spikes = rng.exponential(jitter_ms / 10, PACKETS)
    late = np.minimum(jitter_ms, swing / swing.max() * jitter_ms * 0.6 + spikes)
    return [int(value) for value in late]
