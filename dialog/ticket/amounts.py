"""The sum of money that a matter is about."""

import re
from collections.abc import Iterator

from dialog.ticket.words import any_of
from voicebot.language.numerals import parse_cardinal, plain
from voicebot.language.spans import NumberKind
from voicebot.language.spoken_numbers import find_numbers

_FIGURE = r"(?P<sum>[1-9][0-9]*(?:\.[0-9]+)?万?|[一二两三四五六七八九十百千万零]{1,9})"
_BEHIND = "[，。！？；、,.!?\\s]|$|[不都还才呢吧啊呀没就照的也了给]|[定订押保学]金|学费|报名费|首付|工资|房租"
_ENDS = rf"(?=[多来几]?(?:{_BEHIND}))(?!点)"
_PAID = re.compile(rf"{any_of('paid')}{any_of('paid_to')}*{_FIGURE}{_ENDS}")
_PER = re.compile(rf"(?:一|每|每一|每个|按){any_of('per')}(?:就|才|都|要|是|的|得)*{_FIGURE}{_ENDS}")
_ALONE = re.compile(
    r"(?:^|[，,。])(?P<sum>[一二两三四五六七八九十]*[百千万][一二两三四五六七八九十百千万零]*)(?=[，,。]|$)"
)
_IDIOM = re.compile(
    "一(?:毛钱|分钱|毛|分|块钱|角钱)(?:也|都)?[没不未]|[一二三五八十]块[一二三五八十]块"
)  # 一分没退, 十块八块的
_DISPUTED = re.compile(any_of("disputed"))
_LEAST = 10  # yuan; a smaller bare figure is a count more often than a sum


def find_amount(text: str) -> str:
    """The sum in dispute, else the first sum, in yuan as a decimal string; "" when there is none."""
    sums = sorted(_sums(text))
    disputed = [s for s in sums if _DISPUTED.search(re.split("[，。！？；,]", text[: s[0]])[-1])]
    return (disputed or sums)[0][2] if sums else ""


def _sums(text: str) -> Iterator[tuple[int, int, str]]:
    spans = find_numbers(text)
    taken = []
    for span in (s for s in spans if s.kind is NumberKind.AMOUNT):
        taken.append((span.start, span.end))
        if not _IDIOM.match(text, span.start):
            yield span.start, span.end, span.value
    taken += [(s.start, s.end) for s in spans if s.kind is not NumberKind.AMOUNT and s.unit]
    for pattern in (_PAID, _PER, _ALONE):
        for match in pattern.finditer(text):
            value = parse_cardinal(match["sum"])
            start, end = match.span("sum")
            if value is not None and value >= _LEAST and all(end <= a or start >= b for a, b in taken):
                taken.append((start, end))
                yield start, end, plain(value)
