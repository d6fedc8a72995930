"""G.711, the voice of the telephone: A-law and µ-law by table.

The tables are computed from the segments that ITU-T G.711 (11/88) defines in its tables 1 and 2: eight
segments for each sign, sixteen steps in each, every segment twice as coarse as the one before.
"""

import numpy as np
from numpy.typing import NDArray

_A_LAW_EVEN_BITS = 0x55  # G.711 3.2: every second bit is inverted on the wire
_MU_LAW_BIAS = 33  # on the 14-bit scale
_MU_LAW_CLIP = 8158


def _a_law_values() -> NDArray[np.int16]:
    """Linear value of each of the 256 A-law octets, scaled from 13 to 16 bits."""
    code = np.arange(256) ^ _A_LAW_EVEN_BITS
    segment, step = (code >> 4) & 7, code & 15
    first = 16 * step + 8
    magnitude = np.where(segment == 0, first, (first + 256) << np.maximum(segment - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


def _a_law_codes() -> NDArray[np.uint8]:
    """A-law octet of each 16-bit value, indexed by the value as uint16."""
    linear = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32) >> 3
    magnitude = np.where(linear >= 0, linear, -linear - 1)
    segment = np.zeros_like(magnitude)
    for edge in (32, 64, 128, 256, 512, 1024, 2048):
        segment += magnitude >= edge
    step = (magnitude >> np.maximum(segment, 1)) & 15
    code = np.where(linear >= 0, 0x80, 0) | (segment << 4) | step
    return np.asarray(code ^ _A_LAW_EVEN_BITS, np.uint8)


def _mu_law_values() -> NDArray[np.int16]:
    """Linear value of each of the 256 µ-law octets, scaled from 14 to 16 bits."""
    code = ~np.arange(256) & 0xFF
    segment, step = (code >> 4) & 7, code & 15
    magnitude = (((2 * step + _MU_LAW_BIAS) << segment) - _MU_LAW_BIAS) << 2
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _mu_law_codes() -> NDArray[np.uint8]:
    """µ-law octet of each 16-bit value, indexed by the value as uint16."""
    linear = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32) >> 2
    magnitude = np.minimum(np.abs(linear), _MU_LAW_CLIP) + _MU_LAW_BIAS
    segment = np.zeros_like(magnitude)
    for edge in (64, 128, 256, 512, 1024, 2048, 4096):
        segment += magnitude >= edge
    step = (magnitude >> (segment + 1)) & 15
    code = np.where(linear < 0, 0x80, 0) | (segment << 4) | step
    return np.asarray(~code & 0xFF, np.uint8)


_A_LAW_VALUES, _A_LAW_CODES = _a_law_values(), _a_law_codes()
_MU_LAW_VALUES, _MU_LAW_CODES = _mu_law_values(), _mu_law_codes()


def encode_a_law(pcm: bytes) -> bytes:
    """Little-endian int16 PCM to A-law, one octet a sample."""
    return bytes(_A_LAW_CODES[np.frombuffer(pcm, "<u2")].tobytes())


def decode_a_law(coded: bytes) -> bytes:
    """A-law octets to little-endian int16 PCM."""
    return _A_LAW_VALUES[np.frombuffer(coded, np.uint8)].astype("<i2", copy=False).tobytes()


def encode_mu_law(pcm: bytes) -> bytes:
    """Little-endian int16 PCM to µ-law, one octet a sample."""
    return bytes(_MU_LAW_CODES[np.frombuffer(pcm, "<u2")].tobytes())


def decode_mu_law(coded: bytes) -> bytes:
    """µ-law octets to little-endian int16 PCM."""
    return _MU_LAW_VALUES[np.frombuffer(coded, np.uint8)].astype("<i2", copy=False).tobytes()
