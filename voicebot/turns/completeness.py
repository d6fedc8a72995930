"""What the words heard so far say about the end of the turn: more must come, may come, or need not come."""

import re
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files

from voicebot.core.speech import Expect
from voicebot.language.sound import sound_key
from voicebot.turns.ending import ending_model

_NOT_WORDS = re.compile(r"[\s，。！？、；：,.!?;:…“”\"'《》（）()—-]+")
_DIGIT = "0-9零一二三四五六七八九十百千万幺两〇"
_ENDS_IN_DIGITS = re.compile(f"([{_DIGIT}]+)$")
_DIGITS_ONLY = re.compile(r"[0-9零一二三四五六七八九幺两〇Xx]")
_MOBILE_DIGITS = 11
_WHOLE_ROWS = frozenset({11, 18})  # a mobile number, a number of an identity card
_ORDINALS = "一二三四五六七八九十"
_ANNOUNCED = re.compile("([两二三四五六七八九十])(?:个|件|条|点|项)(?:问题|事|情况|诉求|要求|意见|建议)")
_NUMBERED = re.compile(f"第([{_ORDINALS}])")
_CHINESE = re.compile("[\u4e00-\u9fff]")
_SHORTEST_SENTENCE = 3
_SENTENCES = (Expect.ANYTHING, Expect.YES_NO)
"""Answers whose end the words tell; a name, a time or a place is no sentence."""

SOUND_SHARE = 1.0
"""How much the sound counts beside the words: .838 for the words alone, .917 for both (area under the curve, 71 human
utterances over the telephone, `benchmarks.fit_ending_sound`); more would trust it beyond its training."""
COMPLETE_FROM = 0.75
UNFINISHED_TO = -1.5
"""Log-odds from which the words are complete, and up to which more must come. Of what callers say in words alone, 79 %
of the ends and 3 % of the pauses inside are complete, 4 % and 76 % unfinished (`benchmarks.fit_ending`)."""


class Completeness(StrEnum):
    """How finished the words are."""

    UNFINISHED = "unfinished"
    OPEN = "open"
    COMPLETE = "complete"


@dataclass(frozen=True, slots=True)
class Words:
    """The word lists of ``words.toml``."""

    unfinished: tuple[str, ...]
    whole: frozenset[str]
    between: frozenset[str]
    yes_no: frozenset[str]
    address_end: tuple[str, ...]
    address_open: tuple[str, ...]
    backchannel: frozenset[str]
    floor_taking: tuple[str, ...]


@lru_cache(maxsize=1)
def words() -> Words:
    """The lists, read once."""
    data = tomllib.loads(files("voicebot.turns").joinpath("words.toml").read_text(encoding="utf-8"))
    return Words(
        unfinished=tuple(data["unfinished"]),
        whole=frozenset(data["whole"]),
        between=frozenset(data["between"]),
        yes_no=frozenset(data["yes_no"]),
        address_end=tuple(data["address_end"]),
        address_open=tuple(data["address_open"]),
        backchannel=frozenset(data["backchannel"]),
        floor_taking=tuple(data["floor_taking"]),
    )


def bare(text: str) -> str:
    """The text without punctuation and spaces."""
    return _NOT_WORDS.sub("", text)


def judge(text: str, expects: Expect = Expect.ANYTHING, ending: float | None = None) -> Completeness:
    """Judge a partial text; the kind of answer that was asked for goes first, the general rules after it.

    ``ending`` is the log-odds that the voice sounded finished; None when that is not known.
    """
    said = bare(text)
    if not said:
        return Completeness.OPEN
    if _only_answers(said) or (expects is Expect.YES_NO and said in words().yes_no):
        return Completeness.COMPLETE
    if expects is Expect.RATING and _DIGITS_ONLY.search(said):
        return Completeness.COMPLETE
    if expects is Expect.DIGITS and (verdict := _judge_digits(said)):
        return verdict
    if expects is Expect.ADDRESS and (verdict := _judge_address(said)):
        return verdict
    if _more_must_follow(said):
        return Completeness.UNFINISHED
    return _judge_sentence(said, ending) if expects in _SENTENCES else Completeness.OPEN


def _only_answers(said: str) -> bool:
    """Whole answers in a row, with small words around them. Each place is looked at once."""
    whole, between = words().whole, words().between
    longest = max(map(len, whole | between))
    begun, answered = {0}, set[int]()  # places that small words alone lead to, and those behind an answer
    for at in range(len(said)):
        for end in range(at + 1, min(at + longest, len(said)) + 1) if at in begun or at in answered else ():
            if said[at:end] in whole:
                answered.add(end)
            if said[at:end] in between:
                (answered if at in answered else begun).add(end)
    return len(said) in answered


def _judge_digits(said: str) -> Completeness | None:
    count = len(_DIGITS_ONLY.findall(said))
    if count in _WHOLE_ROWS:
        return Completeness.COMPLETE
    return Completeness.UNFINISHED if 0 < count < _MOBILE_DIGITS else None


def _judge_address(said: str) -> Completeness | None:
    longest_end = max((len(end) for end in words().address_end if said.endswith(end)), default=0)
    longest_open = max((len(end) for end in words().address_open if said.endswith(end)), default=0)
    if longest_end > longest_open:
        return Completeness.COMPLETE
    if longest_open or _ENDS_IN_DIGITS.search(said):
        return Completeness.UNFINISHED
    return None


def _more_must_follow(said: str) -> bool:
    digits = _ENDS_IN_DIGITS.search(said)
    in_a_row = digits is not None and 3 <= len(digits[1]) < _MOBILE_DIGITS  # a row of digits is said in groups
    return in_a_row or said.endswith(words().unfinished) or _list_goes_on(said)


def _judge_sentence(said: str, ending: float | None) -> Completeness:
    if len(said) < _SHORTEST_SENTENCE or not _CHINESE.search(said):
        return Completeness.OPEN
    likely = ending_model().score(said) + SOUND_SHARE * (ending or 0.0)
    if likely >= COMPLETE_FROM:
        return Completeness.COMPLETE
    return Completeness.UNFINISHED if likely <= UNFINISHED_TO else Completeness.OPEN


def _list_goes_on(said: str) -> bool:
    """Three questions were announced, and the third has not come."""
    announced = _ANNOUNCED.search(said)
    if announced is None:
        return False
    numbered = _NUMBERED.findall(said, announced.end())
    last = _ORDINALS.index(numbered[-1]) + 1 if numbered else 0
    return last < _ORDINALS.index(announced[1].replace("两", "二")) + 1


def is_backchannel(text: str) -> bool:
    """Is this only the sounds of somebody who listens, however many of them?"""
    return _made_of(words().backchannel, bare(text))


def _made_of(pieces: frozenset[str], said: str) -> bool:
    reached = {0}
    for at in range(len(said)):
        if at in reached:
            reached |= {at + len(piece) for piece in pieces if said.startswith(piece, at)}
    return bool(said) and len(said) in reached


def takes_floor(text: str) -> bool:
    """Does this ask for the floor in so many words?"""
    said, sound = bare(text), sound_key(text)
    return any(phrase in said or (len(phrase) > 1 and sound_key(phrase) in sound) for phrase in words().floor_taking)
