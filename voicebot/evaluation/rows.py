"""Reads the rows of a data set for evaluation or training: one JSON object a line."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from voicebot.core.errors import ConfigurationError


def read_rows(file: Path, fields: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of a JSONL file; each must have ``fields``. Raises `ConfigurationError` with file and line."""
    rows = []
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise _wrong(f"{file} 读不出来（{error}）。") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise _wrong(f"{file}:{number}: 不是 JSON（{error.msg}）。") from error
        missing = [field for field in fields if not isinstance(row, dict) or field not in row]
        if missing:
            raise _wrong(f"{file}:{number}: 缺少字段 {'、'.join(missing)}。")
        rows.append(row)
    if not rows:
        raise _wrong(f"{file} 里没有数据。")
    return rows


def whole_text(row: dict[str, Any]) -> str:
    """Title (where there is one) and text as one piece."""
    title = str(row.get("title") or "").strip()
    return f"{title}。{row['text']}" if title else str(row["text"])


def _wrong(message: str) -> ConfigurationError:
    return ConfigurationError(message, code="data_invalid", remedy="每行应是一个 JSON 对象。")
