"""The place a caller speaks of: as spoken, in parts, and as a node of the city's unit tree."""

import re
from dataclasses import replace
from itertools import pairwise

from dialog.city.grids import GridFinder
from dialog.city.nouns import City, UnitLevel
from dialog.ticket.place_names import PlaceNames
from dialog.ticket.place_parts import NamedPart, PartKind
from dialog.ticket.unknown_places import AROUND, names_by_context, unknown_names
from voicebot.core.speech import Expect
from voicebot.core.ticket import Address
from voicebot.language.spans import NumberKind, NumberSpan
from voicebot.language.spoken_numbers import find_numbers

_NUMBER_PARTS = {NumberKind.HOUSE: "number", NumberKind.BUILDING: "building", NumberKind.UNIT: "unit",
                 NumberKind.ROOM: "room"}  # fmt: skip
_PARTS = ("district", "street", "road", "number", "community", "building", "unit", "room", "landmark")
_NEAR = re.compile(
    rf"(?:的|那个?|这个?|那里|这里)?(?:[东西南北]?门口|地下车库|桥下|楼下|地铁口|拐角|{AROUND})"
    r"(?:的?那[个条片块](?:[\u4e00-\u9fff](?:口|路|巷|道|坡|桥|院|楼|棚|地)|巷子|空地))?"
)
_GAP = 6  # characters between two parts of one address: 涧西区那个南昌路的三号院
_NEAR_BY = 12  # characters between an address and another name that says more of it
_SHORTEST = 3  # characters of an estate behind the name of its district
_AND = re.compile(r"[的上]?[、，]?(?:[与和跟同]|交)?")
_JUNCTION = re.compile(
    r"(?:那个?|这个?|的|相)*(?:十字路口|十字|丁字路口|三岔口|岔路口|交叉路?口|路口|交汇处|交界处|交汇口|交口|口(?![袋罩碑])|[东西南北]{1,2}(?:角|拐角)|拐角)"
)
_BESIDE = re.compile(r"(?:对面|对过|旁边|附近|隔壁|后面|后头)(?:那个|的)?$")
_HEADS = (PartKind.ROAD, PartKind.COMMUNITY)
_UNITS = (PartKind.DISTRICT, PartKind.STREET)
_Part = NamedPart | NumberSpan


class AddressFinder:
    """Finds the address in a sentence. Made once per city; holds no state of a call."""

    def __init__(self, city: City) -> None:
        self._city = city
        self._places = PlaceNames(city)
        self._grids = GridFinder(city)

    def find(self, text: str, expects: Expect = Expect.ANYTHING) -> Address | None:
        """The place that ``text`` names, None when it names none. A bare 五号楼 is an address with one part."""
        names = self._names(text)
        numbers = self._numbers(text, expects, names)
        groups = _groups([*names, *numbers])
        group = max(groups, key=_weight, default=[])
        if not group or (expects is Expect.ADDRESS and _only_by_context(group)):
            return None  # an answer that names nothing for certain is better kept whole
        start, end = group[0].start, group[-1].end
        if near := _NEAR.match(text, end):
            end = near.end()
        address = Address(spoken=text[start:end].strip("，,的 "))
        told = [*group, *_elsewhere(group, groups, text)]
        for part in told:
            address = _with(address, part)
        address = _junction(address, group, text)
        return self._placed(address, [p for p in told if isinstance(p, NamedPart)])

    def parts(self, text: str) -> list[tuple[str, int, int]]:
        """Kind, start and end of everything in ``text`` that belongs to an address."""
        names = self._names(text)
        found: list[_Part] = [*names, *self._numbers(text, Expect.ADDRESS, names)]
        return [(part.kind, part.start, part.end) for part in found]

    def merged(self, old: Address, new: Address) -> Address:
        """The old address with the parts that were said anew; a new road or estate drops the old one's numbers."""
        base = old
        for head, hanging in (
            ("road", ("number",)),
            ("community", ("building", "unit", "room")),
            ("building", ("unit", "room")),
        ):
            if getattr(new, head) and getattr(old, head) and getattr(new, head) != getattr(old, head):
                base = replace(base, **dict.fromkeys(hanging, ""))
        if new.district and old.district and new.district != old.district:
            base = replace(base, node="", street="")
        said = {part: getattr(new, part) for part in _PARTS if getattr(new, part)}
        named = replace(base, **said)
        node = new.node if len(self._city.lineage(new.node)) >= len(self._city.lineage(base.node)) else base.node
        return self._gridded(replace(named, node=node, spoken=as_said(named) or new.spoken))

    def _names(self, text: str) -> list[NamedPart]:
        known = self._places.find(text)
        extra = []
        for part in unknown_names(text):
            over = [k for k in known if k.start < part.end and part.start < k.end]
            if not over:
                extra.append(part)
            elif part.kind is PartKind.LANDMARK and over[-1].kind in _HEADS and part.end > over[-1].end:
                extra.append(replace(part, start=over[-1].end))  # 西苑路小学 stands in 西苑路
            elif over[-1].unit and over[-1].end + _SHORTEST <= part.end and part.start <= over[-1].start:
                extra.append(replace(part, start=over[-1].end, name=text[over[-1].end : part.end]))  # 老城唐寺门小区
            elif part.end > over[-1].end and part.start <= over[0].start and not over[-1].unit:
                known = [k for k in known if k not in over]  # 丽景花园南区 is not 丽景花园
                extra.append(part)
        distinct: list[NamedPart] = []
        for part in sorted([*known, *extra], key=lambda p: (p.start, p.start - p.end)):
            if all(part.start >= d.end for d in distinct):
                distinct.append(part)
        seen = [p for p in names_by_context(text) if all(p.end <= d.start or p.start >= d.end for d in distinct)]
        return sorted([*distinct, *seen], key=lambda p: p.start)

    def _numbers(self, text: str, expects: Expect, names: list[NamedPart]) -> list[NumberSpan]:
        said = {text[p.start : p.end] for p in names}
        asked = Expect.ADDRESS if expects is Expect.ADDRESS or names else expects
        spans = find_numbers(text, asked, said)
        return [s for s in spans if s.kind in _NUMBER_PARTS and not _a_date(text, s)]

    def _placed(self, address: Address, named: list[NamedPart]) -> Address:
        """Fill what the unit tree knows: the node that fits all names best, and the units above it."""
        city = self._city
        inside = {n for p in named if p.kind is PartKind.DISTRICT for n in p.nodes}
        best: tuple[int, str] = (0, "")
        for part in named:
            fitting = [n for n in part.nodes if not inside or city.node_at(n, UnitLevel.DISTRICT) in inside]
            if len(fitting) == 1:
                best = max(best, (len(city.lineage(fitting[0])), fitting[0]))
        node = best[1]
        line = {unit.level: unit.name for unit in city.lineage(node)}
        placed = replace(
            address,
            node=node,
            district=address.district or line.get(UnitLevel.DISTRICT, ""),
            street=address.street or line.get(UnitLevel.STREET, ""),
            community=address.community or line.get(UnitLevel.COMMUNITY, ""),
        )
        return self._gridded(placed)

    def _gridded(self, address: Address) -> Address:
        return replace(address, grid=self._grids.find(address))


def as_said(address: Address) -> str:
    """The parts in the order people say them."""
    parts = [getattr(address, part) for part in _PARTS]
    if address.road and address.road in address.landmark:
        parts[2] = ""
    if address.road or address.community:
        parts[1] = ""  # nobody names the street office beside a road
    return "".join(parts)


def precise(address: Address) -> bool:
    """Does the address lead somebody to the spot? A district alone does not."""
    return bool(address.road or address.community or address.landmark or address.street)


def named(address: Address) -> bool:
    """Does it hold a name, not only numbers that need one?"""
    return precise(address) or bool(address.district)


def alike(one: Address, other: Address) -> bool:
    """May both be the same spot? The same estate, road or landmark, and no number that speaks against it."""
    for name, numbers in (("community", ("building", "unit")), ("road", ("number",)), ("landmark", ())):
        if getattr(one, name) and getattr(one, name) == getattr(other, name):
            return not any(
                getattr(one, n) and getattr(other, n) and getattr(one, n) != getattr(other, n) for n in numbers
            )
    return False


def _a_date(text: str, span: NumberSpan) -> bool:
    return span.unit == "号" and bool(re.search(r"月$|月份$", text[: span.start]))


def _groups(parts: list[_Part]) -> list[list[_Part]]:
    """The runs of parts that stand close together."""
    groups: list[list[_Part]] = []
    for part in sorted(parts, key=lambda p: p.start):
        if groups and part.start - groups[-1][-1].end <= _GAP:
            groups[-1].append(part)
        else:
            groups.append([part])
    return groups


def _only_by_context(group: list[_Part]) -> bool:
    return all(isinstance(p, NamedPart) and p.by_context for p in group)


def _elsewhere(main: list[_Part], groups: list[list[_Part]], text: str) -> list[_Part]:
    """What other runs add: the district or the door anywhere in the sentence, a name only close by."""
    added: list[_Part] = []
    for group in groups:
        if group is main:
            continue
        near = min(abs(group[0].start - main[-1].end), abs(main[0].start - group[-1].end)) <= _NEAR_BY
        near = near or (group[0].start < main[0].start and bool(_BESIDE.search(text, 0, main[0].start)))
        for part in group:
            if isinstance(part, NumberSpan):
                fits = part.kind is not NumberKind.HOUSE and part.start > main[0].start
                fits = fits and not any(isinstance(p, NamedPart) and p.kind in _HEADS for p in group)
            else:
                fits = part.kind in _UNITS or near
            if fits:
                added.append(part)
    return added


def _weight(group: list[_Part]) -> float:
    """Roads and estates count most, a bare number least; earlier groups win ties."""
    worth = {
        PartKind.ROAD: 3.0,
        PartKind.COMMUNITY: 3.0,
        PartKind.LANDMARK: 2.0,
        PartKind.STREET: 2.0,
        PartKind.DISTRICT: 1.5,
    }
    return sum(
        (worth[p.kind] + (0.5 if p.nodes else 0)) * (0.5 if p.by_context else 1) if isinstance(p, NamedPart) else 0.75
        for p in group
    )


def _with(address: Address, part: _Part) -> Address:
    field = part.kind.value if isinstance(part, NamedPart) else _NUMBER_PARTS[part.kind]
    if getattr(address, field):
        return address
    if isinstance(part, NumberSpan):
        return replace(address, **{field: f"{part.value}单元" if field == "unit" else part.written})
    return replace(address, **{field: part.name})


def _junction(address: Address, group: list[_Part], text: str) -> Address:
    roads = [p for p in group if isinstance(p, NamedPart) and p.kind is PartKind.ROAD]
    for one, other in pairwise(roads):
        if one.name != other.name and _AND.fullmatch(text, one.end, other.start) and _JUNCTION.match(text, other.end):
            return replace(address, road=one.name, landmark=f"{one.name}与{other.name}交叉口")
    return address
