"""A name of a place in a sentence, and the part of an address that it fills."""

from dataclasses import dataclass
from enum import StrEnum


class PartKind(StrEnum):
    """The part of an address that a name fills."""

    DISTRICT = "district"
    STREET = "street"
    COMMUNITY = "community"
    ROAD = "road"
    LANDMARK = "landmark"


@dataclass(frozen=True, slots=True)
class NamedPart:
    """A name at ``text[start:end]``; ``nodes`` are unit ids that it may stand for; ``unit`` when it names one.

    ``by_context``: only the words around it say that it is a name.
    """

    kind: PartKind
    start: int
    end: int
    name: str
    nodes: tuple[str, ...] = ()
    unit: bool = False
    by_context: bool = False
