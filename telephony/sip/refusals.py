"""Calls that the stack refuses before we hear of them: a word for the log instead of its own lines, which name the
addresses of callers.
"""

import logging

import structlog
from baresip import Event, StackEvent

log = structlog.get_logger(__name__)

# The stack's words (4.10.0). Its codecs stand for more: a port 0 and a c= line without an address end there too.
# Of an offer whose c= line breaks the grammar it says nothing at all.
_CLOSED = {"Wrong address family": "address_family", "No common audio or video codecs": "no_stream_of_use"}
_LINES = {"ua: address family ": "address_family", "ua: no laddr for ": "address_unreachable"}


def tell_refusal(event: StackEvent) -> None:
    """A listener for the runtime: logs an offer that was answered 488."""
    if event.event is Event.CALL_CLOSED and event.text in _CLOSED:
        log.warning("call_refused", reason=_CLOSED[event.text])


def tell_refusals_of_the_log() -> None:
    """Turn the lines that the stack logs about refused offers into our own; doing it again changes nothing."""
    logging.getLogger("baresip.native").addFilter(_in_our_words)


def _in_our_words(record: logging.LogRecord) -> bool:
    line = record.getMessage()
    reason = next((reason for words, reason in _LINES.items() if line.startswith(words)), None)
    if reason is not None:
        log.warning("call_refused", reason=reason)
    return reason is None
