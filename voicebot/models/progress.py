"""What a person sees while models are fetched: bars on a terminal, plain lines elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)


class Bar(Protocol):
    """One piece of work."""

    def at(self, done: int) -> None:
        """So many bytes are done, counted from the beginning."""


class Reporter(Protocol):
    """Where progress goes."""

    def line(self, text: str) -> None:
        """One sentence."""

    def bar(self, name: str, total: int) -> AbstractContextManager[Bar]:
        """A piece of work of ``total`` bytes (0: unknown) for a with block."""


class PlainReporter:
    """Lines, for logs and pipes: the beginning of each piece of work and every quarter of it."""

    def __init__(self) -> None:
        self._console = Console(file=sys.stdout, highlight=False, soft_wrap=True)

    def line(self, text: str) -> None:
        """Print it."""
        self._console.print(text, markup=False)

    @contextmanager
    def bar(self, name: str, total: int) -> Iterator[Bar]:
        """Print where the work stands when another quarter is done."""
        size = f"（{total / 1e6:.1f} MB）" if total else ""
        self.line(f"  {name}{size}……")
        yield _Quarters(self, name, total)


class _Quarters:
    def __init__(self, reporter: PlainReporter, name: str, total: int):
        self._reporter, self._name, self._total = reporter, name, total
        self._told = 0

    def at(self, done: int) -> None:
        """Tell of a new quarter."""
        quarter = 4 * done // self._total if self._total else 0
        if self._told < quarter < 4:
            self._told = quarter
            self._reporter.line(f"  {self._name} {25 * quarter}%")


class TerminalReporter:
    """Bars that move, by rich."""

    def __init__(self, console: Console | None = None):
        self._console = console or Console()

    def line(self, text: str) -> None:
        """Print it above the bars."""
        self._console.print(text, markup=False, highlight=False)

    @contextmanager
    def bar(self, name: str, total: int) -> Iterator[Bar]:
        """A bar that is gone when the work is done."""
        columns = (TextColumn("  {task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        with Progress(*columns, TimeRemainingColumn(), console=self._console, transient=True) as progress:
            task = progress.add_task(name, total=total or None)
            yield _RichBar(progress, task)


class _RichBar:
    def __init__(self, progress: Progress, task: TaskID):
        self._progress, self._task = progress, task

    def at(self, done: int) -> None:
        """Move the bar."""
        self._progress.update(self._task, completed=done)


def reporter() -> Reporter:
    """Bars when somebody watches a terminal, lines otherwise."""
    return TerminalReporter() if sys.stdout.isatty() else PlainReporter()
