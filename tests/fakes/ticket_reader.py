"""A language model that reads what it was told to read."""

import json
from collections.abc import Mapping, Sequence

from dialog.understanding.reading import Reading, checked


class FakeTicketReader:
    """`TicketReader`: gives the next of ``answers`` (the last again and again), checked like a real one's."""

    def __init__(self, *answers: Mapping[str, str]):
        self._answers = list(answers)
        self.asked: list[tuple[str, ...]] = []
        self.waited = 0

    def begin(self, said: Sequence[str]) -> "FakePending":
        self.asked.append(tuple(said))
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return FakePending(self, checked(json.dumps(answer), said))


class FakePending:
    """There at once."""

    def __init__(self, reader: FakeTicketReader, reading: Reading):
        self._reader = reader
        self._reading = reading

    def take(self, *, wait: bool) -> Reading:
        self._reader.waited += wait
        return self._reading
