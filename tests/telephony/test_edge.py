"""The edge for real: Debian's Kamailio, rtpengine and coturn, with the files that we write and calls through them."""

import asyncio
import contextlib
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import yaml

from telephony.edge.render import Site, edge_files
from telephony.settings import EdgeSettings
from telephony.sip.runtime import free_sip_port
from tests.support.edge import edge, have_edge
from tests.support.raw_sip import RawPhone, RawSip
from voicebot.audio.tones import tone
from voicebot.core.errors import ConfigurationError

pytestmark = [
    pytest.mark.network,
    pytest.mark.peer,
    pytest.mark.skipif(not have_edge(), reason="needs Debian's kamailio, rtpengine-daemon and coturn"),
]


def dialogs(folder: Path) -> str:
    command = ["kamcmd", "-s", f"unix:{folder}/kamailio_ctl", "dlg.list"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


async def hears_itself(peer: RawSip) -> bool:
    """What is said comes back: media flow both ways."""
    peer.media.speech.extend(tone((900,), 600))
    for _ in range(30):
        await asyncio.sleep(0.1)
        if np.abs(peer.media.heard().astype(int)).max(initial=0) > 1000:
            return True
    return False


async def test_a_call_goes_through_and_its_media_stay_behind_rtpengine(tmp_path: Path):
    async with edge(tmp_path) as made, RawSip(made.port) as peer:
        response = await peer.invite()
        assert response.status == 200, made.log()[-2000:]
        assert peer.media.remote is not None
        assert 45000 <= peer.media.remote[1] <= 46999
        assert await hears_itself(peer)
        assert await peer.bye() == 200
        assert "ERROR" not in made.log(), made.log()[-2000:]


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
        assert sorted([await hears_itself(first), await hears_itself(second)]) == [False, True]


async def test_calls_go_on_without_rtpengine(tmp_path: Path):
    async with edge(tmp_path) as made:
        made.rtpengine.kill()
        await made.rtpengine.wait()
        async with RawSip(made.port) as peer:
            assert (await peer.invite(timeout_s=10)).status == 200
            assert peer.media.remote is not None
            assert 41000 <= peer.media.remote[1] < 45000, "the worker's own port"
            assert await hears_itself(peer)
            assert await peer.bye() == 200


async def test_a_stranger_is_not_answered(tmp_path: Path):
    async with edge(tmp_path) as made, RawSip(made.port, own_address="127.0.0.2") as stranger:
        stranger.send("INVITE", stranger.sdp())
        stranger.send("REGISTER")
        with pytest.raises(TimeoutError):
            await stranger.wait(lambda message: True, 1)
        async with RawSip(made.port) as peer:
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


async def test_a_trunk_that_wants_session_timers_gets_them(tmp_path: Path):
    async with edge(tmp_path) as made, RawSip(made.port) as peer:
        response = await peer.invite(headers="Supported: timer\r\nRequire: timer\r\nSession-Expires: 900\r\n")
        assert response.status == 200, response.raw
        assert response.headers["session-expires"] == "900;refresher=uac"
        assert response.headers["require"] == "timer"
        refreshed = await peer.invite(headers="Supported: timer\r\nSession-Expires: 900\r\n")
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


def site(**more: object) -> Site:
    made: dict[str, object] = {
        "workers": ["127.0.0.1:5080", "127.0.0.1:5082"],
        "max_calls": 10,
        "max_call_s": 600,
        "drain_s": 60,
        "turn_secret": "",
        "home": Path("/srv/voicebot"),
    }
    return Site(**{**made, **more})  # type: ignore[arg-type]


def test_the_files_that_need_no_program_are_well_formed(tmp_path: Path):
    settings = EdgeSettings.model_validate({"listen_address": "10.0.0.5", "trunks": ["10.9.0.0/24", "10.8.0.1/32"]})
    files = edge_files(settings, site(), tmp_path)
    assert set(yaml.safe_load(files["compose.yaml"])["services"]) == {"voicebot", "kamailio"}
    assert "1 10.9.0.0 24" in files["trunks.list"]
    assert "turnserver.conf" not in files, "without a secret it would relay for everybody"
    if shutil.which("systemd-analyze"):
        unit = tmp_path / "voicebot.service"
        unit.write_text(files["voicebot.service"])
        subprocess.run(["systemd-analyze", "verify", "--man=no", unit], check=False)


@pytest.mark.parametrize(
    ("settings", "code"),
    [({"trunks": ["10.0.0.0/8"]}, "edge_address_missing"), ({"listen_address": "10.0.0.5"}, "edge_trunks_missing")],
)
def test_what_an_edge_cannot_do_without_is_one_clear_error(settings: dict[str, object], code: str, tmp_path: Path):
    with pytest.raises(ConfigurationError) as raised:
        edge_files(EdgeSettings.model_validate(settings), site(), tmp_path)
    assert raised.value.code == code


async def test_coturn_starts_with_our_file_and_listens(tmp_path: Path):
    port = free_sip_port("127.0.0.1")
    settings = EdgeSettings.model_validate(
        {"listen_address": "127.0.0.1", "trunks": ["127.0.0.1/32"], "turn_port": port}
    )
    config = tmp_path / "turnserver.conf"
    config.write_text(edge_files(settings, site(turn_secret="s" * 24), tmp_path)["turnserver.conf"])
    log = tmp_path / "log"
    process = await asyncio.create_subprocess_exec(
        *("turnserver", "-c", str(config), "--log-file", str(log), "--simple-log", "--pidfile", str(tmp_path / "pid")),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(50):
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                await writer.wait_closed()
                break
            await asyncio.sleep(0.1)
        else:
            pytest.fail("coturn does not listen: " + log.read_text()[-1500:])
        assert "Bad configuration" not in log.read_text()
    finally:
        process.terminate()
        await process.wait()
