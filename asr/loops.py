"""A decoder that repeats itself: how to know, without looking at its confidence (it is sure of itself then)."""

import re
import zlib

_COMPRESSION = 2.4  # UTF-8 bytes over zlib bytes, as in Radford et al. 2022, 4.5
_ENGLISH_LOOP = re.compile(r"\b([a-z']+(?: [a-z']+)+)(?:[\s,.!?]+\1\b){2,}", re.IGNORECASE)
"""Two words or more, three times in a row: what Whisper writes for a murmur (it's okay, it's okay, it's okay)."""
_TOKENS_ALWAYS = 12
_TOKENS_PER_S = 9.0  # fast Mandarin is 6-7 characters a second, some of them two tokens


def most_tokens(duration_s: float) -> int:
    """The most tokens that speech of this length can honestly need."""
    return int(_TOKENS_ALWAYS + _TOKENS_PER_S * duration_s)


def runs_away(text: str, tokens: int, duration_s: float) -> bool:
    """True when the text repeats itself or is longer than anybody can speak."""
    encoded = text.encode()
    if not encoded:
        return False
    if _ENGLISH_LOOP.search(text):
        return True
    return tokens > most_tokens(duration_s) or len(encoded) / len(zlib.compress(encoded)) > _COMPRESSION
