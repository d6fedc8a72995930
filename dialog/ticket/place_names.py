"""Names of places in a sentence that the city knows, by characters and by sound."""

import re
from collections import defaultdict
from dataclasses import dataclass

from dialog.city.nouns import City, Place, PlaceKind, Unit, UnitLevel
from dialog.ticket.place_parts import NamedPart, PartKind
from voicebot.language.sound import syllables

_SOUND_LENGTH = 3  # shorter names sound like too many other words
_UNIT_TAILS = ("街道办事处", "街道", "社区居委会", "社区", "居委会", "村委会")
_HAN = re.compile(r"[\u4e00-\u9fff]+")


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
        if short := unit.short_name:
            for name in (short, short[:-1]):
                self._entries[name].append(_Entry(kind, unit.name, unit.id, unit=True))
        for tail in _UNIT_TAILS:
            stem = unit.name.removesuffix(tail)
            if stem != unit.name and len(stem) >= 2:
                if tail == "街道办事处":
                    self._entries[stem + "街道"].append(_Entry(kind, unit.name, unit.id, unit=True))
                break


def _inside_word(text: str, end: int) -> bool:
    """Is a two-character name only the beginning of something else (涧西 in 涧西路)?"""
    return text[end : end + 1] in {"路", "街", "门", "站", "桥", "村", "店"}
