"""What every reader of a caller's words must do; the real one asks llama.cpp's server, whose model writes rubbish."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dialog.ports import TicketReader
from dialog.settings import LanguageModelSettings
from dialog.understanding.reading import NAMES, Reading
from tests.fakes.ticket_reader import FakeTicketReader
from tests.support.llama import llama_server, random_model
from voicebot.app.language_model import OpenAiTicketReader
from voicebot.core.clock import SystemClock

SAID = ("牡丹广场东边那个铁门锁着", "从上个星期就锁着，我要求打开")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    model = random_model(Path(tmp_path_factory.mktemp("model")) / "random.gguf")
    with llama_server(model) as url:
        yield url


@pytest.fixture(params=["fake", pytest.param("llama.cpp", marks=pytest.mark.network)])
def reader(request: pytest.FixtureRequest) -> Iterator[TicketReader]:
    if request.param == "fake":
        yield FakeTicketReader({"location": "牡丹广场东边", "time": "昨天", "demand": "我要求打开", "gist": "铁门锁着"})
        return
    url = request.getfixturevalue("server")
    reader = OpenAiTicketReader(LanguageModelSettings(url=url, deadline_ms=5000, max_tokens=400), SystemClock())
    yield reader
    reader.close()


@pytest.mark.interop("llama.cpp", "chat/completions，json_schema，只许摘抄")
def test_nothing_passes_that_was_not_said(reader: TicketReader) -> None:
    reading = reader.begin(SAID).take(wait=True)
    for name in ("location", "time", "demand"):
        assert not getattr(reading, name) or any(getattr(reading, name) in sentence for sentence in SAID)
    assert set(reading.gist) <= set("".join(SAID))
    assert set(reading.refused) <= set(NAMES)


def test_it_can_be_asked_twice_and_looked_at_without_waiting(reader: TicketReader) -> None:
    one, other = reader.begin(SAID), reader.begin(SAID)
    began_s = time.monotonic()
    assert isinstance(one.take(wait=False), Reading)
    assert time.monotonic() - began_s < 1
    assert other.take(wait=True) == other.take(wait=False)


def test_a_caller_who_said_nothing_is_read_too(reader: TicketReader) -> None:
    assert reader.begin(()).take(wait=True).location == ""
