"""Matters that a hotline does not accept, each with the text that names the reason and the right door."""

import re
import tomllib
from importlib.resources import files


class RefusalFinder:
    """Holds no state of a call."""

    def __init__(self) -> None:
        table = tomllib.loads((files(__package__) / "refusals.toml").read_text(encoding="utf-8"))
        self._rules = tuple(
            (row["text"], re.compile("|".join(row["say"])), tuple(row["except"])) for row in table["refusal"]
        )

    def find(self, text: str) -> str:
        """The key of the text to say, or "" when the matter may be accepted."""
        for key, pattern, excluded in self._rules:
            if pattern.search(text) and not any(word in text for word in excluded):
                return str(key)
        return ""
