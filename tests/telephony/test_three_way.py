"""A three-way call over real SIP and a real headset: caller, agent, and a telephone that the agent calls."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from telephony.settings import WebRtcSettings
from telephony.webrtc.caller import WebRtcCaller
from tests.fakes.takers import FakeTakers
from tests.support.calls import CallRig, ScriptedDialog, ScriptedRecogniser
from tests.support.hearing import seconds_of
from tests.support.raw_sip import RawPhone, RawSip, parse
from tests.support.sip_service import Service, sip_service
from voicebot.app.phones import DeskPhones
from voicebot.audio.tones import tone
from voicebot.core.actions import HandOff
from voicebot.core.call import CallEnd, HandOffReason
from voicebot.core.clock import SystemClock
from voicebot.core.errors import LineError
from voicebot.core.ports import Line
from voicebot.pipeline.handoff import Taker
from voicebot.pipeline.held import Contact, Exchange, HeldCall, HeldCalls, Stage
from voicebot.pipeline.listening import ListeningPosts
from voicebot.pipeline.session import CallSession

pytestmark = pytest.mark.network

CALLER_HZ, AGENT_HZ, THIRD_HZ = 700, 1300, 1900


class Tracks:
    """A recording in memory."""

    def __init__(self) -> None:
        self.left, self.right = bytearray(), bytearray()

    def caller(self, position: int, pcm: bytes) -> None:
        self.left += pcm

    def bot(self, position: int, pcm: bytes) -> None:
        self.right += pcm

    async def close(self) -> None:
        pass


@dataclass
class Talk:
    """A caller, mei with her headset, and whom she may call."""

    service: Service
    caller: RawSip
    mei: WebRtcCaller
    third: RawPhone
    rig: CallRig
    tracks: Tracks
    ended: "asyncio.Future[CallEnd]"

    async def held(self) -> HeldCall:
        line = self.service.lines[0]
        async with asyncio.timeout(5):
            while (held := self.rig.held.find(line.start.call_id, "mei")) is None:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        return held

    async def until(self, *stages: Stage) -> None:
        held = await self.held()
        async with asyncio.timeout(5):
            while held.third is None or held.third.stage not in stages:  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    async def all_speak(self) -> dict[str, set[int]]:
        """All three say their tones at once for two seconds; whose tone each has heard for more than one."""
        before = {
            "caller": len(self.caller.media.heard()),
            "agent": len(self.mei.received()),
            "third": len(self.third.media.heard()),
        }
        self.caller.media.speech.extend(tone((CALLER_HZ,), 2000))
        self.mei.say(tone((AGENT_HZ,), 2000))
        self.third.media.speech.extend(tone((THIRD_HZ,), 2000))
        await asyncio.sleep(2.6)
        after = {
            "caller": self.caller.media.heard()[before["caller"] :],
            "agent": self.mei.received()[before["agent"] :],
            "third": self.third.media.heard()[before["third"] :],
        }
        tones = (CALLER_HZ, AGENT_HZ, THIRD_HZ)
        return {who: {hz for hz in tones if seconds_of(hz, heard) > 1} for who, heard in after.items()}


@asynccontextmanager
async def talk(third: RawPhone, allowed: tuple[str, ...] = ("*",)) -> AsyncIterator[Talk]:
    rig, tracks = _rig(), Tracks()
    ended: asyncio.Future[CallEnd] = asyncio.get_running_loop().create_future()

    async def serve(_service: Service, line: Line) -> None:
        parts = replace(rig._parts(), recorder=lambda start: tracks)
        ended.set_result(await CallSession(parts, line).run())

    phones = DeskPhones(WebRtcSettings(silent_timeout_s=3), SystemClock(), "luoyang", ListeningPosts())
    wearing = asyncio.create_task(phones.run())
    await asyncio.sleep(0)
    mei = WebRtcCaller(lambda offer: phones.answer("mei", offer))
    rig.phones = phones
    try:
        async with (
            sip_service(serve, collect_keys=False, ring_timeout_s=2, transfer_targets=allowed) as service,
            RawSip(service.port) as caller,
            third,
        ):
            rig.held = HeldCalls(
                Exchange(
                    [Contact("120", "医疗急救", "120")],
                    lambda number, call_id: service.server.call(third.uri, call_id),
                    lambda name, language: f"正在为您接通{name}。",
                )
            )
            await mei.connect()
            await caller.invite()
            await service.line()
            yield Talk(service, caller, mei, third, rig, tracks, ended)
            if not ended.done():
                await caller.bye()
            await asyncio.wait_for(ended, 10)
    finally:
        await mei.hang_up()
        wearing.cancel()
        await asyncio.gather(wearing, return_exceptions=True)


def _rig() -> CallRig:
    dialog = ScriptedDialog(greeting=(HandOff(HandOffReason.ASKED),))
    return CallRig(dialog, ScriptedRecogniser(["我家着火了"]), takers=FakeTakers(Taker("mei", ""), after_s=0.2))


@pytest.mark.interop("协议对端（SIP）", "三方通话：三方互相听见，谁也听不见自己")
async def test_caller_agent_and_third_party_each_hear_the_other_two() -> None:
    async with talk(RawPhone()) as call:
        held = await call.held()
        held.bring("120")
        await call.until(Stage.ANSWERED)
        await asyncio.sleep(0.5)
        assert await call.all_speak() == {
            "caller": {AGENT_HZ, THIRD_HZ},
            "agent": {CALLER_HZ, THIRD_HZ},
            "third": {CALLER_HZ, AGENT_HZ},
        }
        recorded = {side: bytes(track) for side, track in (("left", call.tracks.left), ("right", call.tracks.right))}
        assert [hz for hz in (CALLER_HZ, AGENT_HZ, THIRD_HZ) if seconds_of(hz, recorded["left"]) > 1] == [CALLER_HZ]
        assert {hz for hz in (AGENT_HZ, THIRD_HZ) if seconds_of(hz, recorded["right"]) > 1} == {AGENT_HZ, THIRD_HZ}
        held.drop()
        await call.third.request_from_line("BYE")
        found = await call.all_speak()
        assert (found["caller"], found["agent"]) == ({AGENT_HZ}, {CALLER_HZ})
        assert "我家着火了" in [turn.text for turn in call.rig.kept.turns.values()]
    assert call.service.server.active == 0


async def test_who_hangs_up_on_the_far_side_leaves_caller_and_agent_speaking() -> None:
    async with talk(RawPhone()) as call:
        (await call.held()).bring("120")
        await call.until(Stage.ANSWERED)
        assert await call.third.bye() == 200
        await call.until(Stage.HUNG_UP)
        found = await call.all_speak()
        assert (found["caller"], found["agent"]) == ({AGENT_HZ}, {CALLER_HZ})


@pytest.mark.parametrize(
    ("status", "stage"),
    [(486, Stage.BUSY), (603, Stage.REFUSED), (480, Stage.NO_ANSWER), (0, Stage.NO_ANSWER), (503, Stage.FAILED)],
)
async def test_who_does_not_answer_is_told_by_a_word(status: int, stage: Stage) -> None:
    async with talk(RawPhone(status)) as call:
        (await call.held()).bring("120")
        await call.until(stage)
        stages = [str(detail["stage"]) for kind, detail in call.rig.kept.events if kind == "third_party"]
        assert stages == ["ringing", stage.value]
        assert call.service.server.active == 1


async def test_a_page_that_dies_leaves_the_caller_with_the_third_party() -> None:
    async with talk(RawPhone()) as call:
        (await call.held()).bring("120")
        await call.until(Stage.ANSWERED)
        await call.mei.hang_up()
        async with asyncio.timeout(8):
            while "agent_left" not in [kind for kind, _ in call.rig.kept.events]:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        found = await call.all_speak()
        assert (found["caller"], found["third"]) == ({THIRD_HZ}, {CALLER_HZ})
    await call.third.request_from_line("BYE")


async def test_an_agent_who_leaves_lets_the_two_speak_until_one_hangs_up() -> None:
    async with talk(RawPhone()) as call:
        held = await call.held()
        held.bring("120")
        await call.until(Stage.ANSWERED)
        held.leave()
        found = await call.all_speak()
        assert (found["caller"], found["third"], found["agent"]) == ({THIRD_HZ}, {CALLER_HZ}, set())
        assert await call.third.bye() == 200
        await call.caller.request_from_line("BYE")
        assert await asyncio.wait_for(call.ended, 5) is CallEnd.HANDED_OFF


async def test_a_number_that_is_not_on_the_list_of_the_line_is_never_dialled() -> None:
    async with talk(RawPhone(), allowed=("sip:*@10.0.0.5",)) as call:
        (await call.held()).bring("120")
        await call.until(Stage.REFUSED)
        assert call.third.requests == []


class Switch(RawSip):
    """A caller behind a switch at which everybody is busy."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.called: list[str] = []

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        message = parse(data)
        if message.method == "INVITE" and not message.status:
            self.called.append(message.first)
            self.answer(message, 486)
        else:
            super().datagram_received(data, addr)


async def test_a_plain_number_is_dialled_at_the_callers_own_switch() -> None:
    async with sip_service() as service, Switch(service.port) as caller:
        await caller.invite()
        line = await service.line()
        with pytest.raises(LineError) as refused:
            await service.server.call("120", line.start.call_id)
        assert refused.value.code == "call_busy"
        assert [each.partition(";")[0] for each in caller.called] == [f"INVITE sip:120@127.0.0.1:{caller.own_port}"]
        with pytest.raises(LineError) as refused:
            await service.server.call("120")
        assert refused.value.code == "call_failed"
        assert await caller.bye() == 200
