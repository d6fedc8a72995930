"""The line as the one that calls: call-backs and attended transfers."""

import asyncio
from typing import Any

import numpy as np
import pytest

from telephony.sip import dialling
from tests.support.raw_sip import RawPhone, RawSip
from tests.support.sip_service import listen, sip_service
from voicebot.audio.tones import tone
from voicebot.core.call import CallEnd
from voicebot.core.errors import LineError

pytestmark = pytest.mark.network


@pytest.mark.interop("协议对端（SIP）", "回拨")
async def test_a_citizen_who_is_called_back_hears_us():
    async with sip_service() as service, RawPhone() as phone:
        line = await service.server.call(phone.uri)
        assert line.start.dialled_number == "8001"
        await line.play(tone((1000,), 300))
        await asyncio.sleep(0.6)
        assert np.abs(phone.media.heard().astype(int)).max() > 1000
        await line.hang_up()
        await phone.request_from_line("BYE")
        assert service.server.active == 0


@pytest.mark.parametrize(
    ("status", "code"), [(486, "call_busy"), (603, "call_refused"), (480, "call_no_answer"), (0, "call_no_answer")]
)
async def test_a_call_back_that_fails_says_how(status: int, code: str):
    async with sip_service(ring_timeout_s=1) as service, RawPhone(status) as phone:
        with pytest.raises(LineError) as raised:
            await service.server.call(phone.uri)
        assert raised.value.code == code
        assert service.server.active == 0


@pytest.mark.interop("协议对端（SIP）", "咨询转接（REFER、Replaces）")
async def test_an_attended_transfer_joins_the_caller_with_the_target():
    async with (
        sip_service(listen, transfer="attended") as service,
        RawSip(service.port) as caller,
        RawPhone() as phone,
    ):
        await caller.invite(headers="Supported: replaces\r\n")
        line = await service.line()
        transfer = asyncio.create_task(line.transfer(phone.uri))
        refer = await caller.request_from_line("REFER")
        assert "Replaces=" in refer.headers["refer-to"]
        caller.answer(refer, 202)
        caller.notify("200 OK", last=True)
        assert await asyncio.wait_for(transfer, 5) == "answered"
        assert line.end is CallEnd.HANDED_OFF
        await phone.request_from_line("BYE")
        await asyncio.sleep(0.1)
        assert service.server.active == 0


@pytest.mark.parametrize(("status", "outcome"), [(486, "busy"), (603, "refused"), (503, "failed"), (0, "no_answer")])
async def test_a_target_that_does_not_answer_leaves_the_caller_with_us(status: int, outcome: str):
    async with (
        sip_service(listen, transfer="attended", ring_timeout_s=1) as service,
        RawSip(service.port) as caller,
        RawPhone(status) as phone,
    ):
        await caller.invite(headers="Supported: replaces\r\n")
        line = await service.line()
        assert await asyncio.wait_for(line.transfer(phone.uri), 5) == outcome
        assert line.end is None
        assert not any(request.method in ("INVITE", "REFER") for request in caller.requests)
        await line.play(tone((1000,), 100))
        await asyncio.sleep(0.4)
        assert np.abs(caller.media.heard().astype(int)).max() > 1000
        assert await caller.bye() == 200


async def test_a_target_that_refuses_before_we_look_is_busy_all_the_same(monkeypatch: pytest.MonkeyPatch):
    placed = dialling._invite

    async def placed_and_answered(agent: Any, uri: str) -> Any:
        call = await placed(agent, uri)
        await asyncio.sleep(0.1)  # the refusal is here before anyone replays what came early
        return call

    monkeypatch.setattr(dialling, "_invite", placed_and_answered)
    async with (
        sip_service(listen, transfer="attended", ring_timeout_s=1) as service,
        RawSip(service.port) as caller,
        RawPhone(486) as phone,
    ):
        await caller.invite(headers="Supported: replaces\r\n")
        line = await service.line()
        assert await asyncio.wait_for(line.transfer(phone.uri), 5) == "busy"
        assert await caller.bye() == 200


async def test_a_caller_whose_switch_refuses_is_fetched_back_and_hears_us():
    async with (
        sip_service(listen, transfer="attended") as service,
        RawSip(service.port) as caller,
        RawPhone() as phone,
    ):
        await caller.invite(headers="Supported: replaces\r\n")
        line = await service.line()
        transfer = asyncio.create_task(line.transfer(phone.uri))
        caller.answer(await caller.request_from_line("REFER"), 403)
        assert await asyncio.wait_for(transfer, 5) == "refused"
        await phone.request_from_line("BYE")
        assert line.end is None
        await asyncio.sleep(0.3)
        caller.media.packets.clear()
        await line.play(tone((1000,), 200))
        await asyncio.sleep(0.5)
        assert np.abs(caller.media.heard().astype(int)).max() > 1000
        assert await caller.bye() == 200


async def test_a_caller_who_gives_up_while_it_rings_stops_the_ringing():
    async with (
        sip_service(listen, transfer="attended") as service,
        RawSip(service.port) as caller,
        RawPhone(0) as phone,
    ):
        await caller.invite(headers="Supported: replaces\r\n")
        line = await service.line()
        transfer = asyncio.create_task(line.transfer(phone.uri))
        invite = await phone.request_from_line("INVITE")
        phone.answer(invite, 180)
        await asyncio.sleep(0.1)
        await caller.bye()
        assert await asyncio.wait_for(transfer, 5) == "failed"
        await phone.request_from_line("CANCEL")
        assert service.server.active == 0


async def test_a_caller_whose_phone_knows_no_replaces_is_transferred_blind():
    async with sip_service(listen, transfer="attended") as service, RawSip(service.port) as caller:
        await caller.invite()
        line = await service.line()
        transfer = asyncio.create_task(line.transfer("8001"))
        refer = await caller.request_from_line("REFER")
        assert "Replaces" not in refer.headers["refer-to"]
        caller.answer(refer, 202)
        caller.notify("200 OK", last=True)
        assert await asyncio.wait_for(transfer, 5) == "answered"


async def test_a_target_that_is_not_on_the_list_is_never_called():
    async with (
        sip_service(listen, transfer_targets=("80??", "sip:*@10.0.0.5")) as service,
        RawSip(service.port) as caller,
    ):
        await caller.invite()
        line = await service.line()
        assert await line.transfer("0012345678") == "refused"
        assert await line.transfer("sip:8001@10.0.0.6") == "refused"
        assert line.end is None
        assert not any(request.method == "REFER" for request in caller.requests)
        assert await caller.bye() == 200
