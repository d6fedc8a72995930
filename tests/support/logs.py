"""Logs set up by a command that ran inside a test, put back."""

import contextlib
import logging
from collections.abc import Iterator

import structlog
from loguru import logger as loguru_logger


@contextlib.contextmanager
def logs_put_back() -> Iterator[None]:
    """A command sends every log to the standard error of its moment, which ends with the test."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        yield
    finally:
        structlog.reset_defaults()
        loguru_logger.remove()
        root.handlers[:] = handlers
        root.setLevel(level)
