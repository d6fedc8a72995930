"""A city's grid cells (``grids.csv``), and the cell of an address."""

import re
from collections import defaultdict
from collections.abc import Set
from pathlib import Path

from dialog.city.nouns import City, Cover, Grid
from dialog.city.problems import Problems
from dialog.city.tables import parts, read_table
from voicebot.core.ticket import Address

_COVER = re.compile(r"(?P<name>.*?)(?:(?P<first>\d+)-(?P<last>\d+)号?)?")
_HOUSE = re.compile(r"\d+")


def read_grids(path: Path, units: Set[str], problems: Problems) -> tuple[Grid, ...]:
    """Read the cells; a city need not have any. Problems are added as ``file:line: what to do``."""
    if not path.exists():
        return ()
    grids: dict[str, Grid] = {}
    for line, row in read_table(path, ("id", "name", "node", "covers"), (), problems):
        if row["id"] in grids:
            problems.add(path.name, line, f"网格编号“{row['id']}”重复，请改名或删去一行")
        if row["node"] not in units:
            problems.add(path.name, line, f"node“{row['node']}”不在 units.csv 里，请改正")
        covers = tuple(_cover(cell) for cell in parts(row["covers"]))
        if any(not cover.name or cover.first > cover.last for cover in covers):
            problems.add(path.name, line, "covers 应是地名，或道路加门牌范围（如“南昌路1-45号”），用竖线分开")
        grids[row["id"]] = Grid(row["id"], row["name"], row["node"], covers)
    return tuple(grids.values())


def _cover(cell: str) -> Cover:
    match = _COVER.fullmatch(cell)
    assert match is not None  # noqa: S101  the pattern takes anything
    return Cover(match["name"].strip(), int(match["first"] or 0), int(match["last"] or 0))


class GridFinder:
    """Finds the cell that an address lies in. Made once per city."""

    def __init__(self, city: City) -> None:
        self._city = city
        self._by_name: dict[str, list[tuple[Grid, Cover]]] = defaultdict(list)
        self._by_node: dict[str, list[Grid]] = defaultdict(list)
        for grid in city.grids:
            self._by_node[grid.node].append(grid)
            for cover in grid.covers:
                self._by_name[cover.name].append((grid, cover))

    def find(self, address: Address) -> str:
        """The id of the only cell that fits, "" when none or several do."""
        house = _HOUSE.match(address.number)
        number = int(house[0]) if house else 0
        line = {unit.id for unit in self._city.lineage(address.node)}
        for name in (address.community, address.landmark, address.road):
            fitting = {
                grid.id
                for grid, cover in self._by_name.get(name, ())
                if (not cover.last or cover.first <= number <= cover.last) and self._lies_in(grid, line)
            }
            if len(fitting) == 1:
                return fitting.pop()
        inside = self._by_node.get(address.node, [])
        return inside[0].id if len(inside) == 1 else ""

    def _lies_in(self, grid: Grid, line: Set[str]) -> bool:
        """Is the cell on the way to what is known of the place, or below it? Anywhere when nothing is known."""
        above = {unit.id for unit in self._city.lineage(grid.node)}
        return line <= above or above <= line
