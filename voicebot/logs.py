"""Structured logs: one JSON object a line (or colours on a terminal), never with personal words.

The product's own rule is a fixed event name with values in fields, and ``pii`` in the name of a field
that must hold something personal; such fields are masked here, whoever wrote them. Libraries log through
the standard library and loguru; both are sent the same way, from warnings up.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog
from loguru import logger as loguru_logger


def set_up_logs(*, json: bool, level: str = "INFO") -> None:
    """Send every log of the process to standard error. ``level`` is the lowest level shown."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        mask_personal,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if json
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    tail = [structlog.processors.format_exc_info, renderer] if json else [renderer]
    structlog.configure(
        processors=[*shared, *tail],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,  # a logger kept for good would outlive the stream it writes to
    )
    library_log = structlog.get_logger("library")
    loguru_logger.remove()
    # The pipeline's own messages may quote frames, and frames hold what was said: only where it happened is kept.
    loguru_logger.add(
        lambda message: library_log.warning("pipecat", where=f"{message.record['name']}:{message.record['line']}"),
        level="WARNING",
    )
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[_ToStructlog()], force=True)


class _ToStructlog(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger("library")
        log.warning("library", logger=record.name, level_name=record.levelname, message=record.getMessage()[:300])


def mask_personal(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace the value of every field with ``pii`` in its name by its length."""
    for name in event:
        if "pii" in name:
            event[name] = f"<{len(str(event[name]))}>"
    return event
