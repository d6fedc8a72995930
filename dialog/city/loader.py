"""Turns a city's folder into a `City`, or says everything that is wrong with it.

city.toml  departments.csv  units.csv  gazetteer.csv  categories.csv  catalogue.csv
deadlines.toml  knowledge/*.md, and where there are any: grids.csv  prompts.toml  words.txt  elsewhere.txt
"""

from collections.abc import Iterable
from pathlib import Path

from dialog.city.articles import ReadArticle, read_article
from dialog.city.grids import read_grids
from dialog.city.nouns import Article, CatalogueRule, Category, City, Department, Place, PlaceKind, Unit, UnitLevel
from dialog.city.particulars import read_deadlines, read_profile, read_prompts
from dialog.city.problems import Problems
from dialog.city.tables import parts, read_table
from voicebot.core.errors import CityError

_REMEDY = "请按上面的文件名和行号逐条改正，再运行 voicebot city check。"


def load_city(folder: Path) -> City:
    """Read and check a city's folder; raises `CityError` with every problem as ``file:line: what to do``."""
    if not folder.is_dir():
        raise CityError((f"{folder}:1: 没有这个文件夹",), remedy="请检查设置 city_dir。")
    problems = Problems()
    profile = read_profile(folder / "city.toml", problems)
    departments = _departments(folder, problems)
    units = _units(folder, problems)
    department_ids, unit_levels = {d.id for d in departments}, {u.id: u.level for u in units}
    places = _places(folder, unit_levels, problems)
    grids = read_grids(folder / "grids.csv", set(unit_levels), problems)
    categories = _categories(folder, department_ids, problems)
    catalogue = _catalogue(folder, department_ids, problems)
    deadlines = read_deadlines(folder / "deadlines.toml", problems)
    prompts = read_prompts(folder / "prompts.toml", problems)
    articles = read_articles(folder / "knowledge", department_ids, problems)
    if problems.found or profile is None:
        raise CityError(tuple(problems.found), remedy=_REMEDY)
    return City(
        name=profile.name,
        tenant=profile.tenant,
        ticket_prefix=profile.ticket_prefix,
        hotline=profile.hotline,
        timezone=profile.timezone,
        voice=profile.voice,
        dialects=profile.dialects,
        thresholds=profile.thresholds,
        emergencies=profile.emergencies,
        office_hours=profile.office_hours,
        departments=departments,
        units=units,
        places=places,
        categories=categories,
        catalogue=catalogue,
        deadlines=deadlines,
        prompts=prompts,
        articles=articles,
        words=_lines(folder / "words.txt"),
        elsewhere=_lines(folder / "elsewhere.txt"),
        grids=grids,
    )


def _lines(path: Path) -> tuple[str, ...]:
    if not path.exists():
        return ()
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))


def _unique(rows: Iterable[tuple[int, str]], file: str, what: str, problems: Problems) -> None:
    first: dict[str, int] = {}
    for line, key in rows:
        if key in first:
            problems.add(file, line, f"{what}“{key}”与第 {first[key]} 行重复，请改名或删去一行")
        first.setdefault(key, line)


def _departments(folder: Path, problems: Problems) -> tuple[Department, ...]:
    file = "departments.csv"
    rows = list(read_table(folder / file, ("id", "name"), ("aliases", "duties", "phone", "parent"), problems))
    ids = {row["id"] for _, row in rows}
    _unique(((line, row["id"]) for line, row in rows), file, "编号", problems)
    _unique(((line, row["name"]) for line, row in rows), file, "名称", problems)
    _references(((line, row["parent"]) for line, row in rows), ids, file, "parent", "departments.csv", problems)
    _cycles({row["id"]: row["parent"] for _, row in rows}, {row["id"]: line for line, row in rows}, file, problems)
    return tuple(
        Department(r["id"], r["name"], parts(r["aliases"]), parts(r["duties"]), r["phone"], r["parent"])
        for _, r in rows
    )


def _units(folder: Path, problems: Problems) -> tuple[Unit, ...]:
    file = "units.csv"
    rows = list(read_table(folder / file, ("id", "name", "level"), ("parent",), problems))
    names = {
        "市": UnitLevel.CITY,
        "县区": UnitLevel.DISTRICT,
        "乡镇街道": UnitLevel.STREET,
        "村社区": UnitLevel.COMMUNITY,
    }
    _unique(((line, row["id"]) for line, row in rows), file, "编号", problems)
    _unique(((line, f"{row['parent']}/{row['name']}") for line, row in rows), file, "上级/名称", problems)
    ids = {row["id"]: names.get(row["level"]) for _, row in rows}
    units = []
    for line, row in rows:
        level = names.get(row["level"])
        if level is None:
            problems.add(file, line, f"level 应是 {'、'.join(names)} 之一，不是“{row['level']}”")
            continue
        if level is UnitLevel.CITY:
            if row["parent"]:
                problems.add(file, line, "市一级没有上级，请清空 parent")
        elif row["parent"] not in ids:
            problems.add(file, line, f"上级“{row['parent']}”不在 units.csv 里，请改正 parent")
        elif ids[row["parent"]] not in (None, level - 1):
            problems.add(file, line, f"{row['level']}的上级必须正好高一级，请改正 parent 或 level")
        units.append(Unit(row["id"], row["name"], level, row["parent"]))
    _cycles({row["id"]: row["parent"] for _, row in rows}, {row["id"]: line for line, row in rows}, file, problems)
    roots = sum(unit.level is UnitLevel.CITY for unit in units)
    if rows and roots != 1:
        problems.add(file, 2, f"应正好有一个市，现在有 {roots} 个")
    for level, name in ((level, name) for name, level in names.items()):
        if rows and not any(unit.level is level for unit in units):
            problems.add(file, 2, f"四级缺了“{name}”这一级，请补上")
    return tuple(units)


def _places(folder: Path, levels: dict[str, UnitLevel], problems: Problems) -> tuple[Place, ...]:
    file = "gazetteer.csv"
    rows = list(read_table(folder / file, ("name", "kind"), ("district", "node", "aliases"), problems))
    _unique(
        ((line, f"{row['name']}（{row['kind']}，{row['district']}）") for line, row in rows), file, "地名", problems
    )
    _references(((line, row["district"]) for line, row in rows), set(levels), file, "district", "units.csv", problems)
    _references(((line, row["node"]) for line, row in rows), set(levels), file, "node", "units.csv", problems)
    places = []
    for line, row in rows:
        kind = _place_kind(row["kind"], file, line, problems)
        if row["district"] and levels.get(row["district"], UnitLevel.DISTRICT) is not UnitLevel.DISTRICT:
            problems.add(file, line, f"district“{row['district']}”不是县区，请改成县区的编号")
        if kind is not None:
            places.append(Place(row["name"], kind, row["district"], row["node"], parts(row["aliases"])))
    return tuple(places)


def _categories(folder: Path, departments: set[str], problems: Problems) -> tuple[Category, ...]:
    file = "categories.csv"
    required = ("code", "level1", "level2", "level3", "department")
    rows = list(read_table(folder / file, required, ("keywords",), problems))
    _unique(((line, row["code"]) for line, row in rows), file, "编码", problems)
    _unique(((line, "/".join(row[f"level{n}"] for n in (1, 2, 3))) for line, row in rows), file, "分类", problems)
    _references(((ln, r["department"]) for ln, r in rows), departments, file, "department", "departments.csv", problems)
    return tuple(
        Category(r["code"], r["level1"], r["level2"], r["level3"], r["department"], parts(r["keywords"]))
        for _, r in rows
    )


def _catalogue(folder: Path, departments: set[str], problems: Problems) -> tuple[CatalogueRule, ...]:
    file = "catalogue.csv"
    rows = list(read_table(folder / file, ("id", "department", "keywords", "basis"), ("examples",), problems))
    _unique(((line, row["id"]) for line, row in rows), file, "编号", problems)
    _references(((ln, r["department"]) for ln, r in rows), departments, file, "department", "departments.csv", problems)
    return tuple(
        CatalogueRule(r["id"], r["department"], parts(r["keywords"]), parts(r["examples"]), r["basis"]) for _, r in rows
    )


def read_articles(folder: Path, departments: set[str], problems: Problems) -> tuple[Article, ...]:
    """Read every ``*.md`` of a folder; ids and questions must be unique, owners must exist."""
    if not folder.is_dir():
        problems.add(folder.name, 1, "缺少这个文件夹，请补上知识文章")
        return ()
    files = sorted(folder.glob("*.md"))
    read = [article for path in files if (article := read_article(path, f"{folder.name}/{path.name}", problems))]
    ids: dict[str, str] = {}
    questions: dict[str, str] = {}
    for item in read:
        _check_article(item, departments, ids, questions, problems)
    return tuple(item.article for item in read)


def _check_article(
    item: ReadArticle, departments: set[str], ids: dict[str, str], questions: dict[str, str], problems: Problems
) -> None:
    article = item.article
    if article.id in ids:
        problems.add(item.file, item.lines["id"], f"编号“{article.id}”与 {ids[article.id]} 重复，请换一个")
    ids.setdefault(article.id, item.file)
    if article.owner not in departments:
        problems.add(item.file, item.lines["owner"], f"部门“{article.owner}”不在 departments.csv 里，请改正 owner")
    for line, question in zip(item.question_lines, article.questions, strict=True):
        place = f"{item.file}:{line}"
        if question in questions:
            problems.add(item.file, line, f"问法“{question}”与 {questions[question]} 重复，请只留一处")
        questions.setdefault(question, place)


def _place_kind(value: str, file: str, line: int, problems: Problems) -> PlaceKind | None:
    try:
        return PlaceKind(value)
    except ValueError:
        problems.add(file, line, f"kind 应是 {'、'.join(PlaceKind)} 之一，不是“{value}”")
        return None


def _references(
    rows: Iterable[tuple[int, str]], known: set[str], file: str, column: str, target: str, problems: Problems
) -> None:
    for line, value in rows:
        if value and value not in known:
            problems.add(file, line, f"{column}“{value}”不在 {target} 里，请改正或在那里补上")


def _cycles(parents: dict[str, str], lines: dict[str, int], file: str, problems: Problems) -> None:
    for start in parents:
        node, steps = parents[start], 0
        while node and node != start and steps <= len(parents):
            node, steps = parents.get(node, ""), steps + 1
        if node == start:
            problems.add(file, lines[start], f"“{start}”的上级绕回了自己，请改正 parent")
