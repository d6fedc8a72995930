"""Collects what is wrong in a city's files, so that a clerk sees all of it at once."""

from dataclasses import dataclass, field


@dataclass
class Problems:
    """Sentences of the form ``file:line: what to do``, in the order in which files are read."""

    found: list[str] = field(default_factory=list)

    def add(self, file: str, line: int, what: str) -> None:
        """Note a problem; ``line`` counts from 1."""
        self.found.append(f"{file}:{line}: {what}")
