"""The optional language model over HTTP: late, wrong, busy or gone, the rules go on alone."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pydantic import ValidationError

from dialog.settings import LanguageModelSettings
from dialog.understanding.reading import Reading
from tests.fakes.clock import FakeClock
from voicebot.app.language_model import OpenAiTicketReader
from voicebot.core.clock import SystemClock

pytestmark = pytest.mark.network

SAID = ("牡丹广场东边那个铁门锁着",)
Answer = Callable[[dict[str, Any]], tuple[int, bytes]]


def says(content: object) -> Answer:
    body = json.dumps({"choices": [{"message": {"content": content}}]}).encode()
    return lambda _: (200, body)


GOOD = says(json.dumps({"location": "牡丹广场东边", "time": "", "demand": "", "gist": "铁门锁着"}))


@contextmanager
def endpoint(answer: Answer) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A service that answers as it was told; its base URL, and what it was asked."""
    asked: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append({**request, "path": self.path, "authorization": self.headers["Authorization"]})
            status, body = answer(request)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1", asked
        finally:
            server.shutdown()


def test_a_good_answer_is_taken_and_the_request_is_what_the_api_asks_for() -> None:
    with endpoint(GOOD) as (url, asked):
        settings = LanguageModelSettings(url=url, model="qwen", api_key="secret", deadline_ms=5000)  # type: ignore[arg-type]
        reader = OpenAiTicketReader(settings, SystemClock())
        assert reader.begin(SAID).take(wait=True) == Reading(location="牡丹广场东边", gist="铁门锁着")
        reader.close()
    (request,) = asked
    assert (request["path"], request["authorization"]) == ("/v1/chat/completions", "Bearer secret")
    assert (request["model"], request["temperature"], request["max_tokens"]) == ("qwen", 0, 200)
    assert request["messages"][1] == {"role": "user", "content": SAID[0]}
    assert request["response_format"]["json_schema"]["schema"]["required"]


@pytest.mark.parametrize(
    "answer",
    [
        says("好的，我来帮您。"),
        says('{"location": 3}'),
        says(None),
        lambda _: (200, b"<html>"),
        lambda _: (200, b"{}"),
        lambda _: (500, b""),
        lambda _: (401, b""),
    ],
)
def test_a_wrong_answer_is_empty_and_counted(answer: Answer) -> None:
    faults: list[tuple[str, str]] = []
    with endpoint(answer) as (url, _):
        settings = LanguageModelSettings(url=url, deadline_ms=5000)
        reader = OpenAiTicketReader(settings, SystemClock(), lambda *fault: faults.append(fault))
        assert reader.begin(SAID).take(wait=True) == Reading()
        reader.close()
    assert [stage for stage, _ in faults] == ["language_model"]


def test_after_three_failures_it_rests_and_then_tries_again() -> None:
    clock = FakeClock()
    with endpoint(lambda _: (503, b"")) as (url, asked):
        reader = OpenAiTicketReader(LanguageModelSettings(url=url, cool_down_s=30, deadline_ms=9000), clock)
        for _ in range(5):
            reader.begin(SAID).take(wait=True)
        assert len(asked) == 3
        clock.advance(31)
        reader.begin(SAID).take(wait=True)
        assert len(asked) == 4
        reader.close()


def test_a_late_answer_is_not_waited_for_and_one_request_too_many_is_not_made() -> None:
    may_answer, faults = threading.Event(), []

    def late(request: dict[str, Any]) -> tuple[int, bytes]:
        may_answer.wait(10)
        return GOOD(request)

    with endpoint(late) as (url, asked):
        settings = LanguageModelSettings(url=url, deadline_ms=100, at_once=1)
        reader = OpenAiTicketReader(settings, SystemClock(), lambda *fault: faults.append(fault))
        slow = reader.begin(SAID)
        assert slow.take(wait=True) == slow.take(wait=True) == Reading()
        assert faults == [("language_model", "late")]
        assert reader.begin(SAID).take(wait=True) == Reading()
        may_answer.set()
        reader.close()
    assert len(asked) == 1


@pytest.mark.parametrize("status", [200, 503])
def test_a_service_that_is_always_late_rests_after_three_requests(status: int) -> None:
    may_answer, faults = threading.Semaphore(0), []

    def late(request: dict[str, Any]) -> tuple[int, bytes]:
        may_answer.acquire(timeout=10)
        return GOOD(request) if status == 200 else (status, b"")

    with endpoint(late) as (url, asked):
        settings = LanguageModelSettings(url=url, deadline_ms=100, at_once=5)
        reader = OpenAiTicketReader(settings, FakeClock(), lambda *fault: faults.append(fault))
        for _ in range(5):
            pending = reader.begin(SAID)
            pending.take(wait=True)
            may_answer.release()
            if pending._future is not None:
                pending._future.result(5)
        reader.close()
    assert faults == [("language_model", "late")] * 3
    assert len(asked) == 3


def test_a_service_that_is_not_there_is_a_fault_and_no_more() -> None:
    faults: list[str] = []
    settings = LanguageModelSettings(url="http://127.0.0.1:1/v1", deadline_ms=5000)
    reader = OpenAiTicketReader(settings, SystemClock(), lambda _, code: faults.append(code))
    assert reader.begin(SAID).take(wait=True) == Reading()
    assert len(faults) == 1
    reader.close()


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError):
        LanguageModelSettings(url="file:///etc/passwd")
