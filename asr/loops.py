"""A decoder that repeats itself: how to know, without looking at its confidence (it is sure of itself then)."""

import re
import zlib

_COMPRESSION = 2.4  # UTF-8 bytes over zlib bytes, as in Radford et al. 2022, 4.5
_ENGLISH_LOOP = re.compile(r"\b([a-z']+(?: [a-z']+)+)(?:[\s,.!?]+\1\b){2,}", re.IGNORECASE)
"""Two words or more, three times in a row: what Whisper writes for a murmur (it's okay, it's okay, it's okay)."""
_CHINESE_LOOP = re.compile(r"([\u4e00-\u9fff]{2,6})\1{4,}")
"""Five times in a row: 继续继续继续继续继续; callers say 不对不对不对, and 对对对对对对 is one character."""
_DIGITS = frozenset("零一二三四五六七八九十百千万幺两")
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
    if _ENGLISH_LOOP.search(text) or any(map(_is_loop, _CHINESE_LOOP.finditer(text))):
        return True
    return tokens > most_tokens(duration_s) or len(encoded) / len(zlib.compress(encoded)) > _COMPRESSION


def _is_loop(match: re.Match[str]) -> bool:
    said = set(match[1])
    return len(said) > 1 and not said & _DIGITS
