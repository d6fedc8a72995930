"""How surely danger is heard, and how often it is heard where there is none.

Rows: ``{"text": what the caller said, "emergency": true or false}``.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dialog.understanding.emergencies import EmergencyFinder
from voicebot.core.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class EmergencyRow:
    """A sentence and whether it tells of danger."""

    text: str
    emergency: bool


@dataclass(frozen=True, slots=True)
class EmergencyScores:
    """Shares in [0, 1] over the dangerous and over the harmless rows; what went wrong, for reading."""

    recall: float
    false_alarm_rate: float
    n: int
    missed: tuple[str, ...]
    false_alarms: tuple[str, ...]


def read_rows(file: Path) -> list[EmergencyRow]:
    """Read JSON lines; raises `ConfigurationError` that names the line."""
    rows = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            rows.append(EmergencyRow(str(row["text"]), bool(row["emergency"])))
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigurationError(
                f"{file}:{number}：这一行读不懂。",
                code="rows_invalid",
                remedy='每行应是 {"text": "…", "emergency": true}。',
            ) from error
    return rows


def evaluate_emergencies(finder: EmergencyFinder, rows: Sequence[EmergencyRow]) -> EmergencyScores:
    """Judge every row by itself."""
    missed = tuple(row.text for row in rows if row.emergency and finder.find(row.text) is None)
    alarms = tuple(row.text for row in rows if not row.emergency and finder.find(row.text) is not None)
    dangerous = sum(row.emergency for row in rows)
    harmless = len(rows) - dangerous
    return EmergencyScores(
        recall=round(1 - len(missed) / dangerous, 4) if dangerous else 0.0,
        false_alarm_rate=round(len(alarms) / harmless, 4) if harmless else 0.0,
        n=len(rows),
        missed=missed,
        false_alarms=alarms,
    )
