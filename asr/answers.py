"""The short answers that a question calls for, to be held against the sound when something short was heard instead."""

import tomllib
from difflib import SequenceMatcher
from functools import cache
from importlib import resources

from asr.phonetics.syllables import read
from voicebot.core.speech import Expect

_LONGEST = 6  # characters; who says more says something else
_SHORTER = 1  # characters by which an answer may fall short of what was heard: 对 fits anything that holds its sound
_COMPARED = 10  # each costs a look at the sound of about 10 ms


def likely_answers(expects: Expect, heard: str) -> tuple[str, ...]:
    """The answers to a question of this kind that sound most like ``heard``, at most `_COMPARED`.

    Empty when ``heard`` is one of them, when it is too long to be one, or when the question has none.
    """
    bare = "".join(character for character in heard if character.isalnum())
    answers = [answer for answer in _answers().get(expects, ()) if len(answer) >= len(bare) - _SHORTER]
    if not bare or len(bare) > _LONGEST or bare in answers:
        return ()
    sound = _sound(bare)
    return tuple(sorted(answers, key=lambda answer: -SequenceMatcher(None, sound, _sound(answer)).ratio())[:_COMPARED])


@cache
def _answers() -> dict[Expect, tuple[str, ...]]:
    data = tomllib.loads(resources.files("asr").joinpath("answers.toml").read_text("utf-8"))
    return {Expect(kind): tuple(answers) for kind, answers in data.items()}


@cache
def _sound(text: str) -> str:
    return "".join(read(text))
