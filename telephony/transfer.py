"""How a transfer went, in the words of the `Line` port."""

from collections.abc import Sequence
from enum import StrEnum
from fnmatch import fnmatchcase


class TransferOutcome(StrEnum):
    """What became of the call at its target."""

    ANSWERED = "answered"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REFUSED = "refused"
    FAILED = "failed"


_BUSY = {486, 600}
_NO_ANSWER = {408, 480, 487}


def outcome_of(status: int | None) -> TransferOutcome:
    """The outcome that a failing SIP status reports (RFC 3261 section 21); None when there was no report."""
    if status is None or 500 <= status < 600:
        return TransferOutcome.FAILED
    if status in _BUSY:
        return TransferOutcome.BUSY
    return TransferOutcome.NO_ANSWER if status in _NO_ANSWER else TransferOutcome.REFUSED


def is_allowed(target: str, patterns: Sequence[str]) -> bool:
    """May a call be transferred to ``target``? Patterns as in a shell: ``8*``, ``sip:*@10.0.0.5``."""
    return any(fnmatchcase(target, pattern) for pattern in patterns)
