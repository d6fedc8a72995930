"""A city's folder becomes a `City`, or a list of everything that is wrong with it."""

import re
import shutil
from pathlib import Path

import pytest

from dialog.city import load_city
from dialog.city.nouns import UnitLevel
from voicebot.core.errors import CityError

EXAMPLE = Path(__file__).resolve().parents[2] / "cities" / "luoyang"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLE, tmp_path / "city"))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def problems_of(folder: Path) -> tuple[str, ...]:
    with pytest.raises(CityError) as caught:
        load_city(folder)
    return caught.value.problems


def test_the_example_city_has_what_a_hotline_needs() -> None:
    city = load_city(EXAMPLE)
    assert len(city.articles) >= 60
    assert len(city.categories) >= 150
    assert {unit.level for unit in city.units} == set(UnitLevel)
    assert "城管局" in city.department_by_id["urban"].aliases
    village = next(unit for unit in city.units if unit.name == "同乐寨社区")
    assert [unit.name for unit in city.lineage(village.id)] == [
        "洛阳市", "涧西区", "工农街道", "同乐寨社区",
    ]  # fmt: skip


def test_a_village_stands_below_its_district() -> None:
    city = load_city(EXAMPLE)
    village = next(unit for unit in city.units if unit.name == "二里头村")
    assert city.unit_by_id[city.node_at(village.id, UnitLevel.DISTRICT)].name == "偃师区"
    assert city.node_at("unknown", UnitLevel.DISTRICT) == ""


def test_the_lexicon_names_each_word_once_and_knows_the_places() -> None:
    words = list(load_city(EXAMPLE).lexicon())
    texts = [word.text for word in words]
    assert len(texts) == len(set(texts))
    assert {"涧西区", "南昌路", "龙门石窟", "烧烤摊"} <= set(texts)
    assert all(word.weight > 0 and word.kind for word in words)


def test_every_problem_is_reported_with_file_and_line(folder: Path) -> None:
    edit(folder / "units.csv", "410305,涧西区,县区,410300", "410305,涧西区,县区,999")
    edit(folder / "catalogue.csv", "C001,urban", "C001,nobody")
    edit(folder / "city.toml", 'ticket_prefix = "LY"', 'ticket_prefix = "ly"')
    edit(folder / "knowledge/heating.md", "owner: heat", "owner: stove")
    found = problems_of(folder)
    assert len(found) == 4
    assert all(re.match(r"^[\w/.-]+:\d+: .+", problem) for problem in found)
    line = next(
        i for i, text in enumerate((folder / "units.csv").read_text(encoding="utf-8").splitlines(), 1) if "999" in text
    )
    assert any(problem.startswith(f"units.csv:{line}:") and "999" in problem for problem in found)
    assert any(problem.startswith("catalogue.csv:2:") for problem in found)
    assert any(problem.startswith("city.toml:") and "ticket_prefix" in problem for problem in found)
    assert any(problem.startswith("knowledge/heating.md:4:") for problem in found)


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("units.csv", "410305-01,湖北路街道,乡镇街道,410305", "410305-01,湖北路街道,乡镇街道,410305-02", "正好高一级"),
        ("units.csv", "410300,洛阳市,市,", "410300,洛阳市,县区,410305", "绕回了自己"),
        ("units.csv", "410305,涧西区,县区,410300", "410305,涧西区,区,410300", "level 应是"),
        ("departments.csv", "id,name,aliases", "id,name,nickname", "不认识的列“nickname”"),
        ("departments.csv", "dev,洛阳市发展", "agri,洛阳市发展", "重复"),
        ("gazetteer.csv", "景华路,road", "景华路,avenue", "kind 应是"),
        ("categories.csv", "010101,城市管理,市容环境,占道经营,urban", "010101,城市管理,市容环境,,urban", "不能为空"),
        ("deadlines.toml", "minutes = 15", "minutes = 0", "minutes"),
        ("deadlines.toml", 'stage = "办结"', 'stage = "签收"', "写了两次"),
        ("city.toml", 'timezone = "Asia/Shanghai"', 'timezone = "Asia/Luoyang"', "时区"),
        ("city.toml", "[office_hours]", "[office_hours", "TOML 语法"),
        ("knowledge/heating.md", "valid_to: 2027-12-31", "valid_to: 2025-12-31", "早于"),
        ("knowledge/heating.md", "valid_to: 2027-12-31", "valid_to: 2027-13-31", "不是日期"),
        ("knowledge/heating.md", "version: 1", "version: one", "version"),
        ("knowledge/heating.md", "status: published", "status: ready", "status 应是"),
        ("knowledge/heating.md", "- 暖气不热找谁", "- 供暖温度标准是多少度", "重复"),
        ("knowledge/heating.md", "供暖期内", "供暖期内" + "很" * 60, "念起来太长"),
        ("knowledge/heating.md", "id: heating", "id: ../heating", "小写字母"),
        ("knowledge/heating.md", "tags:", "labels:", "不认识"),
    ],
)  # fmt: skip
def test_a_mistake_is_named(folder: Path, file: str, old: str, new: str, expected: str) -> None:
    edit(folder / file, old, new)
    found = problems_of(folder)
    assert any(problem.startswith(f"{file}:") and expected in problem for problem in found), found


def test_an_article_without_anything_to_say_is_named(folder: Path) -> None:
    path = folder / "knowledge" / "heating.md"
    head = path.read_text(encoding="utf-8").rsplit("---", 1)[0]
    path.write_text(head + "---\n> 只有备注\n", encoding="utf-8")
    assert any("没有正文" in problem for problem in problems_of(folder))


def test_a_row_with_too_many_cells_and_a_foreign_encoding_are_named(folder: Path) -> None:
    edit(folder / "gazetteer.csv", "景华路,road", "景华路,road,多余")
    (folder / "catalogue.csv").write_bytes("编号".encode("gbk"))
    found = problems_of(folder)
    assert any("gazetteer.csv" in problem and "表头" in problem for problem in found)
    assert any("catalogue.csv" in problem and "UTF-8" in problem for problem in found)


def test_an_empty_and_a_missing_folder_are_named(tmp_path: Path) -> None:
    assert len(problems_of(tmp_path)) >= 7
    with pytest.raises(CityError, match="没有这个文件夹"):
        load_city(tmp_path / "nowhere")
