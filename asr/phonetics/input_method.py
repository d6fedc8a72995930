"""Reads the word list of the libime input method (`sc.dict`): words with their pinyin.

The file is a big-endian header (magic 0x000fc613, version 1, bytes of tail, nodes of the array), the
tail, then a reduced double-array trie of (base, check) pairs. A key is two letters for each
syllable (initial, final), "!", and the word in UTF-8. Layout and code letters were found by reading
the file against the readings of its words.
"""

from pathlib import Path

import numpy as np

from voicebot.core.errors import ModelError

_MAGIC = 0x000FC613
_INITIALS = [*"b p m f d t n l g k h j q x zh ch sh r z c s y w".split(), ""]  # noqa: SIM905 - a table to read
_FINALS = (
    "a ai an ang ao e ei en eng er o ong ou i ia ie iao iu ian in iang ing iong u ua uo uai ui uan un uang v ve ue"
)
_CODES = {ord("A") + index: part for index, part in enumerate(_INITIALS)}
_FINAL_CODES = {ord("A") + index: part for index, part in enumerate(_FINALS.split())}


def read_words(path: Path) -> list[tuple[str, tuple[str, ...]]]:
    """Every word of the list with its syllables; raises `ModelError` when the file is not such a list."""
    data = path.read_bytes()
    header = np.frombuffer(data[:16], ">u4")
    if len(header) < 4 or header[0] != _MAGIC or header[1] != 1:
        raise _damaged(path, "not a word list of libime, version 1")
    tail_bytes, nodes = int(header[2]), int(header[3])
    tail = data[16 : 16 + tail_bytes]
    array = data[16 + tail_bytes : 16 + tail_bytes + 8 * nodes]
    if len(array) != 8 * nodes:
        raise _damaged(path, "cut off")
    pairs = np.frombuffer(array, ">i4").reshape(-1, 2).astype(np.int64)
    words = []
    for key in _keys(pairs[:, 0], pairs[:, 1], tail):
        reading, _, word = key.partition(b"!")
        characters = word.decode("utf-8", errors="replace")
        syllables = tuple(
            _CODES.get(reading[i], "?") + _FINAL_CODES.get(reading[i + 1], "?") for i in range(0, len(reading) - 1, 2)
        )
        if syllables and len(syllables) == len(characters) and not any("?" in syllable for syllable in syllables):
            words.append((characters, syllables))
    if not words:
        raise _damaged(path, "holds no words")
    return words


def _keys(base: np.ndarray, check: np.ndarray, tail: bytes) -> list[bytes]:
    """Every key: the labels on the way to a leaf, then what the leaf keeps in the tail up to its NUL."""
    used = np.flatnonzero(check >= 0)
    labels = used ^ base[check[used]]
    above = dict(zip(used.tolist(), zip(check[used].tolist(), labels.tolist(), strict=True), strict=True))

    def path(node: int) -> bytes:
        way = bytearray()
        while node:
            node, label = above[node]
            way.append(label)
        return bytes(reversed(way))

    keys = []
    for node in used.tolist():
        if node == 0:
            continue
        parent, label = above[node]
        if label == 0:  # the key ends at the parent; this node holds its value
            keys.append(path(parent))
        elif base[node] < 0:
            begin = -int(base[node])
            keys.append(path(node) + tail[begin : tail.index(0, begin)])
    return keys


def _damaged(path: Path, what: str) -> ModelError:
    return ModelError(
        f"{path}: {what}.", code="word_list_damaged", remedy="Fetch it again with `voicebot models pull`."
    )
