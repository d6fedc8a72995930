"""Any service that takes ``POST /v1/chat/completions``, read with a deadline and never trusted.

Source: OpenAI API reference, "Create chat completion", with ``response_format`` of type ``json_schema``, which
llama.cpp's server, vLLM and Ollama take too. What comes back is checked by `dialog.understanding.reading`.
"""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from http.client import HTTPException

import structlog

from dialog.settings import LanguageModelSettings
from dialog.understanding.reading import SCHEMA, Reading, checked, instructions
from voicebot.core.ports import Clock

log = structlog.get_logger(__name__)

_FAILURES = 3  # in a row; then nobody is asked for a while
_MOST_BYTES = 1 << 20  # of an answer
_LATE_S = 1.0  # how much longer than the deadline a request may hold its thread


class OpenAiTicketReader:
    """`TicketReader` over HTTP. At most ``at_once`` requests; one more is not made, and the rules work alone."""

    def __init__(
        self, settings: LanguageModelSettings, clock: Clock, fault: Callable[[str, str], None] = lambda _, __: None
    ):
        """``fault`` is told the stage and the code of each failure."""
        self._settings = settings
        self._clock = clock
        self._fault = fault
        self._pool = ThreadPoolExecutor(settings.at_once, "language-model")
        self._free = threading.Semaphore(settings.at_once)
        self._failures = 0
        self._rest_until_s = 0.0

    def close(self) -> None:
        """Make no more requests; those under way end by their own deadline."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def begin(self, said: Sequence[str]) -> "Pending":
        """Start to read the caller's sentences."""
        deadline_s = self._clock.monotonic() + self._settings.deadline_ms / 1000
        if self._clock.monotonic() < self._rest_until_s or not self._free.acquire(blocking=False):
            return Pending(None, deadline_s, self._clock, lambda: None)
        late = threading.Event()

        def was_late() -> None:
            late.set()
            self._failed("late")

        future = self._pool.submit(self._read, tuple(said), late)
        future.add_done_callback(lambda _: self._free.release())
        return Pending(future, deadline_s, self._clock, was_late)

    def _read(self, said: tuple[str, ...], late: threading.Event) -> Reading:
        # A request counts once: what was late has failed, whatever becomes of it afterwards.
        try:
            reading = checked(self._ask("\n".join(said)), said)
        except (OSError, HTTPException, ValueError, KeyError, IndexError, TypeError) as error:
            if not late.is_set():
                self._failed(type(error).__name__)
            return Reading()
        if not late.is_set():
            self._failures = 0
        if reading.refused:
            log.info("language_model_refused", fields=reading.refused)
        return reading

    def _failed(self, kind: str) -> None:
        self._failures += 1
        log.warning("language_model_failed", kind=kind, in_a_row=self._failures)
        self._fault("language_model", kind)
        if self._failures >= _FAILURES:
            self._failures = 0
            self._rest_until_s = self._clock.monotonic() + self._settings.cool_down_s

    def _ask(self, said: str) -> str:
        settings = self._settings
        body = {
            "model": settings.model,
            "messages": [{"role": "system", "content": instructions()}, {"role": "user", "content": said}],
            "temperature": 0,
            "max_tokens": settings.max_tokens,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "ticket", "strict": True, "schema": SCHEMA},
            },
        }
        headers = {"Content-Type": "application/json"}
        if key := settings.api_key.get_secret_value():
            headers["Authorization"] = f"Bearer {key}"
        request = urllib.request.Request(  # noqa: S310  the settings allow http and https only
            settings.url.rstrip("/") + "/chat/completions", json.dumps(body).encode(), headers
        )
        patience_s = settings.deadline_ms / 1000 + _LATE_S
        with urllib.request.urlopen(request, timeout=patience_s) as answer:  # noqa: S310
            text = answer.read(_MOST_BYTES)
        content = json.loads(text)["choices"][0]["message"]["content"]
        if not isinstance(content, str):
            raise TypeError("no text in the answer")
        return content


class Pending:
    """`PendingReading` of one request; without one it is empty."""

    def __init__(self, future: "Future[Reading] | None", deadline_s: float, clock: Clock, was_late: Callable[[], None]):
        """``was_late`` is told once when somebody has waited in vain."""
        self._future = future
        self._deadline_s = deadline_s
        self._clock = clock
        self._was_late = was_late
        self._waited = False

    def take(self, *, wait: bool) -> Reading:
        """The reading; empty when it is late or there is none."""
        if self._future is None:
            return Reading()
        left_s = max(0.0, self._deadline_s - self._clock.monotonic()) if wait else 0.0
        try:
            return self._future.result(left_s)
        except (TimeoutError, CancelledError):
            if wait and not self._waited:
                self._waited = True
                self._was_late()
            return Reading()
