"""Whether a caller asks to be heard in a dialect: 我说河南话, 能讲四川话吗."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from asr.dialects.pack import DialectPack

_ASKED_WHETHER = re.compile(r"(能|可|会|行|听|懂|是)不(?=\1|可以)|有没(?=有)")
_DENIAL = re.compile(r"[不没别]|听不懂")
_BEFORE = 4  # characters in which 不太会, 没法 and 听不懂 stand
_AROUND = re.compile(
    r"[，。？！,.?!、 ]|喂|你好|您好|我|你|您|们|这|那|里|就|只|能不能|可不可以|行不行|可以|能|想|要|有没有|有|的|人|吗"
    r"|呢|啊|吧|么|请问|请|好|行"
)


@dataclass(frozen=True, slots=True)
class Wish:
    """The dialect that was asked for; ``whole_turn`` when nothing else was said."""

    dialect: str
    whole_turn: bool


def asked_for(text: str, packs: Mapping[str, DialectPack]) -> Wish | None:
    """The wish in ``text``; naming a dialect, or saying that one does not speak it, is none."""
    for name, pack in packs.items():
        names = "|".join(map(re.escape, pack.called))
        wish = re.compile(rf"(说|讲|用|听得?懂|听|会)+(点|一点|的是|的)?({names})(?!.{{0,2}}(听不懂|不会))")
        for found in wish.finditer(text):
            before = _ASKED_WHETHER.sub("", text[max(0, found.start() - _BEFORE) : found.start()])
            if not _DENIAL.search(before):
                rest = text[: found.start()] + text[found.end() :]
                return Wish(name, not _AROUND.sub("", rest))
    return None
