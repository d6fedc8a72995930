"""AudioSocket messages as bytes, after the protocol that Asterisk documents: one octet of kind, two of length.

Pure: no socket is near.
"""

from dataclasses import dataclass
from enum import IntEnum

_HEADER_BYTES = 3


class Kind(IntEnum):
    """What a message is about."""

    HANG_UP = 0x00
    IDENTITY = 0x01
    DIGIT = 0x03
    AUDIO = 0x10  # 8 kHz int16, little-endian, mono
    ERROR = 0xFF


@dataclass(frozen=True, slots=True)
class Message:
    """One message; ``kind`` may be a number that `Kind` does not know."""

    kind: int
    payload: bytes = b""

    def to_bytes(self) -> bytes:
        """As it goes over the wire."""
        return bytes([self.kind]) + len(self.payload).to_bytes(2, "big") + self.payload


class Parser:
    """Bytes in, whole messages out. Holds at most one message, which cannot be longer than 64 KiB."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def push(self, data: bytes) -> list[Message]:
        """Take what arrived; returns the messages that are complete now."""
        self._buffer += data
        messages = []
        at = 0
        while len(self._buffer) - at >= _HEADER_BYTES:
            end = at + _HEADER_BYTES + int.from_bytes(self._buffer[at + 1 : at + 3], "big")
            if len(self._buffer) < end:
                break
            messages.append(Message(self._buffer[at], bytes(self._buffer[at + _HEADER_BYTES : end])))
            at = end
        del self._buffer[:at]
        return messages
