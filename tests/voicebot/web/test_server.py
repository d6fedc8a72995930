"""The pages and routes, asked over a real socket."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from tests.fakes.agent_queue import FakeAgentQueue
from tests.fakes.clock import FakeClock
from tests.support.bad_streams import send_bad_streams
from tests.support.nouns import bot_turn, call_start, caller_turn, full_draft, hand_off
from tests.support.office import new_office
from voicebot.core.errors import ConfigurationError, StorageError
from voicebot.storage.calls import SqlCallStore
from voicebot.storage.database import Database
from voicebot.storage.tickets import SqlTicketStore
from voicebot.web.front_page import Front
from voicebot.web.health_routes import Probe
from voicebot.web.metrics import Metrics
from voicebot.web.server import WebServer, build_web
from voicebot.web.settings import WebSettings

pytestmark = pytest.mark.network

TOKEN = "a-token-of-at-least-24-characters"
SECRETS = ["13800138000", "王建国", "建国"]


@dataclass
class Service:
    """A running web server and what stands behind it."""

    calls: SqlCallStore
    tickets: SqlTicketStore
    queue: FakeAgentQueue
    metrics: Metrics
    probes: dict[str, Probe]
    server: WebServer
    http: aiohttp.ClientSession
    bearer: dict[str, str] = field(default_factory=lambda: {"Authorization": f"Bearer {TOKEN}"})

    async def get(self, path: str, **options: object) -> tuple[int, str]:
        async with self.http.get(self.server.url + path, **options) as response:  # type: ignore[arg-type]
            return response.status, await response.text()


async def _serve(database: Database, settings: WebSettings) -> AsyncIterator[Service]:
    clock = FakeClock()

    async def well() -> str:
        return "8 个模型已载入"

    probes: dict[str, Probe] = {"models": well, "database": database.probe}
    queue, metrics = FakeAgentQueue(clock), Metrics()
    office = new_office(database, clock, web=settings, queue=queue)
    tickets = office.record.tickets
    app = build_web(
        settings,
        front=Front("洛阳 12345 <热线>", "sip:12345@192.0.2.7:5060", (("文档", "/docs?a=1&b=2"),)),
        probes=probes,
        metrics=metrics,
        office=office,
    )
    server = WebServer(app, settings)
    await server.start()
    async with aiohttp.ClientSession() as http:
        yield Service(SqlCallStore(database, clock), tickets, queue, metrics, probes, server, http)
    await server.stop()


@pytest.fixture
async def service(database: Database) -> AsyncIterator[Service]:
    async for service in _serve(
        database, WebSettings.model_validate({"port": 0, "api_token": TOKEN, "probe_deadline_ms": 500})
    ):
        yield service


@pytest.fixture
async def closed_service(database: Database) -> AsyncIterator[Service]:
    async for service in _serve(database, WebSettings(port=0)):
        yield service


async def test_a_living_process_says_so(service: Service) -> None:
    assert await service.get("/healthz") == (200, '{"status": "ok"}')


async def test_ready_tells_each_part(service: Service) -> None:
    async with service.http.get(service.server.url + "/readyz") as response:
        assert response.status == 200
        answer = await response.json()
    assert answer["ready"] is True
    assert answer["parts"]["models"] == {"ok": True, "detail": "8 个模型已载入", "code": ""}


async def test_a_part_that_fails_makes_the_service_not_ready_and_says_why(service: Service) -> None:
    async def ill() -> str:
        raise StorageError("连不上数据库。", code="database_unreachable", remedy="请启动它。")

    service.probes["queue"] = ill
    async with service.http.get(service.server.url + "/readyz") as response:
        assert response.status == 503
        answer = await response.json()
    assert answer["ready"] is False
    assert answer["parts"]["queue"] == {
        "ok": False,
        "detail": "连不上数据库。 请启动它。",
        "code": "database_unreachable",
    }
    assert answer["parts"]["models"]["ok"] is True
    status, page = await service.get("/")
    assert status == 200
    assert "有部件未就绪" in page
    assert "连不上数据库" in page


async def test_a_part_that_does_not_answer_is_not_waited_for(service: Service) -> None:
    service.probes["sip"] = asyncio.Event().wait  # type: ignore[assignment]
    async with asyncio.timeout(10), service.http.get(service.server.url + "/readyz") as response:
        answer = await response.json()
    assert answer["parts"]["sip"]["code"] == "timeout"


async def test_a_fault_of_the_program_is_told_without_its_inside(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_number: str) -> None:
        raise RuntimeError("13800138000")

    monkeypatch.setattr(service.tickets, "find", broken)
    status, text = await service.get("/api/tickets/LY2026030200001", headers=service.bearer)
    assert status == 500
    assert "internal" in text
    assert "13800138000" not in text


async def test_the_first_page_tells_where_to_call(service: Service) -> None:
    status, page = await service.get("/")
    assert status == 200
    assert "sip:12345@192.0.2.7:5060" in page
    assert "正常接听" in page
    assert "洛阳 12345 &lt;热线&gt;" in page
    assert 'href="/docs?a=1&amp;b=2"' in page
    assert (await service.get("/style.css"))[0] == 200


async def test_measures_count_what_the_pipeline_reported(service: Service) -> None:
    service.metrics.call_started("sip")
    service.metrics.call_started("wav")
    service.metrics.call_ended("bot_hung_up", 61.0)
    service.metrics.reply("final_text", 412.0)
    service.metrics.ticket_filed("投诉")
    service.metrics.fault("recognition", "engine_dead")
    service.metrics.underruns(3)
    service.metrics.watch("recogniser", lambda: 7)
    await service.queue.join(hand_off("call-1"))
    status, text = await service.get("/metrics")
    assert status == 200
    lines = set(text.splitlines())
    assert {
        "voicebot_calls_active 1.0",
        'voicebot_calls_total{end="bot_hung_up"} 1.0',
        'voicebot_reply_latency_seconds_bucket{le="0.5",stage="final_text"} 1.0',
        'voicebot_reply_latency_seconds_bucket{le="0.3",stage="final_text"} 0.0',
        'voicebot_tickets_total{type="投诉"} 1.0',
        'voicebot_faults_total{code="engine_dead",stage="recognition"} 1.0',
        "voicebot_underruns_total 3.0",
        'voicebot_work_waiting{queue="recogniser"} 7.0',
        "voicebot_queue_waiting 1.0",
    } <= lines


async def test_measures_are_readable_while_the_queue_is_gone(service: Service) -> None:
    service.queue.failing = StorageError("连不上。", code="database_unreachable")
    status, text = await service.get("/metrics")
    assert status == 200
    assert "voicebot_queue_waiting NaN" in text


async def test_the_record_is_shown_without_personal_data(service: Service) -> None:
    await service.calls.begin(call_start())
    await service.calls.add_turn("call-1", caller_turn(1, "我叫王建国，电话一三八零零一三八零零零"))
    await service.calls.add_turn("call-1", bot_turn(2))
    await service.calls.note("call-1", "digits", {"keys": "13800138000"})
    await service.calls.save_draft("call-1", full_draft())
    ticket = await service.tickets.file(call_start(), full_draft(), 1)
    await service.queue.join(hand_off("call-1"))
    for path in ("/api/calls", "/api/calls/call-1", f"/api/tickets/{ticket.number}", "/api/queue"):
        status, text = await service.get(path, headers=service.bearer)
        assert status == 200
        assert "138****8000" in text, path
        assert not [secret for secret in [*SECRETS, "一三八零零一三八零零零"] if secret in text], path


async def test_a_call_is_told_with_its_turns_and_ticket(service: Service) -> None:
    await service.calls.begin(call_start())
    await service.calls.add_turn("call-1", bot_turn(0))
    ticket = await service.tickets.file(call_start(), full_draft(), 1)
    async with service.http.get(service.server.url + "/api/calls/call-1", headers=service.bearer) as response:
        call = await response.json()
    assert call["tickets"] == [ticket.number]
    assert call["end"] is None
    assert call["turns"][0]["speaker"] == "bot"
    assert call["turns"][0]["raw_text"] == "好的，请问在哪里？"
    async with service.http.get(service.server.url + "/api/calls?state=open", headers=service.bearer) as response:
        assert [line["call_id"] for line in (await response.json())["calls"]] == ["call-1"]


API = ["/api/calls", "/api/calls/call-1", "/api/tickets/LY2026030200001", "/api/queue"]


@pytest.mark.parametrize("path", API)
@pytest.mark.parametrize("given", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer 口令"])
async def test_the_api_refuses_who_has_no_token(service: Service, path: str, given: str) -> None:
    status, text = await service.get(path, headers={"Authorization": given})
    assert status == 401
    assert "token_wrong" in text


@pytest.mark.parametrize("path", API)
async def test_without_a_token_in_the_settings_the_api_is_closed(closed_service: Service, path: str) -> None:
    status, text = await closed_service.get(path, headers={"Authorization": "Bearer "})
    assert status == 403
    assert "web.api_token" in text


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "limit=-1", "before=gestern", "before=2026-03-01"]
)
async def test_a_wrong_query_is_refused_in_one_sentence(service: Service, query: str) -> None:
    status, text = await service.get(f"/api/calls?{query}", headers=service.bearer)
    assert status == 400
    assert "query_invalid" in text


@pytest.mark.parametrize("path", ["/api/calls/nobody", "/api/tickets/LY2026030299999", "/nowhere", "/../etc/passwd"])
async def test_what_is_not_there_is_not_found(service: Service, path: str) -> None:
    assert (await service.get(path, headers=service.bearer))[0] == 404


async def test_every_answer_is_closed_off(service: Service) -> None:
    for path in ("/", "/healthz", "/nowhere", "/api/calls"):
        async with service.http.get(service.server.url + path) as response:
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert "default-src 'none'" in response.headers["Content-Security-Policy"]


async def test_a_dead_database_is_told_and_not_a_crash(service: Service, database: Database) -> None:
    database.run_now(lambda connection: connection.exec_driver_sql("DROP TABLE turns"))
    await service.calls.begin(call_start())
    status, text = await service.get("/api/calls", headers=service.bearer)
    assert status == 503
    assert "schema_missing" in text


async def test_a_taken_port_is_told_with_a_remedy(service: Service, database: Database) -> None:
    taken = WebSettings(port=int(service.server.url.rpartition(":")[2]))
    with pytest.raises(ConfigurationError) as refused:
        async for _ in _serve(database, taken):
            pass
    assert refused.value.code == "port_taken"
    assert "web.port" in refused.value.remedy


async def test_stopping_twice_does_no_harm(service: Service) -> None:
    await service.server.stop()
    await service.server.stop()


def test_a_short_token_is_refused() -> None:
    with pytest.raises(ValueError, match="24"):
        WebSettings.model_validate({"api_token": "secret"})


@pytest.mark.parametrize(
    "count", [pytest.param(100, id="short"), pytest.param(1_000, id="full", marks=pytest.mark.long)]
)
async def test_malformed_streams_do_no_harm(service: Service, count: int) -> None:
    before = _sockets()
    port = int(service.server.url.rpartition(":")[2])
    for path in ("/", "/desk/events", "/call/begin"):
        await send_bad_streams(port, path, count // 3, seed=12)
    await asyncio.sleep(0.2)
    assert _sockets() <= before + 1  # the client's own connection is kept
    assert (await service.get("/healthz"))[0] == 200


def _sockets() -> int:
    """Open sockets of this process; the database's pool may grow meanwhile."""
    files = (Path("/proc/self/fd") / name for name in os.listdir("/proc/self/fd"))
    return sum(file.readlink().name.startswith("socket:") for file in files if file.is_symlink())
