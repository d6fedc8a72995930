"""Text as it sounds. A telephone recogniser writes other characters with the right sounds.

Two texts sound alike when their toneless syllables agree after merging what the telephone band and
southern speakers merge: zh/z, ch/c, sh/s, -ng/-n after a, e, i (measured confusions of Whisper base
on 8 kHz speech are of this kind).
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from pypinyin import Style, lazy_pinyin

_MERGE_INITIAL = re.compile(r"^([zcs])h")
_MERGE_FINAL = re.compile(r"(?<=[aei])ng$")
_SPOKEN = re.compile(r"[\u4e00-\u9fff]|[a-z0-9]+")


@lru_cache(maxsize=8192)  # characters, not sentences: a city uses about 4,000
def syllable(character: str) -> str:
    """How one character sounds, merged; Latin letters and digits stand for themselves."""
    return _merged(lazy_pinyin(character, style=Style.NORMAL)[0])


def syllables(text: str) -> tuple[str, ...]:
    """One entry per Chinese character or Latin word; punctuation is dropped."""
    return tuple(syllable(piece) for piece in _SPOKEN.findall(text.lower()))


def phrase_keys(phrase: str) -> tuple[str, ...]:
    """The keys under which a known phrase is searched for.

    A recogniser writes a phrase in other characters of the sounds it is read with; the phrase itself is compared
    character by character, like any text. 着火 is read zhao huo, 着 alone zhe: two keys.
    """
    read = (_merged(each) for each in lazy_pinyin("".join(_SPOKEN.findall(phrase.lower())), style=Style.NORMAL))
    return tuple(dict.fromkeys((sound_key(phrase), _key(read))))


def sound_key(text: str) -> str:
    """The sound of a text as a string in which the sound of a part can be searched: ``|zuan|ren|gon|``."""
    return _key(syllables(text))


def _key(sounds: Iterable[str]) -> str:
    return "|" + "".join(f"{sound}|" for sound in sounds)


def _merged(syllable: str) -> str:
    return _MERGE_FINAL.sub("n", _MERGE_INITIAL.sub(r"\1", syllable))
