"""Knowledge articles as Markdown files: a head of ``key: value`` lines between ``---``, then what is said aloud.

In the head, ``questions:`` and ``tags:`` are followed by ``- item`` lines. In the body every line is one
portion of the spoken answer; a line that begins with ``>`` is a note for editors and never spoken.
"""

import re
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from dialog.city.nouns import Article, ArticleStatus
from dialog.city.problems import Problems

MAX_PORTION_CHARS = 64  # about 15 s of speech at 4.3 characters a second; longer ones are talked over
FIELDS = ("id", "title", "owner", "valid_from", "valid_to", "version", "status", "source")
LISTS = ("questions", "tags")
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")  # also the name of its file


@dataclass
class _Head:
    values: dict[str, str] = field(default_factory=dict)
    lists: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReadArticle:
    """An article with the lines of what other files may contradict."""

    article: Article
    file: str
    lines: dict[str, int]
    question_lines: tuple[int, ...]


def read_article(path: Path, name: str, problems: Problems) -> ReadArticle | None:
    """Read one file, called ``name`` in problems; None when it is too broken to go on with."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        problems.add(name, error.object[: error.start].count(b"\n") + 1, "不是 UTF-8 编码，请另存为 UTF-8")
        return None
    return parse_article(lines, name, problems)


def parse_article(lines: list[str], name: str, problems: Problems) -> ReadArticle | None:
    """Read the lines of an article; None when it is too broken to go on with."""
    if not lines or lines[0].strip() != "---":
        problems.add(name, 1, "第一行必须是 ---，后面写文章信息")
        return None
    try:
        end = next(i for i, line in enumerate(lines[1:], 1) if line.strip() == "---")
    except StopIteration:
        problems.add(name, len(lines), "文章信息没有结束，请在它后面加一行 ---")
        return None
    before = len(problems.found)
    head = _read_head(lines[1:end], name, problems)
    portions, notes = _read_body(lines, end + 1, name, problems)
    article = _build(head, portions, notes, name, problems)
    if article is None or len(problems.found) > before:
        return None
    return ReadArticle(article, name, head.lines, tuple(line for line, _ in head.lists.get("questions", [])))


def _read_head(lines: list[str], name: str, problems: Problems) -> _Head:
    head, current = _Head(), ""
    for number, raw in enumerate(lines, 2):
        line = raw.strip()
        if not line:
            continue
        if line.startswith("- "):
            if not current:
                problems.add(name, number, "列表项前面要有 questions: 或 tags:")
            else:
                head.lists[current].append((number, line[2:].strip()))
            continue
        key, colon, value = line.partition(":")
        key, value = key.strip(), value.strip()
        if not colon or key not in (*FIELDS, *LISTS):
            problems.add(name, number, f"不认识“{line[:20]}”，每行应是 {'、'.join((*FIELDS, *LISTS))} 之一加冒号")
            current = ""
        elif key in head.lines:
            problems.add(name, number, f"{key} 写了两次，请删去一处")
        elif key in LISTS:
            current, head.lists[key] = key, []
            head.lines[key] = number
            if value:
                problems.add(name, number, f"{key}: 后面换行，每条一行，以“- ”开头")
        else:
            current, head.values[key], head.lines[key] = "", value, number
            if not value:
                problems.add(name, number, f"{key} 不能为空，请填写")
    for key in (*FIELDS, *LISTS):
        if key not in head.lines:
            problems.add(name, 1, f"缺少 {key}，请补上")
    return head


def _read_body(lines: list[str], start: int, name: str, problems: Problems) -> tuple[tuple[str, ...], tuple[str, ...]]:
    portions, notes = [], []
    for number, raw in enumerate(lines[start:], start + 1):
        line = raw.strip()
        if not line:
            continue
        if line.startswith(">"):
            notes.append(line.lstrip("> "))
        elif len(line) > MAX_PORTION_CHARS:
            problems.add(name, number, f"这一段有 {len(line)} 字，念起来太长，请分成每段不超过 {MAX_PORTION_CHARS} 字")
        else:
            portions.append(line)
    if not portions and not any(number > start for number in range(start, len(lines)) if lines[number].strip()):
        problems.add(name, len(lines), "没有正文，请写上可以念给市民听的话")
    return tuple(portions), tuple(notes)


def _build(
    head: _Head, portions: tuple[str, ...], notes: tuple[str, ...], name: str, problems: Problems
) -> Article | None:
    values, lines = head.values, head.lines
    days = {key: _day(values[key], lines[key], name, problems) for key in ("valid_from", "valid_to") if values.get(key)}
    first, last = days.get("valid_from"), days.get("valid_to")
    if first and last and first > last:
        problems.add(name, lines["valid_to"], "valid_to 早于 valid_from，请改正日期")
    if values.get("id") and not _ID.fullmatch(values["id"]):
        problems.add(name, lines["id"], f"id 只用小写字母、数字和连字符，不是“{values['id']}”")
    version = values.get("version", "")
    if version and not (version.isascii() and version.isdigit() and int(version) > 0):
        problems.add(name, lines["version"], f"version 应是 1 以上的整数，不是“{version}”")
        version = ""
    status = values.get("status", "")
    if status and status not in set(ArticleStatus):
        problems.add(name, lines["status"], f"status 应是 {'、'.join(ArticleStatus)} 之一，不是“{status}”")
        status = ""
    if "questions" in lines and not head.lists["questions"]:
        problems.add(name, lines["questions"], "至少写一条市民会怎么问")
    if not (first and last and version and status) or not all(values.get(key) for key in FIELDS):
        return None
    return Article(
        id=values["id"],
        title=values["title"],
        owner=values["owner"],
        valid_from=first,
        valid_to=last,
        version=int(version),
        status=ArticleStatus(status),
        source=values["source"],
        questions=tuple(text for _, text in head.lists.get("questions", [])),
        tags=tuple(text for _, text in head.lists.get("tags", [])),
        portions=portions,
        notes=notes,
        file=name,
    )


def _day(value: str, line: int, name: str, problems: Problems) -> date | None:
    try:
        return date.fromisoformat(value)
    except ValueError:
        problems.add(name, line, f"“{value}”不是日期，请写成 2026-01-31 这样")
        return None


def write_article(article: Article) -> str:
    """The article as the text of a Markdown file; reading it back gives the same article."""
    head = [
        f"id: {article.id}",
        f"title: {article.title}",
        f"owner: {article.owner}",
        f"valid_from: {article.valid_from.isoformat()}",
        f"valid_to: {article.valid_to.isoformat()}",
        f"version: {article.version}",
        f"status: {article.status.value}",
        f"source: {article.source}",
        "questions:",
        *(f"- {question}" for question in article.questions),
        "tags:",
        *(f"- {tag}" for tag in article.tags),
    ]
    notes = [f"> {note}" for note in article.notes]
    return "\n".join(["---", *head, "---", *notes, *article.portions]) + "\n"
