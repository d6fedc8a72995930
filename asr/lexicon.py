"""Words of the city and of the hotline, found by their sound.

The app hands in what the city's data names (places, departments, titles of articles); the words that
every hotline hears are in `hotline_words.toml` beside this file.
"""

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources

from asr.phonetics.syllables import read, teach, tones

_CHINESE = re.compile(r"[一-鿿]{2,20}")
_TOPICS = frozenset({"catalogue", "category", "knowledge"})  # ordinary words, as likely as the city's texts make them
_PLAIN = _TOPICS | {"hotline", "dialect"}  # words that stand for themselves; the rest are names of a kind
_PLACE = "<place>"
_GROUPS = {"department": "<department>"}
_SHORT = 2  # characters; a word this short sounds like too many others


@dataclass(frozen=True, slots=True)
class Entry:
    """A word to listen for. ``weight`` in nats makes it likelier (0 is usual); ``kind`` says what it is."""

    word: str
    weight: float = 0.0
    kind: str = "hotline"
    reading: str = ""


class Lexicon:
    """Words under their exact pinyin, with the guard that decides when one may replace what was heard."""

    def __init__(self, entries: Iterable[Entry]):
        """Take the entries of two to twenty Chinese characters; the heaviest wins where a word comes twice,
        a topic last.
        """
        self._entries: dict[str, Entry] = {}
        self._by_sound: dict[str, list[str]] = {}
        self._beginnings: set[str] = set()
        for entry in entries:
            if not _CHINESE.fullmatch(entry.word):
                continue
            known = self._entries.get(entry.word)
            if known is not None:
                if (entry.kind not in _TOPICS, entry.weight) > (known.kind not in _TOPICS, known.weight):
                    self._entries[entry.word] = entry
                continue
            self._entries[entry.word] = entry
            key = ""
            for syllable in entry.reading.split() or read(entry.word):
                key += syllable + "'"
                self._beginnings.add(key)
            self._by_sound.setdefault(key, []).append(entry.word)
        self._weights: dict[str, float] = defaultdict(float)
        for word, entry in self._entries.items():
            self._weights[self.group(word)] += 1.0 + entry.weight

    def plus(self, entries: Iterable[Entry]) -> "Lexicon":
        """The same with more words."""
        return Lexicon([*self._entries.values(), *entries])

    def without_topics(self) -> "Lexicon":
        """Only what no text could show: names, and words that every hotline hears."""
        return Lexicon(entry for entry in self._entries.values() if entry.kind not in _TOPICS)

    def __contains__(self, word: str) -> bool:
        """Whether ``word`` is in the lexicon."""
        return word in self._entries

    def __len__(self) -> int:
        """Number of different words."""
        return len(self._entries)

    def weight(self, word: str) -> float:
        """Weight of a word that is in the lexicon, in nats."""
        return self._entries[word].weight

    def kind(self, word: str) -> str:
        """Kind of a word that is in the lexicon."""
        return self._entries[word].kind

    def group(self, word: str) -> str:
        """What stands for a word of the lexicon in counts: one sign for all places, one for all departments, itself."""
        return _GROUPS.get(self._entries[word].kind, word if self._entries[word].kind in _PLAIN else _PLACE)

    def groups(self) -> Mapping[str, int]:
        """The signs of places and departments with the number of their words."""
        sizes: dict[str, int] = defaultdict(int)
        for word in self._entries:
            if (sign := self.group(word)) != word:
                sizes[sign] += 1
        return sizes

    def names(self) -> dict[str, str]:
        """The heaviest place and department, under "place" and "department"; what there is none of is left out."""
        heaviest: dict[str, str] = {}
        for word in sorted(self._entries, key=lambda word: -self._entries[word].weight):
            if (sign := self.group(word)) != word:
                heaviest.setdefault(sign.strip("<>"), word)
        return heaviest

    def share(self, word: str) -> float:
        """How much of its group a word of the lexicon is, by weight."""
        group = self.group(word)
        return 1.0 if group == word else (1.0 + self._entries[word].weight) / self._weights[group]

    def may_begin(self, key: str) -> bool:
        """Whether some word's sound begins with ``key`` (form of `asr.phonetics.vocabulary`)."""
        return key in self._beginnings

    def words(self, key: str) -> list[str]:
        """Words that sound like ``key``."""
        return self._by_sound.get(key, [])

    def allows(self, word: str, heard: str, unlike: float, *, heard_is_word: bool, certain: bool) -> bool:
        """The guard: may ``word`` be put where ``heard`` was written, ``unlike`` nats away in sound?

        ``certain`` says that the engine was sure of every character that would change. Then, and for
        a short word, the sound has to be the same to the tone and half of the word written right; a
        short word must not push out another word either. A longer word may be off by 1.3 nats for each
        character, by 1 when less than half of it was written right.
        """
        changed = [(one, other) for one, other in zip(word, heard, strict=True) if one != other]
        half = len(changed) * 2 <= len(word)
        exact = unlike == 0 and all(tones(one) & tones(other) for one, other in changed)
        if certain or len(word) <= _SHORT:
            return exact and half and not (heard_is_word and len(word) <= _SHORT)
        return unlike <= (1.3 if half else 1.0) * len(word)


def hotline_words() -> list[Entry]:
    """The words that come with the product."""
    data = tomllib.loads(resources.files("asr").joinpath("hotline_words.toml").read_text("utf-8"))
    teach(data["readings"])
    return [Entry(word, kind="hotline") for words in data["words"].values() for word in words.split()]


def caller_phrases(lexicon: Lexicon) -> Iterator[str]:
    """How callers put things, with the heaviest names of ``lexicon`` in them; texts for `DomainModel`."""
    data = tomllib.loads(resources.files("asr").joinpath("caller_phrases.toml").read_text("utf-8"))
    for pair in data["pairs"]:
        for thing in pair["things"].split(" "):
            for trouble in pair["troubles"].split(" "):
                yield thing + trouble
    names = lexicon.names()
    for sentence in "\n".join(data["sentences"].values()).split():
        if all(f"{{{kind}}}" not in sentence or kind in names for kind in ("place", "department")):
            yield sentence.format(**names)
