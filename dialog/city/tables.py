"""Reads the CSV tables of a city, row by row with line numbers."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from dialog.city.problems import Problems


def read_table(
    path: Path, required: Sequence[str], optional: Sequence[str], problems: Problems
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line, row) of a UTF-8 CSV file with a header; values are stripped, absent optional columns are "".

    A missing file, an unknown or missing column, a row of the wrong length and an empty required
    value are added to ``problems``; such rows are left out.
    """
    name = path.name
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        problems.add(name, 1, "缺少这个文件，请补上")
        return
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        problems.add(name, line, "不是 UTF-8 编码，请另存为 UTF-8")
        return
    reader = csv.reader(text.splitlines(keepends=True))
    header = [column.strip() for column in next(reader, [])]
    columns = (*required, *optional)
    for column in header:
        if column not in columns:
            problems.add(name, 1, f"不认识的列“{column}”，请改成 {'、'.join(columns)} 之一")
    missing = [column for column in required if column not in header]
    if missing:
        problems.add(name, 1, f"缺少列 {'、'.join(missing)}，请补上")
        return
    for cells in reader:
        line = reader.line_num
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            problems.add(name, line, f"有 {len(cells)} 格，表头有 {len(header)} 格，请检查逗号和引号")
            continue
        row = dict.fromkeys(columns, "") | {c: v.strip() for c, v in zip(header, cells, strict=True)}
        empty = [column for column in required if not row[column]]
        if empty:
            problems.add(name, line, f"{'、'.join(empty)} 不能为空，请填写")
            continue
        yield line, row


def parts(cell: str) -> tuple[str, ...]:
    """Split a cell that lists several values, separated by ``|``."""
    return tuple(part.strip() for part in cell.split("|") if part.strip())
