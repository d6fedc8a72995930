"""Articles in and out: a folder of Markdown files, one CSV table, one XLSX table.

In a table each article is a row; questions, tags, portions and notes are one cell each, one item a line.
"""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from openpyxl import Workbook, load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from dialog.city.articles import FIELDS, LISTS, parse_article, read_article, write_article
from dialog.city.nouns import Article
from dialog.city.problems import Problems
from voicebot.core.errors import CityError

COLUMNS = (*FIELDS, *LISTS, "portions", "notes")


def export_articles(articles: Sequence[Article], target: Path) -> None:
    """Write to ``target``: ``.csv``, ``.xlsx``, or else a folder of Markdown files. Existing files are replaced."""
    if target.suffix == ".csv":
        with target.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows(_row(article) for article in articles)
    elif target.suffix == ".xlsx":
        book = Workbook()
        sheet = book.active
        sheet.append(list(COLUMNS))
        for article in articles:
            sheet.append(list(_row(article)))
        book.save(target)
    else:
        target.mkdir(parents=True, exist_ok=True)
        for article in articles:
            (target / f"{article.id}.md").write_text(write_article(article), encoding="utf-8")


def import_articles(source: Path) -> tuple[Article, ...]:
    """Read what `export_articles` writes; raises `CityError` with every problem and its row."""
    problems = Problems()
    if source.is_dir():
        read = [read_article(path, path.name, problems) for path in sorted(source.glob("*.md"))]
        articles = tuple(item.article for item in read if item is not None)
    else:
        articles = tuple(
            article
            for line, cells in _table(source, problems)
            if (article := _article(cells, source.name, line, problems)) is not None
        )
    seen: set[str] = set()
    for article in articles:
        if article.id in seen:
            problems.add(article.file or source.name, 1, f"编号“{article.id}”出现了两次，请改名或删去一处")
        seen.add(article.id)
    if not articles and not problems.found:
        problems.add(source.name, 1, "里面没有文章")
    if problems.found:
        raise CityError(tuple(problems.found), remedy="改正后再导入；现有文章没有变。")
    return articles


def _row(article: Article) -> tuple[str, ...]:
    return (
        article.id, article.title, article.owner, article.valid_from.isoformat(), article.valid_to.isoformat(),
        str(article.version), article.status.value, article.source, "\n".join(article.questions),
        "\n".join(article.tags), "\n".join(article.portions), "\n".join(article.notes),
    )  # fmt: skip


def _table(source: Path, problems: Problems) -> list[tuple[int, dict[str, str]]]:
    try:
        rows = _sheet(source) if source.suffix == ".xlsx" else _csv(source)
    except (OSError, UnicodeDecodeError, InvalidFileException, KeyError, ValueError) as error:
        problems.add(source.name, 1, f"读不出来（{error}），应是 UTF-8 的 CSV、XLSX 或 Markdown 文件夹")
        return []
    if not rows or not set(COLUMNS[:-1]) <= set(rows[0]):
        missing = [column for column in COLUMNS[:-1] if not rows or column not in rows[0]]
        problems.add(source.name, 1, f"缺少列 {'、'.join(missing)}，请补上")
        return []
    unknown = [column for column in rows[0] if column not in COLUMNS]
    if unknown:
        problems.add(source.name, 1, f"不认识的列 {'、'.join(unknown)}，请删去")
    return [(line, dict(zip(rows[0], cells, strict=False))) for line, cells in enumerate(rows[1:], 2) if any(cells)]


def _csv(source: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(source.read_text(encoding="utf-8-sig"), newline="")))


def _sheet(source: Path) -> list[list[str]]:
    book = load_workbook(source, read_only=True, data_only=True)
    try:
        return [[_cell(value) for value in row] for row in book.worksheets[0].iter_rows(values_only=True)]
    finally:
        book.close()


def _cell(value: object) -> str:
    """Spreadsheets turn days and versions into values of their own."""
    if value is None:
        return ""
    day = getattr(value, "date", None)
    return day().isoformat() if callable(day) else str(value).strip()


def _article(cells: dict[str, str], name: str, line: int, problems: Problems) -> Article | None:
    """Through the same reader as a Markdown file, so that the same rules hold; problems name the row."""
    head = [f"{field}: {cells[field].strip()}" for field in FIELDS]
    for field in LISTS:
        head += [f"{field}:", *(f"- {item}" for item in cells[field].splitlines() if item.strip())]
    notes = [f"> {note}" for note in cells.get("notes", "").splitlines() if note.strip()]
    inner = Problems()
    article = parse_article(["---", *head, "---", *notes, *cells["portions"].splitlines()], name, inner)
    for problem in inner.found:
        problems.add(name, line, problem.split(": ", 1)[1])
    return article.article if article else None
