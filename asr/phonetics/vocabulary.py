"""Words by their sound, and which beginnings of sounds can still become a word."""

from collections.abc import Iterable

from asr.phonetics.trigram import LanguageModel

_ALIKE = 24  # words of one sound; what is rarer needs its context to be seen at all
_LONGEST = 6  # syllables; longer entries of the word list are rare and are found in parts


class Vocabulary:
    """Words under their exact pinyin. A key is the syllables, each followed by an apostrophe: xi'gong'qu'."""

    def __init__(self, words: Iterable[tuple[str, tuple[str, ...]]], model: LanguageModel):
        """Keep the words that the language model knows, with their probability out of context."""
        self._known: set[str] = set()
        self._by_sound: dict[str, list[tuple[str, float]]] = {}
        self._beginnings: set[str] = set()
        state = model.begin()
        for word, syllables in words:
            if len(word) > _LONGEST or word not in model:
                continue
            self._known.add(word)
            key = ""
            for syllable in syllables:
                key += syllable + "'"
                self._beginnings.add(key)
            self._by_sound.setdefault(key, []).append((word, model.score(state, word)[0]))
        for alike in self._by_sound.values():
            alike.sort(key=lambda entry: -entry[1])
            del alike[_ALIKE:]

    def __contains__(self, word: str) -> bool:
        """Whether ``word`` is in the vocabulary."""
        return word in self._known

    def __len__(self) -> int:
        """Number of different words."""
        return len(self._known)

    def may_begin(self, key: str) -> bool:
        """Whether some word's sound begins with ``key``."""
        return key in self._beginnings

    def words(self, key: str) -> list[tuple[str, float]]:
        """Words that sound like ``key``, each with its log probability out of context."""
        return self._by_sound.get(key, [])
