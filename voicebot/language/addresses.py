"""House, building, unit, floor and room numbers in a sentence."""

import re
from collections.abc import Callable, Iterator

from voicebot.language.numerals import RUN_CLASS, digit_run, parse_cardinal, plain
from voicebot.language.quantities import Rule
from voicebot.language.spans import NumberKind, NumberSpan

_FIGURE = rf"([{RUN_CLASS}十百]+|[A-Za-z](?=[栋座区幢]))"
_DOOR_BEFORE = "(?:(?<=单元)|(?<=号楼)|(?<=[栋幢座层洞])|(?<=[0-9零〇一二两三四五六七八九十]楼))"
_PAUSE = "的?(?:[，,、\\s]|[呃嗯额]|就是|那个)*"
_HAND = "(?:(?:东|西|南|北|中|左|右)(?:边|首|手)?(?:那)?户|(?:东|西|南|北)(?:间|门))"
_ROAD_BEFORE = "(?<=[路街道巷弄里园村院区苑城庄寨胡同桥口])"


def rules(*, address_expected: bool) -> Iterator[Rule]:
    """The rules, most specific first. When an address was asked for, a bare 十五号 is a house, not a day."""
    yield re.compile(rf"{_FIGURE}(号楼|#楼?|[幢座]|栋(?!楼房|房子))"), _part(NumberKind.BUILDING)
    yield re.compile(rf"{_FIGURE}(单元|门栋|门洞)"), _part(NumberKind.UNIT)
    yield re.compile(rf"{_FIGURE}(号房间?|室|房(?![子东管租屋顶门产价贷]))"), _part(NumberKind.ROOM)
    yield re.compile(rf"{_FIGURE}([楼层]{_HAND})"), _part(NumberKind.ROOM)
    yield re.compile(rf"{_FIGURE}(号院|号附?近?大院)"), _part(NumberKind.HOUSE)
    yield re.compile(rf"{_ROAD_BEFORE}{_FIGURE}(号)(?!线|楼|院)"), _part(NumberKind.HOUSE)
    yield re.compile(rf"{_FIGURE}(楼|层)(?!房|梯|宇|下水|高|的楼)"), _part(NumberKind.FLOOR)
    if address_expected:
        yield re.compile(rf"{_FIGURE}(号)(?!线)"), _part(NumberKind.HOUSE)


def figure(text: str) -> str | None:
    """A number in an address: a cardinal (十八), a run (五零一, 三零二) or a letter (A)."""
    if len(text) == 1 and text.isascii() and text.isalpha():
        return text.upper()
    value = parse_cardinal(text)
    if value is not None:
        return plain(value)
    run = digit_run(text)
    return run if run is not None and len(run) >= 3 else None


def _part(kind: NumberKind) -> Callable[[re.Match[str]], NumberSpan | None]:
    def read(match: re.Match[str]) -> NumberSpan | None:
        value = figure(match[1])
        if value is None or (kind is NumberKind.FLOOR and match[1] == "一" and match[2] == "层"):
            return None
        unit = "号楼" if match[2].startswith("#") else match[2]
        return NumberSpan(kind, match.start(), match.end(), value, f"{value}{unit}", unit)

    return read


def _room(match: re.Match[str]) -> NumberSpan | None:
    value = digit_run(match[1])
    return None if value is None else NumberSpan(NumberKind.ROOM, match.start(1), match.end(1), value, value)


DOOR: Rule = (
    re.compile(
        rf"{_DOOR_BEFORE}{_PAUSE}([{RUN_CLASS}]{{3,4}})(?![{RUN_CLASS}十百千万亿号个天年月块元点楼层栋人户家]|[，,、\s-]*[{RUN_CLASS}]{{3}})"
    ),
    _room,
)
"""五零一 behind a unit or a building; with 幺 or as 110 it looks like a run of digits, so it is read before those."""
