"""The edge for real: Debian's Kamailio, rtpengine and coturn, with the files that we write and calls through them."""

import asyncio
import contextlib
import re
import subprocess
import time
from pathlib import Path

import pytest
from aioice.stun import TransactionFailed
from aioice.turn import TurnTransport, create_turn_endpoint

from telephony.edge.render import edge_files
from telephony.settings import EdgeSettings
from telephony.sip.addresses import shown_address
from telephony.sip.runtime import free_sip_port
from tests.support.echo_worker import RTP_PORTS, end
from tests.support.edge import EDGE_RTP_PORTS, edge, have_edge, site
from tests.support.hotline import ROOT
from tests.support.raw_sip import RawPhone, RawSip
from voicebot.core.clock import SystemClock
from voicebot.web.call_routes import CallDoor, ice_servers

pytestmark = [
    pytest.mark.network,
    pytest.mark.peer,
    pytest.mark.skipif(not have_edge(), reason="needs Debian's kamailio, rtpengine-daemon and coturn"),
]


def dialogs(folder: Path) -> str:
    command = ["kamcmd", "-s", f"unix:{folder}/kamailio_ctl", "dlg.list"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.interop("Kamailio", "经边缘接通，声音经 rtpengine")
async def test_a_call_goes_through_and_its_media_stay_behind_rtpengine(tmp_path: Path):
    async with edge(tmp_path) as made, RawSip(made.port) as peer:
        response = await peer.invite()
        assert response.status == 200, made.log()[-2000:]
        assert peer.media.remote is not None
        assert peer.media.remote[1] in EDGE_RTP_PORTS
        assert await peer.hears_itself()
        assert await peer.bye() == 200
        assert "ERROR" not in made.log(), made.log()[-2000:]


@pytest.mark.interop("Kamailio", "分派、全忙答 503")
async def test_calls_are_spread_and_a_full_house_answers_503_until_somebody_hangs_up(tmp_path: Path):
    async with edge(tmp_path, max_calls=2) as made, contextlib.AsyncExitStack() as stack:
        peers = [await stack.enter_async_context(RawSip(made.port)) for _ in range(5)]
        assert [(await peer.invite()).status for peer in peers[:4]] == [200] * 4
        refused = await peers[4].invite()
        assert refused.status == 503
        assert refused.headers["retry-after"] == "10"
        assert await peers[0].bye() == 200
        late = await stack.enter_async_context(RawSip(made.port))
        assert (await late.invite()).status == 200
        for peer in (*peers[1:4], late):
            assert await peer.bye() == 200


async def test_a_full_house_sends_calls_on_where_the_site_wants_them(tmp_path: Path):
    async with (
        RawPhone() as elsewhere,
        edge(tmp_path, workers=1, max_calls=1, overflow=elsewhere.uri) as made,
        RawSip(made.port) as first,
        RawSip(made.port) as second,
    ):
        assert (await first.invite()).status == 200
        assert (await second.invite()).status == 200
        assert elsewhere.requests[0].method == "INVITE"
        await first.bye()


@pytest.mark.interop("Kamailio", "接听进程被杀，换下一个")
async def test_a_killed_worker_costs_a_new_call_less_than_two_seconds_and_the_other_calls_nothing(tmp_path: Path):
    async with edge(tmp_path) as made, RawSip(made.port) as first, RawSip(made.port) as second:
        assert (await first.invite()).status == 200
        assert (await second.invite()).status == 200
        killed = next(iter(made.workers.values()))
        killed.kill()
        await killed.wait()
        began = time.monotonic()
        for _ in range(4):
            async with RawSip(made.port) as caller:
                assert (await caller.invite()).status == 200
                assert time.monotonic() - began < 2
                await caller.bye()
            began = time.monotonic()
        assert sorted([await first.hears_itself(), await second.hears_itself()]) == [False, True]


@pytest.mark.interop("rtpengine", "被杀后通话继续，回来后再用")
async def test_calls_go_on_without_rtpengine_and_use_it_again_when_it_is_back(tmp_path: Path):
    async with edge(tmp_path) as made:
        made.programs["rtpengine"].kill()
        await made.programs["rtpengine"].wait()
        assert await media_port(made.port) in RTP_PORTS, "the worker's own port"
        await made.start_rtpengine()
        back = [await media_port(made.port) for _ in range(12)]  # each call takes its time
        assert any(port in EDGE_RTP_PORTS for port in back), back


async def media_port(port: int) -> int:
    """Where the far end of a call wants its media, after they were seen to flow."""
    async with RawSip(port) as peer:
        assert (await peer.invite(timeout_s=10)).status == 200
        assert await peer.hears_itself()
        assert await peer.bye() == 200
        assert peer.media.remote is not None
        return peer.media.remote[1]


async def test_a_stranger_is_not_answered(tmp_path: Path):
    async with edge(tmp_path) as made:
        async with RawSip(made.port, own_address="127.0.0.2") as stranger:
            for method in ("INVITE", "REGISTER", "OPTIONS"):
                stranger.send(method, stranger.sdp() if method == "INVITE" else "")
            with pytest.raises(TimeoutError):
                await stranger.wait(lambda message: True, 1)
        async with RawSip(made.port) as peer:
            assert (await peer.invite()).status == 200
            await peer.bye()


async def test_the_same_caller_from_an_agreed_network_is_answered(tmp_path: Path):
    async with edge(tmp_path, trunks=["127.0.0.0/30"]) as made, RawSip(made.port, own_address="127.0.0.2") as peer:
        assert (await peer.invite()).status == 200
        await peer.bye()


async def test_more_calls_a_second_than_agreed_are_refused_and_the_next_second_is_normal(tmp_path: Path):
    async with edge(tmp_path, calls_per_second=3, max_calls=20) as made, contextlib.AsyncExitStack() as stack:
        peers = [await stack.enter_async_context(RawSip(made.port)) for _ in range(10)]
        statuses = [response.status for response in await asyncio.gather(*(peer.invite() for peer in peers))]
        assert 0 < statuses.count(200) < 10
        assert set(statuses) == {200, 503}
        await asyncio.sleep(2.2)
        late = await stack.enter_async_context(RawSip(made.port))
        assert (await late.invite()).status == 200


@pytest.mark.interop("Kamailio", "会话定时（RFC 4028）")
async def test_a_trunk_that_wants_session_timers_gets_them(tmp_path: Path):
    async with edge(tmp_path) as made, RawSip(made.port) as peer:
        response = await peer.invite(headers="Supported: timer\r\nRequire: timer\r\nSession-Expires: 900\r\n")
        assert response.status == 200, response.raw
        assert response.headers["session-expires"] == "900;refresher=uac"
        assert response.headers["require"] == "timer"
        refreshed = await peer.invite(headers="k: timer\r\nx: 900\r\n")  # the compact forms
        assert refreshed.status == 200
        assert refreshed.headers["session-expires"] == "900;refresher=uac"
        assert "lifetime: 900" in await asyncio.to_thread(dialogs, tmp_path)
        await peer.bye()


async def test_a_trunk_without_session_timers_is_not_bothered_with_them(tmp_path: Path):
    async with edge(tmp_path) as made, RawSip(made.port) as peer:
        response = await peer.invite()
        assert response.status == 200
        assert "session-expires" not in response.headers
        await peer.bye()


async def test_a_session_interval_that_is_too_small_is_refused_with_the_least(tmp_path: Path):
    async with edge(tmp_path) as made, RawSip(made.port) as peer:
        response = await peer.invite(headers="Supported: timer\r\nSession-Expires: 30\r\n")
        assert response.status == 422
        assert response.headers["min-se"] == "90"


@pytest.mark.long
async def test_a_call_that_nobody_refreshes_is_cleared_on_both_sides(tmp_path: Path):
    async with edge(tmp_path, session_expires_s=90, workers=1, max_calls=1) as made, RawSip(made.port) as peer:
        response = await peer.invite(headers="Supported: timer\r\nSession-Expires: 90\r\n")
        assert response.status == 200
        await peer.request_from_line("BYE", 120)
        async with RawSip(made.port) as next_caller:  # the worker's only place is free again
            assert (await next_caller.invite()).status == 200


async def test_methods_that_a_trunk_has_no_business_with_are_refused(tmp_path: Path):
    async with edge(tmp_path) as made:
        for method in ("REGISTER", "SUBSCRIBE", "MESSAGE", "PUBLISH"):
            async with RawSip(made.port) as peer:
                peer.send(method)
                assert (await peer.wait(lambda message: message.status > 0)).status == 405, method


class _Heard(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.come = asyncio.Event()
        self.lost = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.come.set()


@pytest.mark.interop("coturn", "网页凭据，只中继到接听进程")
async def test_coturn_relays_to_the_workers_alone_for_credentials_of_the_call_page(tmp_path: Path):
    address = shown_address("0.0.0.0")  # noqa: S104  asked, not bound
    if address.startswith("127."):
        pytest.skip("coturn refuses loopback peers, and this machine has no other address")
    port, secret = free_sip_port(address), "s" * 24
    settings = EdgeSettings.model_validate({"listen_address": address, "trunks": ["127.0.0.1/32"], "turn_port": port})
    config = tmp_path / "turnserver.conf"
    config.write_text(
        edge_files(settings, site(turn_secret=secret, workers=[f"{address}:5080"]), tmp_path)[config.name]
    )
    door = CallDoor(nobody_answers, 1, (), (f"turn:{address}:{port}",), secret)
    ((_, name), (_, credential)) = list(ice_servers(door, SystemClock())[0].items())[1:]
    process = await asyncio.create_subprocess_exec(
        *("turnserver", "-c", str(config), "--log-file", "stdout", "--pidfile", str(tmp_path / "pid")),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    worker, heard = await asyncio.get_running_loop().create_datagram_endpoint(_Heard, local_addr=(address, 0))
    try:
        with pytest.raises(TransactionFailed):
            await relay((address, port), str(name), "wrong")
        relayed, caller = await relay((address, port), str(name), str(credential))
        try:
            relayed.sendto(b"voice", worker.get_extra_info("sockname"))
            await asyncio.wait_for(heard.come.wait(), 3)
            with pytest.raises(TransactionFailed) as refused:
                await relayed._TurnTransport__inner_protocol.channel_bind(0x4001, ("192.0.2.77", 9))
            assert refused.value.response.attributes["ERROR-CODE"][0] == 403
        finally:
            relayed.close()
            await asyncio.wait_for(caller.lost.wait(), 3)
    finally:
        worker.close()
        await end(process)


async def nobody_answers(_offer: str) -> str:
    raise AssertionError


async def relay(server: tuple[str, int], name: str, password: str) -> tuple[TurnTransport, _Heard]:
    for _ in range(50):  # until it listens
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(*server)
            writer.close()
            await writer.wait_closed()
            return await create_turn_endpoint(_Heard, server, name, password)
        await asyncio.sleep(0.1)
    raise AssertionError("coturn does not listen")


@pytest.mark.long
async def test_two_thousand_calls_at_twenty_a_second_all_go_through(tmp_path: Path):
    scenario = (ROOT / "tests/support/sipp_caller.xml").read_text()
    scenario = re.sub(r"(CSeq: \d+ (?:ACK|BYE)\n)", r"\1    [routes]\n", scenario)  # through the proxy on record
    scenario = re.sub(r"<nop>.*?</nop>", "", scenario).replace("CALLER", "13800138000")
    scenario = scenario.replace("[rtpstream_audio_port]", "[media_port]")
    scenario = scenario.replace("TALK", '<pause milliseconds="500" next="1"/>')
    (tmp_path / "scenario.xml").write_text(scenario)
    async with edge(tmp_path, max_calls=40) as made:
        process = await asyncio.create_subprocess_exec(
            *(
                "sipp",
                f"127.0.0.1:{made.port}",
                "-sf",
                str(tmp_path / "scenario.xml"),
                "-s",
                "12345",
                "-i",
                "127.0.0.1",
            ),
            *("-r", "20", "-m", "2000", "-l", "60", "-timeout", "200", "-nostdin", "-trace_stat"),
            *("-stf", str(tmp_path / "calls.csv"), "-fd", "1"),
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        code = await process.wait()
        rows = [line.split(";") for line in (tmp_path / "calls.csv").read_text().splitlines()]
        last = dict(zip(rows[0], rows[-1], strict=False))
        assert (code, last["SuccessfulCall(C)"], last["FailedCall(C)"]) == (0, "2000", "0")
