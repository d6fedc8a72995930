"""The place a caller speaks of: as spoken, in parts, and as a node of the city's unit tree."""

import re
from dataclasses import replace

from dialog.city.grids import GridFinder
from dialog.city.nouns import City, UnitLevel
from dialog.ticket.place_names import NamedPart, PartKind, PlaceNames, unknown_names
from voicebot.core.speech import Expect
from voicebot.core.ticket import Address
from voicebot.language.spans import NumberKind, NumberSpan
from voicebot.language.spoken_numbers import find_numbers

_NUMBER_PARTS = {NumberKind.HOUSE: "number", NumberKind.BUILDING: "building", NumberKind.UNIT: "unit",
                 NumberKind.ROOM: "room"}  # fmt: skip
_PARTS = ("district", "street", "road", "number", "community", "building", "unit", "room", "landmark")
_NEAR = re.compile(
    r"(?:的|那个?|这个?|那里|这里)?(?:[东西南北]?门口|[东西南北]门|旁边|对面|附近|十字路口|交叉口|路口|后面|楼下|地下车库|桥下|[东西南北]侧|地铁口|拐角)"
)
_GAP = 6  # characters between two parts of one address: 涧西区那个南昌路的三号院
_JUNCTION = re.compile(r"[与和跟、]?(?:交叉口|路口|十字路口|交汇处|交界处|交口)")


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
        group = _main_group([*names, *numbers])
        if not group:
            return None
        start, end = group[0].start, group[-1].end
        if near := _NEAR.match(text, end):
            end = near.end()
        address = Address(spoken=text[start:end].strip("，,的 "))
        for part in group:
            address = _with(address, part)
        address = _junction(address, group, text)
        return self._placed(address, [p for p in group if isinstance(p, NamedPart)])

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
            elif part.kind is PartKind.LANDMARK and over[-1].kind is PartKind.ROAD and part.end > over[-1].end:
                extra.append(replace(part, start=over[-1].end))  # 西苑路小学 stands in 西苑路
            elif part.end > over[-1].end and part.start <= over[0].start and not over[-1].unit:
                known = [k for k in known if k not in over]  # 丽景花园南区 is not 丽景花园
                extra.append(part)
        distinct: list[NamedPart] = []
        for part in sorted([*known, *extra], key=lambda p: (p.start, p.start - p.end)):
            if all(part.start >= d.end for d in distinct):
                distinct.append(part)
        return distinct

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


def _main_group(parts: list[NamedPart | NumberSpan]) -> list[NamedPart | NumberSpan]:
    """The run of parts that stand close together and say most."""
    groups: list[list[NamedPart | NumberSpan]] = []
    for part in sorted(parts, key=lambda p: p.start):
        if groups and part.start - groups[-1][-1].end <= _GAP:
            groups[-1].append(part)
        else:
            groups.append([part])
    return max(groups, key=_weight, default=[])


def _weight(group: list[NamedPart | NumberSpan]) -> float:
    """Roads and estates count most, a bare number least; earlier groups win ties."""
    worth = {
        PartKind.ROAD: 3.0,
        PartKind.COMMUNITY: 3.0,
        PartKind.LANDMARK: 2.0,
        PartKind.STREET: 2.0,
        PartKind.DISTRICT: 1.5,
    }
    return sum(worth[p.kind] + (0.5 if p.nodes else 0) if isinstance(p, NamedPart) else 0.75 for p in group)


def _with(address: Address, part: NamedPart | NumberSpan) -> Address:
    field = part.kind.value if isinstance(part, NamedPart) else _NUMBER_PARTS[part.kind]
    if getattr(address, field):
        return address
    if isinstance(part, NumberSpan):
        if field == "number" and address.community and not address.road and part.unit == "号":
            field = "number"
        return replace(address, **{field: part.written})
    return replace(address, **{field: part.name})


def _junction(address: Address, group: list[NamedPart | NumberSpan], text: str) -> Address:
    roads = [p for p in group if isinstance(p, NamedPart) and p.kind is PartKind.ROAD]
    if len(roads) >= 2 and _JUNCTION.match(text, roads[1].end):
        return replace(address, landmark=f"{roads[0].name}与{roads[1].name}交叉口")
    return address
