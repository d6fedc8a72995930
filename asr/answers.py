"""The short answers that a question calls for, to be held against the sound when something short was heard instead."""

import math
import tomllib
from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import cache
from importlib import resources
from typing import Any

from asr.phonetics.syllables import read
from voicebot.core.speech import Expect

_LONGEST = 6  # characters; who says more says something else
_SHORTER = 1  # characters by which an answer may fall short of what was heard: 对 fits anything that holds its sound
_ALIKE = 0.85  # share of the letters of their pinyin, in order
_FITS_ALIKE = 2.0  # nats
_COMPARED = 10  # each costs a look at the sound of about 10 ms


def likely_answers(expects: Expect, heard: str, *, over_bot: bool = False) -> tuple[str, ...]:
    """The answers to a question of this kind that sound most like ``heard``, at most `_COMPARED`.

    Into the bot's own words (``over_bot``) the sounds of a listener are as likely. Empty when ``heard`` is one of
    them, when it is too long to be one, or when the question has none.
    """
    bare = _bare(heard)
    all_of_kind = _answers().get(expects, ()) + (_over_bot() if over_bot else ())
    answers = [answer for answer in dict.fromkeys(all_of_kind) if len(answer) >= len(bare) - _SHORTER]
    if not bare or len(bare) > _LONGEST or bare in answers:
        return ()
    sound = _sound(bare)
    return tuple(sorted(answers, key=lambda answer: -SequenceMatcher(None, sound, _sound(answer)).ratio())[:_COMPARED])


def best_answer(answers: Sequence[str], fits: Sequence[float]) -> tuple[int, float]:
    """Which of the answers fits a sound best (``fits``: log-probabilities, nats), and how sure that is (0 to 1).

    The shorter answer is always the likelier one, so the longest is taken of those that begin like the likeliest and
    fit about as well. All others speak against it.
    """
    best = max(fits)
    likeliest = answers[fits.index(best)]
    longer = [n for n, fit in enumerate(fits) if fit >= best - _FITS_ALIKE and answers[n].startswith(likeliest)]
    others = sum(math.exp(fit - best) for n, fit in enumerate(fits) if n not in longer)
    return max(longer, key=lambda n: (len(answers[n]), fits[n])), 1 / (1 + others)


def sounds_like(heard: str, answer: str) -> bool:
    """Are both read nearly alike, as 我好得好得 and 哦好的好的 are?"""
    return SequenceMatcher(None, _sound(_bare(heard)), _sound(answer)).ratio() >= _ALIKE


def _bare(text: str) -> str:
    return "".join(character for character in text if character.isalnum())


@cache
def _answers() -> dict[Expect, tuple[str, ...]]:
    return {Expect(kind): tuple(answers) for kind, answers in _data().items() if kind != "over_bot"}


@cache
def _over_bot() -> tuple[str, ...]:
    return tuple(_data()["over_bot"]["anything"])


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(resources.files("asr").joinpath("answers.toml").read_text("utf-8"))


@cache
def _sound(text: str) -> str:
    return "".join(read(text))
