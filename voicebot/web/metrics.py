"""What is counted, for Prometheus. `Metrics` is the observer that the pipeline reports to."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

CONTENT_TYPE = CONTENT_TYPE_LATEST
# From the end of the caller's speech; people answer each other after about 0.2 s, hotlines after 1 to 15.
_LATENCY_S = (0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 15.0)
_DURATION_S = (5, 15, 30, 60, 120, 180, 300, 600, 1200, 1800, 3600)


class Metrics:
    """Counts in a registry of its own, so that two services in one process do not mix."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)

        def counter(name: str, what: str, *labels: str) -> Counter:
            return Counter(name, what, labels, namespace="voicebot", registry=registry)

        self._active = Gauge("calls_active", "Calls on the line.", namespace="voicebot", registry=registry)
        self._started = counter("calls_started", "Calls answered.", "channel")
        self._ended = counter("calls", "Calls that are over, by how they ended.", "end")
        self._duration = Histogram(
            "call_duration_seconds", "Length of calls.", buckets=_DURATION_S, namespace="voicebot", registry=registry
        )
        self._latency = Histogram(
            "reply_latency_seconds",
            "From the end of the caller's speech to each instant of the reply, one observation a turn.",
            ("stage",),
            buckets=_LATENCY_S,
            namespace="voicebot",
            registry=registry,
        )
        self._tickets = counter("tickets", "Tickets filed.", "type")
        self._handoffs = counter("handoffs", "Calls put into the human queue.", "reason")
        self._answers = counter("answers", "Questions answered from the knowledge base.")
        self._faults = counter("faults", "Parts that failed while the call went on.", "stage", "code")
        self._underruns = counter("underruns", "Holes in the bot's voice because audio came too late.")
        self._waiting = Gauge("queue_waiting", "Calls that wait for a person.", namespace="voicebot", registry=registry)
        self._tasks = Gauge("tasks", "Tasks of the event loop.", namespace="voicebot", registry=registry)
        self._busy = Gauge(
            "work_waiting", "Work that waits in one of the process's own queues.", ("queue",),
            namespace="voicebot", registry=registry,
        )  # fmt: skip

    def call_started(self, channel: str) -> None:
        """A call was answered."""
        self._started.labels(channel).inc()
        self._active.inc()

    def call_ended(self, end: str, duration_s: float) -> None:
        """A call is over."""
        self._active.dec()
        self._ended.labels(end).inc()
        self._duration.observe(duration_s)

    def reply(self, stage: str, latency_ms: float) -> None:
        """Milliseconds from the end of the caller's speech to an instant of the reply."""
        self._latency.labels(stage).observe(latency_ms / 1000)

    def ticket_filed(self, ticket_type: str) -> None:
        """A ticket is in the database."""
        self._tickets.labels(ticket_type).inc()

    def handed_off(self, reason: str) -> None:
        """A call went into the human queue."""
        self._handoffs.labels(reason).inc()

    def answered(self) -> None:
        """A question was answered from the knowledge base."""
        self._answers.inc()

    def fault(self, stage: str, code: str) -> None:
        """A part failed, and the designed answer was given."""
        self._faults.labels(stage, code).inc()

    def underruns(self, count: int) -> None:
        """So many more holes in the bot's voice."""
        self._underruns.inc(count)

    def watch(self, queue: str, waiting: Callable[[], float]) -> None:
        """Ask ``waiting`` for the length of one of the process's queues whenever the measures are read."""
        self._busy.labels(queue).set_function(waiting)

    def watch_tasks(self, count: Callable[[], float]) -> None:
        """Ask ``count`` for the tasks of the event loop whenever the measures are read."""
        self._tasks.set_function(count)

    def queue_waiting(self, calls: float) -> None:
        """So many calls wait for a person; NaN when nobody can tell."""
        self._waiting.set(calls)

    def render(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self._registry)
