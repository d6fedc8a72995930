"""Text as it sounds. A telephone recogniser writes other characters with the right sounds.

Two texts sound alike when their toneless syllables agree after merging what the telephone band and
southern speakers merge: zh/z, ch/c, sh/s, -ng/-n after a, e, i (measured confusions of Whisper base
on 8 kHz speech are of this kind).
"""

import re
from functools import lru_cache

from pypinyin import Style, lazy_pinyin

_MERGE_INITIAL = re.compile(r"^([zcs])h")
_MERGE_FINAL = re.compile(r"(?<=[aei])ng$")
_SPOKEN = re.compile(r"[\u4e00-\u9fff]|[a-z0-9]+")


@lru_cache(maxsize=8192)  # characters, not sentences: a city uses about 4,000
def syllable(character: str) -> str:
    """How one character sounds, merged; Latin letters and digits stand for themselves."""
    plain = lazy_pinyin(character, style=Style.NORMAL)[0]
    return _MERGE_FINAL.sub("n", _MERGE_INITIAL.sub(r"\1", plain))


def syllables(text: str) -> tuple[str, ...]:
    """One entry per Chinese character or Latin word; punctuation is dropped."""
    return tuple(syllable(piece) for piece in _SPOKEN.findall(text.lower()))


def sound_key(text: str) -> str:
    """The sound of a text as a string in which the sound of a part can be searched: ``|zuan|ren|gon|``."""
    return "|" + "".join(f"{s}|" for s in syllables(text))
