"""What the words heard so far say about the end of the turn: more must come, may come, or need not come."""

import re
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files

from voicebot.core.speech import Expect

_NOT_WORDS = re.compile(r"[\s，。！？、；：,.!?;:…“”\"'《》（）()—-]+")
_DIGIT = "0-9零一二三四五六七八九十百千万幺两〇"
_ENDS_IN_DIGITS = re.compile(f"([{_DIGIT}]+)$")
_DIGITS_ONLY = re.compile(r"[0-9零一二三四五六七八九幺两〇Xx]")
_MOBILE_DIGITS = 11
_WHOLE_ROWS = frozenset({11, 18})  # a mobile number, a number of an identity card


class Completeness(StrEnum):
    """How finished the words are."""

    UNFINISHED = "unfinished"
    OPEN = "open"
    COMPLETE = "complete"


@dataclass(frozen=True, slots=True)
class Words:
    """The word lists of ``words.toml``."""

    unfinished: tuple[str, ...]
    complete: tuple[str, ...]
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
        complete=tuple(data["complete"]),
        yes_no=frozenset(data["yes_no"]),
        address_end=tuple(data["address_end"]),
        address_open=tuple(data["address_open"]),
        backchannel=frozenset(data["backchannel"]),
        floor_taking=tuple(data["floor_taking"]),
    )


def bare(text: str) -> str:
    """The text without punctuation and spaces."""
    return _NOT_WORDS.sub("", text)


def judge(text: str, expects: Expect = Expect.ANYTHING) -> Completeness:
    """Judge a partial text; the kind of answer that was asked for goes first, the general rules after it."""
    said = bare(text)
    if not said:
        return Completeness.OPEN
    if expects is Expect.YES_NO and said in words().yes_no:
        return Completeness.COMPLETE
    if expects is Expect.DIGITS:
        return _judge_digits(said)
    if expects is Expect.ADDRESS:
        return _judge_address(said)
    if expects is Expect.RATING and _DIGITS_ONLY.search(said):
        return Completeness.COMPLETE
    return _judge_sentence(said)


def _judge_digits(said: str) -> Completeness:
    count = len(_DIGITS_ONLY.findall(said))
    if count in _WHOLE_ROWS:
        return Completeness.COMPLETE
    if 0 < count < _MOBILE_DIGITS:
        return Completeness.UNFINISHED
    return _judge_sentence(said)


def _judge_address(said: str) -> Completeness:
    longest_end = max((len(end) for end in words().address_end if said.endswith(end)), default=0)
    longest_open = max((len(end) for end in words().address_open if said.endswith(end)), default=0)
    if longest_end > longest_open:
        return Completeness.COMPLETE
    if longest_open or _ENDS_IN_DIGITS.search(said):
        return Completeness.UNFINISHED
    return _judge_sentence(said)


def _judge_sentence(said: str) -> Completeness:
    longest_more = max((len(end) for end in words().unfinished if said.endswith(end)), default=0)
    longest_done = max((len(end) for end in words().complete if said.endswith(end)), default=0)
    if longest_more > longest_done:
        return Completeness.UNFINISHED
    if longest_done:
        return Completeness.COMPLETE
    digits = _ENDS_IN_DIGITS.search(said)
    if digits and 3 <= len(digits[1]) < _MOBILE_DIGITS:
        return Completeness.UNFINISHED  # a row of digits is said in groups
    return Completeness.OPEN


def is_backchannel(text: str) -> bool:
    """Is this only the sound of somebody who listens?"""
    return bare(text) in words().backchannel


def takes_floor(text: str) -> bool:
    """Does this ask for the floor in so many words?"""
    said = bare(text)
    return any(phrase in said for phrase in words().floor_taking)
