"""A dialect pack: what a dialect sounds like, what its words mean, and who speaks it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DialectWord:
    """A word and its Mandarin. It is replaced where ``before`` and ``after`` (patterns) fit what stands around it.

    A word without Mandarin is only a mark of the dialect. ``evidence`` in nats is how much hearing it
    speaks for the dialect.
    """

    word: str
    mandarin: str = ""
    before: str = ""
    after: str = ""
    evidence: float = 1.0

    @property
    def pattern(self) -> re.Pattern[str]:
        """Where the word may be replaced."""
        before = f"(?<={self.before})" if self.before else ""
        after = f"(?={self.after})" if self.after else ""
        return re.compile(f"{before}{re.escape(self.word)}{after}")


@dataclass(frozen=True, slots=True)
class DialectPack:
    """One dialect. Costs are in nats and symmetric: pairs in alphabetical order."""

    name: str
    title: str
    called: tuple[str, ...]
    language: str
    engines: tuple[str, ...]
    engine_prompt: str
    seat_skill: str
    initials: Mapping[tuple[str, str], float]
    finals: Mapping[tuple[str, str], float]
    syllables: Mapping[tuple[str, str], float]
    words: tuple[DialectWord, ...]
    prompts: Mapping[str, str]
