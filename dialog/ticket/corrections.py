"""Self-corrections inside one breath: what is said after 不对，是 replaces what it corrects.

A part of a sentence (a number of an address, a name of a place, a time, a sum, a surname, digits of a
telephone number) right behind a word of correction takes the place of the last part of the same kind
before it, with everything in between: 三号楼二单元，不对，是五号楼 is 五号楼. Of a telephone number that
was read out, only as many digits as were said anew are replaced.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dialog.ticket.words import any_of
from voicebot.language.numerals import RUN_CLASS
from voicebot.language.spans import ADDRESS_KINDS

_WORDS = any_of("corrections")
_CUE = re.compile(
    rf"[，,。、\s哦啊噢喔呃嗯哎]*(?:(?:{_WORDS})[，,。、\s啊呀哦呃嗯是]*)+(?:现在|应该)?(?:就?是|在|叫|姓)?(?:那个)?"
    r"|[，,。、\s]+(?:呃|额|嗯|哦|啊)+[，,。、\s]*"
)
_HESITATION = re.compile(r"[，,。、\s呃额嗯哦啊]+")  # alone it corrects only a number: 四十栋，呃，四十一号楼
_NOT_BUT = re.compile(r"不是(?P<wrong>[^，。是]{1,12}?)[，,]?(?:而|应该)?是")
_SAID_DIGITS = re.compile(rf"[{RUN_CLASS}](?:[，,、\s]*[{RUN_CLASS}])*$")
_NEW_DIGITS = re.compile(rf"[，,、\s]*(?P<new>[{RUN_CLASS}](?:[，,、\s]*[{RUN_CLASS}])+)(?![十百千万号楼点块元])")
_ONE_DIGIT = re.compile(rf"[{RUN_CLASS}]")
_FAR = 14  # characters between what was wrong and the word that says so
_AT_MOST = 4  # corrections of one breath
_WHOLE_NUMBER = 7  # digits; as many are a telephone number and no part of one


@dataclass(frozen=True, slots=True)
class Part:
    """Something at ``text[start:end]`` that another part of the same kind can replace."""

    kind: str
    start: int
    end: int


def corrected(text: str, parts_of: Callable[[str], Sequence[Part]]) -> str:
    """``text`` without what its speaker took back; ``parts_of`` finds the parts of a sentence."""
    for _ in range(_AT_MOST):
        if not (_CUE.search(text) or _NOT_BUT.search(text)):
            return text
        shorter = _digits_once(text) or _parts_once(text, parts_of(text))
        if shorter is None:
            return text
        text = shorter
    return text


def _parts_once(text: str, parts: Sequence[Part]) -> str | None:
    for match in _NOT_BUT.finditer(text):
        new = _first_at(parts, match.end())
        wrong = [p for p in parts if match.start("wrong") <= p.start and p.end <= match.end("wrong")]
        if new is not None and any(p.kind == new.kind for p in wrong):
            return text[: match.start()] + text[new.start :]
    for cue in _CUE.finditer(text):
        new = _first_at(parts, cue.end())
        if new is None:
            continue
        before = [p for p in parts if p.kind == new.kind and p.end <= cue.start() + 1]
        if _HESITATION.fullmatch(cue[0]) and (
            new.kind not in ADDRESS_KINDS or not before or before[-1].end < cue.start()
        ):
            continue
        if before and cue.start() - before[-1].end <= _FAR:
            return text[: before[-1].start] + text[new.start :]
    return None


def _first_at(parts: Sequence[Part], at: int) -> Part | None:
    """The part that begins at ``at`` or a character or two later."""
    return next((p for p in sorted(parts, key=lambda p: p.start) if at - 1 <= p.start <= at + 2), None)


def _digits_once(text: str) -> str | None:
    for cue in _CUE.finditer(text):
        old, new = _SAID_DIGITS.search(text, 0, cue.start()), _NEW_DIGITS.match(text, cue.end())
        if old is None or new is None or not any(c in text[cue.start() : cue.end()] for c in "不错误"):
            continue
        places = [old.start() + m.start() for m in _ONE_DIGIT.finditer(old[0])]
        count = len(_ONE_DIGIT.findall(new["new"]))
        keep = old.start() if count >= min(len(places), _WHOLE_NUMBER) else places[-count]
        return text[:keep] + text[new.start("new") :]
    return None
