"""Counts what the pipeline reports."""

from collections import Counter


class FakeObserver:
    """`Observer` that keeps everything."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def call_started(self, channel: str) -> None:
        self.counts[f"started {channel}"] += 1

    def call_ended(self, end: str, duration_s: float) -> None:
        self.counts[f"ended {end}"] += 1

    def reply(self, stage: str, latency_ms: float) -> None:
        self.counts[f"reply {stage}"] += 1

    def ticket_filed(self, ticket_type: str) -> None:
        self.counts[f"ticket {ticket_type}"] += 1

    def handed_off(self, reason: str) -> None:
        self.counts[f"handoff {reason}"] += 1

    def answered(self) -> None:
        self.counts["answered"] += 1

    def underruns(self, count: int) -> None:
        self.counts["underruns"] += count

    def fault(self, stage: str, code: str) -> None:
        self.counts[f"fault {stage} {code}"] += 1
