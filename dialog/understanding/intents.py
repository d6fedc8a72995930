"""Which of the known things a caller means; several may hold at once. The phrases lie in ``phrases.toml``."""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files

from voicebot.language.sound import sound_key, syllables

_PUNCTUATION = re.compile(r"[，。！？、；：,.!?;:“”\"'…~·\s]+")
_SOUND_PART = 3  # syllables a phrase needs to be searched for by sound inside of a longer sentence
_SOUND_WHOLE = 8  # syllables up to which a whole sentence is compared by sound


class Intent(StrEnum):
    """What a sentence can mean, apart from its matter."""

    YES = "yes"
    NO = "no"
    REPEAT = "repeat"
    WAIT = "wait"
    HUMAN = "human"
    GOODBYE = "goodbye"
    THANKS = "thanks"
    BACK_CHANNEL = "back_channel"
    LAUGHTER = "laughter"
    ABUSE = "abuse"
    CHILD = "child"
    BOT = "bot"
    STATUS = "status"
    RATING = "rating"
    UNKNOWN = "unknown"
    ANONYMOUS = "anonymous"
    CONFIDENTIAL = "confidential"
    OPEN = "open"
    ENGLISH = "english"
    CHINESE = "chinese"
    SAME_PLACE = "same_place"
    APART = "apart"
    SAME_PHONE = "same_phone"
    NOTHING_ELSE = "nothing_else"
    CORRECTION = "correction"
    INSIST = "insist"


@dataclass(frozen=True, slots=True)
class _Phrases:
    whole: tuple[str, ...]
    whole_sounds: frozenset[tuple[str, ...]]
    whole_bare: frozenset[str]
    start: tuple[str, ...]
    part: tuple[str, ...]
    part_sounds: tuple[str, ...]
    excluded: tuple[str, ...]
    pattern: re.Pattern[str] | None
    max_length: int


class IntentFinder:
    """Finds intents by characters, and by sound where that is safe."""

    def __init__(self) -> None:
        table = tomllib.loads((files(__package__) / "phrases.toml").read_text(encoding="utf-8"))
        self._fillers = frozenset(table["fillers"])
        self._phrases = {intent: _phrases(table[intent.value]) for intent in Intent}

    def find(self, text: str) -> frozenset[Intent]:
        """All intents of a sentence. A whole-sentence phrase may be surrounded by fillers and repeated."""
        text = text.strip().lower()
        bare = _PUNCTUATION.sub("", text)
        if not bare:
            return frozenset()
        sounds, key = syllables(bare), sound_key(bare)
        return frozenset(i for i, p in self._phrases.items() if self._holds(p, text, bare, sounds, key))

    def only(self, text: str, intents: Iterable[Intent]) -> bool:
        """Nothing but these intents and fillers: there is no matter in the sentence."""
        bare = _PUNCTUATION.sub("", text.lower())
        pieces = frozenset(w for i in intents for w in (*self._phrases[i].whole_bare, *self._phrases[i].part))
        return self._covered(bare, pieces)

    def _holds(self, phrases: _Phrases, text: str, bare: str, sounds: tuple[str, ...], key: str) -> bool:
        if any(word in text for word in phrases.excluded):
            return False
        if self._covered(bare, phrases.whole_bare):
            return True
        if phrases.pattern is not None and phrases.pattern.search(text):
            return True
        by_sound = phrases.whole_sounds if len(bare) == len(sounds) <= _SOUND_WHOLE else frozenset()
        if sounds in phrases.whole_sounds or (by_sound and self._covered(bare, phrases.whole_bare, by_sound)):
            return True
        if any(text.startswith(word) for word in phrases.start):
            return True
        if len(bare) > phrases.max_length:
            return False
        return any(word in text or _PUNCTUATION.sub("", word) == bare for word in phrases.part) or any(
            sound in key for sound in phrases.part_sounds
        )

    def _covered(self, bare: str, pieces: frozenset[str], sounds: frozenset[tuple[str, ...]] = frozenset()) -> bool:
        """Can the sentence be cut into pieces and fillers, with at least one piece?

        With ``sounds``, a piece of two syllables or more may be written in other characters of its sound.
        """
        longest = max(map(len, (*pieces, *sounds)), default=0)
        reached: list[bool | None] = [False] + [None] * len(bare)  # None unreachable, True with a piece
        for at, with_piece in enumerate(reached):
            if with_piece is None or at == len(bare):
                continue
            if bare[at] in self._fillers:
                reached[at + 1] = reached[at + 1] or with_piece
            for size in range(1, min(longest, len(bare) - at) + 1):
                piece = bare[at : at + size]
                if piece in pieces or (size > 1 and sounds and syllables(piece) in sounds):
                    reached[at + size] = True
        return reached[-1] is True


def _phrases(row: dict[str, object]) -> _Phrases:
    def words(name: str) -> tuple[str, ...]:
        value = row.get(name, [])
        assert isinstance(value, list)  # noqa: S101  our own data file
        return tuple(str(word).lower() for word in value)

    by_sound = bool(row.get("sound", False))
    whole, part = words("whole"), words("part")
    length = row.get("max_length", 10_000)
    return _Phrases(
        whole=whole,
        whole_sounds=frozenset(syllables(word) for word in whole) if by_sound else frozenset(),
        whole_bare=frozenset(_PUNCTUATION.sub("", word) for word in whole),
        start=words("start"),
        part=part,
        part_sounds=tuple(
            sound_key(w) for w in part if by_sound and len(syllables(w)) >= _SOUND_PART and not w.isascii()
        ),
        excluded=words("except"),
        pattern=re.compile("|".join(words("pattern"))) if "pattern" in row else None,
        max_length=length if isinstance(length, int) else 10_000,
    )
