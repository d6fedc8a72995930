"""From tokens of bytes to characters of text."""

from collections.abc import Sequence


def character_confidence(text: str, token_bytes: Sequence[int], probabilities: Sequence[float]) -> tuple[float, ...]:
    """For each character of ``text`` the least probability among the tokens that hold its bytes.

    ``token_bytes`` is the number of UTF-8 bytes of each token. A Chinese character is often two or three
    tokens, an English word one. When the bytes do not add up (a decoder may end inside a character), every
    character gets the mean.
    """
    if not text or not probabilities:
        return ()
    if sum(token_bytes) != len(text.encode()) or len(token_bytes) != len(probabilities):
        return (sum(probabilities) / len(probabilities),) * len(text)
    of_byte = [probability for probability, size in zip(probabilities, token_bytes, strict=True) for _ in range(size)]
    confidence: list[float] = []
    at = 0
    for character in text:
        size = len(character.encode())
        confidence.append(min(of_byte[at : at + size]))
        at += size
    return tuple(confidence)
