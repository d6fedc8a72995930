from pathlib import Path

import numpy as np
import pytest

from asr.phonetics.input_method import read_words
from tests.support.models import MODELS_DIR
from voicebot.core.errors import ModelError


def word_list(keys: dict[bytes, str]) -> bytes:
    """A list of words whose keys differ in their first byte: one leaf under the root for each."""
    pairs = np.full((256, 2), -1, ">i4")
    pairs[0] = (0, -1)
    tail = b"\0\0\0\0"
    for reading, word in keys.items():
        pairs[reading[0]] = (-len(tail), 0)
        tail += reading[1:] + b"!" + word.encode() + b"\0" + b"\0\0\0\0"
    header = np.array([0x000FC613, 1, len(tail), len(pairs)], ">u4").tobytes()
    return header + tail + pairs.tobytes()


def test_words_come_with_their_syllables(tmp_path: Path) -> None:
    path = tmp_path / "sc.dict"
    path.write_bytes(word_list({b"HXEI": "路灯", b"KXJM": "户口"}))
    assert sorted(read_words(path)) == [("户口", ("hu", "kou")), ("路灯", ("lu", "deng"))]


@pytest.mark.parametrize("damage", [b"", b"not a word list at all", word_list({b"KX": "户"})[:-200]])
def test_a_damaged_list_is_named_with_its_remedy(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "sc.dict"
    path.write_bytes(damage)
    with pytest.raises(ModelError, match="voicebot models pull") as caught:
        read_words(path)
    assert caught.value.code == "word_list_damaged"


@pytest.mark.engine
def test_the_real_list_reads_words_in_context() -> None:
    words = dict(read_words(MODELS_DIR / "trigram-zh" / "sc.dict"))
    assert len(words) > 150_000
    assert words["银行"] == ("yin", "hang")
    assert words["新生儿"] == ("xin", "sheng", "er")
    assert words["旅游"] == ("lv", "you")
