"""Names of places in a sentence: those the city knows, by characters and by sound, and those that look like one."""

import re
from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum

from dialog.city.nouns import City, Place, PlaceKind, Unit, UnitLevel
from voicebot.language.sound import syllables

_SOUND_LENGTH = 3  # shorter names sound like too many other words
_UNIT_TAILS = ("街道办事处", "街道", "社区居委会", "社区", "居委会", "村委会")
_HAN = re.compile(r"[\u4e00-\u9fff]+")


class PartKind(StrEnum):
    """The part of an address that a name fills."""

    DISTRICT = "district"
    STREET = "street"
    COMMUNITY = "community"
    ROAD = "road"
    LANDMARK = "landmark"


_PLACE_PARTS = {
    PlaceKind.ROAD: PartKind.ROAD,
    PlaceKind.STREET: PartKind.STREET,
    PlaceKind.COMMUNITY: PartKind.COMMUNITY,
    PlaceKind.ESTATE: PartKind.COMMUNITY,
}
_LEVEL_PARTS = {
    UnitLevel.DISTRICT: PartKind.DISTRICT,
    UnitLevel.STREET: PartKind.STREET,
    UnitLevel.COMMUNITY: PartKind.COMMUNITY,
}


@dataclass(frozen=True, slots=True)
class NamedPart:
    """A name at ``text[start:end]``; ``nodes`` are unit ids that it may stand for; ``unit`` when it names one."""

    kind: PartKind
    start: int
    end: int
    name: str
    nodes: tuple[str, ...] = ()
    unit: bool = False


@dataclass(frozen=True, slots=True)
class _Entry:
    kind: PartKind
    name: str
    node: str
    unit: bool


class PlaceNames:
    """All names of a city, indexed for one pass over a sentence."""

    def __init__(self, city: City) -> None:
        self._entries: dict[str, list[_Entry]] = defaultdict(list)
        for place in city.places:
            self._add_place(place)
        for unit in city.units:
            if unit.level is not UnitLevel.CITY:
                self._add_unit(unit)
        self._sounds: dict[tuple[str, ...], str] = {}
        for name in self._entries:
            if len(name) >= _SOUND_LENGTH and _HAN.fullmatch(name):
                self._sounds.setdefault(syllables(name), name)
        self._longest = max(map(len, self._entries), default=0)

    @property
    def names(self) -> frozenset[str]:
        """Every name and alias."""
        return frozenset(self._entries)

    def find(self, text: str) -> list[NamedPart]:
        """Names in order, never overlapping: written exactly before sounding alike, then the longer."""
        exact, alike = [], []
        for start in range(len(text)):
            for size in range(2, min(self._longest, len(text) - start) + 1):
                piece = text[start : start + size]
                if piece in self._entries and not (size == 2 and _inside_word(text, start + size)):
                    exact.append(self._part(piece, start, start + size))
                elif size >= _SOUND_LENGTH and _HAN.fullmatch(piece):
                    name = self._sounds.get(syllables(piece))
                    if name is not None:
                        alike.append(self._part(name, start, start + size))
        taken: list[NamedPart] = []
        for candidates in (exact, alike):
            for part in sorted(candidates, key=lambda p: p.start - p.end):
                if all(part.end <= t.start or part.start >= t.end for t in taken):
                    taken.append(part)
        return sorted(taken, key=lambda p: p.start)

    def _part(self, name: str, start: int, end: int) -> NamedPart:
        first = self._entries[name][0]
        nodes = tuple(dict.fromkeys(e.node for e in self._entries[name] if e.kind is first.kind and e.node))
        return NamedPart(first.kind, start, end, first.name, nodes, first.unit)

    def _add_place(self, place: Place) -> None:
        kind = _PLACE_PARTS.get(place.kind, PartKind.LANDMARK)
        for name in (place.name, *place.aliases):
            if len(name) >= 2:
                self._entries[name].append(_Entry(kind, name, place.node or place.district, unit=False))

    def _add_unit(self, unit: Unit) -> None:
        kind = _LEVEL_PARTS[unit.level]
        self._entries[unit.name].append(_Entry(kind, unit.name, unit.id, unit=True))
        if unit.level is UnitLevel.DISTRICT and len(unit.name) == 3:
            self._entries[unit.name[:2]].append(_Entry(kind, unit.name, unit.id, unit=True))
        for tail in _UNIT_TAILS:
            stem = unit.name.removesuffix(tail)
            if stem != unit.name and len(stem) >= 2:
                if tail == "街道办事处":
                    self._entries[stem + "街道"].append(_Entry(kind, unit.name, unit.id, unit=True))
                break


def _inside_word(text: str, end: int) -> bool:
    """Is a two-character name only the beginning of something else (涧西 in 涧西路)?"""
    return text[end : end + 1] in {"路", "街", "门", "站", "桥", "村", "店"}


_ROAD = re.compile(
    r"(?P<name>[\u4e00-\u9fff]{1,5}?(?:东路|西路|南路|北路|中路|环路|大道|大街|(?<![马道公铁线电走修问一逛出思网套迷半跑带让借开堵占])路|(?<![上逛沿满炸扫骂游串压当半闹])街|巷|胡同))"
    r"(?![灯面况由过人牌障边上费程线途径])"
)
_ESTATE = re.compile(
    r"(?P<name>[\u4e00-\u9fff]{2,8}?(?:小区|家属院|生活区|花园|家园|公寓|新村|新城|新苑|花苑|嘉园|雅苑|佳苑|名苑|华府|华庭|"
    r"国际城|公馆|社区|安置房))(?![的]?物业公司)"
)
_VILLAGE = re.compile(r"(?P<name>[\u4e00-\u9fff]{1,4}?(?:(?<![农乡城全本])村|镇|(?<![家老故])乡))(?![民里委干长镇])")
_LANDMARK = re.compile(
    r"(?P<name>[\u4e00-\u9fff]{2,8}?(?:广场|大厦|市场|商场|超市|中学|小学|大学|学院|幼儿园|医院|公园|车站|火车站|地铁站|"
    r"公交站|加油站|立交桥|大桥|写字楼|产业园|工业园|体育馆|图书馆|派出所|宾馆|酒店|饭店|工地|商业街|步行街))"
)
_CUT = re.compile(
    r".*(?:我家住在|住在|家住|位于|就在|现在|在|我们家?|你们|我家|就是|说的是|是|到|从|往|去|叫做?|那个|这个|那条|这条|有个|有一?家|"
    r"的|区(?=[\u4e00-\u9fff]{2})|县(?=[\u4e00-\u9fff]{2})|市(?!场)(?=[\u4e00-\u9fff]{2})|反映|投诉|举报|和|与|跟|旁边|对面|附近|靠近|离|我|了|把|"
    r"号(?!楼|院)|喂|你好|您好|不对|另外|还有)"
)
_GENERIC = re.compile(
    r"(?:本|该|整个?|全|老旧?|住宅|每个?|哪个?|某|一个|几个|别的|其他|商业|农贸|菜|市|大|小|的|个|里|新|条|出|进|门口)*"
    r"(?:小区|花园|家园|公寓|社区|路|街|村|镇|广场|市场|商场|超市|中学|小学|大学|幼儿园|医院|公园|车站|加油站|酒店|饭店|工地|巷)"
)


_BUS_LINE = re.compile(r"[0-9零一二三四五六七八九十百点]{2,}路$")


def unknown_names(text: str) -> list[NamedPart]:
    """What looks like a name without being in the gazetteer, by its last characters; may overlap known names."""
    found = []
    for pattern, kind in (
        (_ROAD, PartKind.ROAD),
        (_ESTATE, PartKind.COMMUNITY),
        (_VILLAGE, PartKind.COMMUNITY),
        (_LANDMARK, PartKind.LANDMARK),
    ):
        for match in pattern.finditer(text):
            name = match["name"]
            cut = _CUT.match(name[:-1])
            name = name[cut.end() :] if cut else name
            if len(name) >= 2 and not _GENERIC.fullmatch(name) and not _BUS_LINE.search(name):
                found.append(NamedPart(kind, match.end() - len(name), match.end(), name))
    return found
