"""From an address to the cell of a grid worker."""

from pathlib import Path

import pytest

from dialog.city.grids import read_grids
from dialog.city.problems import Problems
from dialog.ticket.addresses import AddressFinder
from tests.support.talking import example_city
from voicebot.core.speech import Expect

FINDER = AddressFinder(example_city())


@pytest.mark.parametrize(
    ("said", "grid"),
    [
        ("涧西区南昌路三号院", "G4103050402"),
        ("涧西区南昌路五十八号", "G4103050403"),
        ("涧西区南昌路八百号", ""),  # beyond the numbers of either cell
        ("涧西区南昌路", ""),
        ("同乐寨社区", "G410305120201"),
        ("涧西区广文小区五号楼", "G410305E10"),
        ("洛龙区广文小区五号楼", ""),  # not in that district
        ("西工区", ""),
    ],
)
def test_an_address_lies_in_the_cell_that_covers_it(said: str, grid: str) -> None:
    address = FINDER.find(said)
    assert address is not None
    assert address.grid == grid


def test_a_corrected_address_lies_in_its_new_cell() -> None:
    first, then = FINDER.find("涧西区南昌路三号院"), FINDER.find("五十八号", Expect.ADDRESS)
    assert first is not None
    assert then is not None
    assert FINDER.merged(first, then).grid == "G4103050403"


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("G1,一网格,nowhere,南村", "grids.csv:2: node“nowhere”不在 units.csv 里"),
        ("G1,一网格,u1,南昌路45-1号", "grids.csv:2: covers 应是地名"),
        ("G1,一网格,u1,南村\nG1,二网格,u1,北村", "grids.csv:3: 网格编号“G1”重复"),
    ],
)
def test_what_is_wrong_with_a_grid_is_told_with_its_line(tmp_path: Path, row: str, problem: str) -> None:
    (tmp_path / "grids.csv").write_text(f"id,name,node,covers\n{row}\n", encoding="utf-8")
    problems = Problems()
    read_grids(tmp_path / "grids.csv", {"u1"}, problems)
    assert problems.found[0].startswith(problem)


def test_a_city_need_not_have_grids(tmp_path: Path) -> None:
    assert read_grids(tmp_path / "grids.csv", set(), Problems()) == ()
