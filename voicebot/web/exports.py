"""Tables to take away: CSV that spreadsheet programs open as UTF-8, and XLSX."""

import csv
import io
from collections.abc import Iterable, Sequence

from aiohttp import web
from openpyxl import Workbook

Cell = str | int | float | None

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def csv_file(name: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> web.Response:
    """A CSV file; the mark at its beginning tells Excel that it is UTF-8."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(header)
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return _download(name + ".csv", ("\ufeff" + out.getvalue()).encode(), "text/csv")


def xlsx_file(name: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> web.Response:
    """A workbook with one sheet."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(name[:31])
    sheet.append(list(header))
    for row in rows:
        sheet.append([_harmless(cell) for cell in row])
    out = io.BytesIO()
    book.save(out)
    return _download(name + ".xlsx", out.getvalue(), _XLSX)


def _harmless(cell: Cell) -> Cell:
    """What a caller said must not run as a formula (CWE-1236)."""
    return "'" + cell if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def _download(name: str, body: bytes, kind: str) -> web.Response:
    return web.Response(body=body, content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})
