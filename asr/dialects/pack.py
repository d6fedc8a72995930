"""A dialect pack: what a dialect sounds like, what its words mean, and who speaks it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class DialectWord:
    """A word and its Mandarin. It is replaced where the patterns ``before`` and ``after`` fit what stands around it.

    Beginning and end of a sentence look like a comma to them. A word without Mandarin is only a mark
    of the dialect. ``evidence`` in nats is how much hearing the word speaks for the dialect.
    """

    word: str
    mandarin: str = ""
    before: str = ""
    after: str = ""
    evidence: float = 1.0

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Where the word is meant."""
        before = f"(?<={self.before})" if self.before else ""
        after = f"(?={self.after})" if self.after else ""
        return re.compile(f"{before}{re.escape(self.word)}{after}")

    def places(self, text: str) -> list[tuple[int, int]]:
        """Where in ``text`` the word is meant."""
        return [(match.start() - 1, match.end() - 1) for match in self.pattern.finditer(f"，{text}，")]


@dataclass(frozen=True, slots=True)
class EnginePreference:
    """An engine by the name that the settings use, and the model it should load; "" for its usual one."""

    engine: str
    model: str = ""


@dataclass(frozen=True, slots=True)
class DialectPack:
    """One dialect.

    ``called`` are the names that callers ask for it by, ``language`` the engine's code. Costs of
    sounds are in nats and symmetric: pairs in alphabetical order. ``prompts`` holds what callers hear
    when the bot turns to the dialect (switched) or calls a person who speaks it (hand_over).
    """

    name: str
    title: str
    called: tuple[str, ...]
    language: str
    engines: tuple[EnginePreference, ...]
    engine_prompt: str
    seat_skill: str
    initials: Mapping[tuple[str, str], float]
    finals: Mapping[tuple[str, str], float]
    syllables: Mapping[tuple[str, str], float]
    words: tuple[DialectWord, ...]
    prompts: Mapping[str, str]

    def evidence(self, text: str) -> float:
        """How much the words in ``text`` speak for this dialect, in nats."""
        return sum(word.evidence * len(word.places(text)) for word in self.words)

    def translations(self, text: str) -> list[tuple[int, int, str]]:
        """Stretches of ``text`` that are words of the dialect, from left to right, with their Mandarin."""
        found: list[tuple[int, int, str]] = []
        for word in sorted(self.words, key=lambda entry: -len(entry.word)):
            for start, end in word.places(text) if word.mandarin else ():
                if all(end <= other_start or other_end <= start for other_start, other_end, _ in found):
                    found.append((start, end, word.mandarin))
        return sorted(found)
