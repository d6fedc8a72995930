import numpy as np
import pytest

from voicebot.audio.g711 import decode_a_law, decode_mu_law, encode_a_law, encode_mu_law

ALL_OCTETS = bytes(range(256))


def values(pcm: bytes) -> list[int]:
    return np.frombuffer(pcm, "<i2").tolist()


def pcm(*samples: int) -> bytes:
    return np.array(samples, "<i2").tobytes()


# Decoder outputs of ITU-T G.711 tables 1 and 2 (13 and 14 bits), scaled to 16: the first and last of segments.
@pytest.mark.parametrize(
    ("octet", "value"),
    [
        (0xD5, 8),
        (0xD4, 24),
        (0xC5, 264),
        (0xF5, 528),
        (0xE5, 1056),
        (0x95, 2112),
        (0xAA, 32256),
        (0x55, -8),
        (0x2A, -32256),
    ],
)
def test_a_law_octets_have_the_values_of_the_standard(octet: int, value: int) -> None:
    assert values(decode_a_law(bytes([octet]))) == [value]


@pytest.mark.parametrize(
    ("octet", "value"),
    [(0xFF, 0), (0xFE, 8), (0xEF, 132), (0xDF, 396), (0xCF, 924), (0x80, 32124), (0x7F, 0), (0x7E, -8), (0x00, -32124)],
)
def test_mu_law_octets_have_the_values_of_the_standard(octet: int, value: int) -> None:
    assert values(decode_mu_law(bytes([octet]))) == [value]


def test_what_was_decoded_encodes_to_the_same_a_law() -> None:
    assert encode_a_law(decode_a_law(ALL_OCTETS)) == ALL_OCTETS


def test_what_was_decoded_encodes_to_the_same_mu_law_but_for_negative_zero() -> None:
    assert encode_mu_law(decode_mu_law(ALL_OCTETS)) == ALL_OCTETS.replace(b"\x7f", b"\xff")


@pytest.mark.parametrize(("encode", "decode"), [(encode_a_law, decode_a_law), (encode_mu_law, decode_mu_law)])
def test_the_error_is_at_most_half_a_step_of_the_segment(encode: object, decode: object) -> None:
    every = np.arange(-32124, 32125, dtype=np.int32)
    back = np.frombuffer(decode(encode(every.astype("<i2").tobytes())), "<i2").astype(np.int32)  # type: ignore[operator]
    assert np.all(np.abs(back - every) <= np.maximum(16, np.abs(every) / 16))


def test_full_scale_does_not_wrap() -> None:
    assert values(decode_a_law(encode_a_law(pcm(32767, -32768)))) == [32256, -32256]
    assert values(decode_mu_law(encode_mu_law(pcm(32767, -32768)))) == [32124, -32124]
