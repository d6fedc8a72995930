"""Danger to life, in half a sentence and through recognition errors.

A hit is a phrase (by characters, or by sound for phrases that sound like nothing else) whose
clause does not say that it is over, only imagined, or heard of. A whole-turn view decides: 着火了 in
one clause and 已经灭了 in the next is no emergency.
"""

import re
import tomllib
from dataclasses import dataclass
from importlib.resources import files

from dialog.understanding.danger_model import DangerModel
from voicebot.language.sound import phrase_keys, sound_key

_CLAUSE = re.compile(r"[^，。！？；、,.!?;\s]+(?:\s+[^，。！？；、,.!?;\s]+)*")
THRESHOLD = 1.0
"""Log-odds from which the model alone raises the alarm; chosen on held-back sentences, see benchmarks/fit_danger.py."""
_SURER = 1.0  # log-odds more, where the turn speaks of the past, of others' words or of what might be
_SPOKEN_LENGTH = 60  # characters; a longer text is no cry for help, so sound alone does not count there
# Log-odds of a phrase and the clause before it, below which it is part of a long story and not its cause; at most two
# in a hundred cries for help inside of long turns may lie below (tests/dialog/test_emergencies.py).
_DOUBT = -4.0
SPOKEN_DOUBT = -2.0
"""The same for a whole turn of spoken length; benchmarks/fit_danger.py counts the phrases that lie below."""
MODEL_LENGTHS = (4, _SPOKEN_LENGTH)
"""Characters of a text that the model listens to."""


@dataclass(frozen=True, slots=True)
class Emergency:
    """What kind it is (fire, medical, …), the number to call, and the words that said so."""

    kind: str
    number: str
    words: str


@dataclass(frozen=True, slots=True)
class _Kind:
    id: str
    number: str
    say: re.Pattern[str]
    sounds: tuple[str, ...]
    beside_cry: tuple[str, ...]
    firm: bool


class EmergencyFinder:
    """Holds no state of a call."""

    def __init__(self, model: DangerModel | None = None) -> None:
        self._model = model
        table = tomllib.loads((files(__package__) / "emergencies.toml").read_text(encoding="utf-8"))
        self._names = _any_of(table["names"])
        self._past, self._now, self._settled = _any_of(table["past"]), _any_of(table["now"]), _any_of(table["settled"])
        self._hypothetical, self._told = _any_of(table["hypothetical"]), _any_of(table["told"])
        self._written = _any_of(table["written"])
        self._stems = tuple((re.compile(row["say"]), row["kind"], row["number"]) for row in table["stem"])
        self._kinds = tuple(
            _Kind(
                k["id"],
                k["number"],
                re.compile("|".join(k["say"])),
                _keys(k["sound"]),
                _keys(k.get("beside_cry", [])),
                k["firm"],
            )
            for k in table["kind"]
        )
        self._cry = _any_of(table["cry"])

    def find(self, text: str) -> Emergency | None:
        """The emergency that is going on, or None. ``text`` is one caller turn, finished or not."""
        shortest, longest = MODEL_LENGTHS
        if self._model is None or not shortest <= len(text) <= longest:
            return self.judge(text, None)
        return self.judge(text, self._model.score(text))

    def judge(self, text: str, score: float | None) -> Emergency | None:
        """The same with the model's score of the whole turn handed in; None judges by phrases."""
        text = self._names.sub("〇", text.lower())
        if self._settled.search(text):
            return None
        clauses = _CLAUSE.findall(text)
        for at, clause in enumerate(clauses):
            before = clauses[at - 1] if at else ""
            for kind in self._kinds:
                words = self._said(kind, clause, spoken=len(text) <= _SPOKEN_LENGTH)
                if (
                    words
                    and self._happening(kind, clause, before, text)
                    and not self._told_of(kind, clause, before, text, score)
                ):
                    return self._named(Emergency(kind.id, kind.number, words), text)
        aside = any(p.search(text) for p in (self._told, self._past, self._hypothetical))
        if score is None or score < THRESHOLD + (_SURER if aside else 0.0):
            return None
        return next((Emergency(kind, number, text) for stem, kind, number in self._stems if stem.search(text)), None)

    def _named(self, found: Emergency, text: str) -> Emergency:
        """A bare cry for help names no cause: what else sounds in the turn does, however badly it was heard."""
        if self._cry.search(found.words) and len(text) <= _SPOKEN_LENGTH:
            key = sound_key(text)
            for kind in self._kinds:
                if any(sound in key for sound in kind.beside_cry):
                    return Emergency(kind.id, kind.number, found.words)
        return found

    def _said(self, kind: _Kind, clause: str, *, spoken: bool) -> str:
        if match := kind.say.search(clause):
            return match[0]
        if spoken:
            key = sound_key(clause)
            return clause if any(sound in key for sound in kind.sounds) else ""
        return ""

    def _told_of(self, kind: _Kind, clause: str, before: str, text: str, score: float | None) -> bool:
        """Does the model think that a phrase is only told of (烟囱浓烟滚滚, 在外地患脑溢血, 救救我们这些业主)?"""
        if self._model is None or kind.firm:
            return False
        if len(text) <= _SPOKEN_LENGTH:
            return score is not None and score < SPOKEN_DOUBT
        return self._model.score(f"{before}，{clause}"[-_SPOKEN_LENGTH:]) < _DOUBT

    def _happening(self, kind: _Kind, clause: str, before: str, text: str) -> bool:
        around = f"{before}，{clause}"
        if self._told.search(text) or (len(text) > _SPOKEN_LENGTH and self._written.search(text)):
            return False
        if self._past.search(around) and not self._now.search(clause):
            return False
        return kind.firm or not self._hypothetical.search(around)


def _keys(phrases: list[str]) -> tuple[str, ...]:
    return tuple(key for phrase in phrases for key in phrase_keys(phrase))


def _any_of(words: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, sorted(words, key=len, reverse=True))))
