"""A call that an agent takes: put through where the agent has a line, promised a call back where not."""

import asyncio

import numpy as np
import pytest

from telephony.wav.line import WavLine
from tests.fakes.takers import FakeTakers
from tests.support.calls import CallRig, ScriptedDialog, ScriptedRecogniser, tone
from tests.support.headsets import FakePhone, FakePhones
from voicebot.core.actions import Action, HandOff, HandOffTaken, HangUp, Outcome, QueueMoved, Say
from voicebot.core.call import HandOffReason
from voicebot.pipeline.handoff import Taker
from voicebot.pipeline.listening import Mode


def _dialog(*on_taken: Action) -> ScriptedDialog:
    dialog = ScriptedDialog(greeting=(HandOff(HandOffReason.ASKED),))

    def reply(outcome: Outcome) -> tuple[Action, ...]:
        return on_taken if isinstance(outcome, HandOffTaken) else ()

    dialog.reply_to = reply
    return dialog


async def _wait_and_hang_up(line: WavLine) -> None:
    await asyncio.sleep(5)
    await line.caller.hang_up()


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every transfer of a file line is answered after two seconds of ringing; the targets."""
    targets: list[str] = []

    async def transfer(self: WavLine, target: str) -> str:
        targets.append(target)
        await asyncio.sleep(2)
        await self.hang_up()
        return "answered"

    monkeypatch.setattr(WavLine, "transfer", transfer)
    return targets


def test_a_call_goes_through_to_the_agent_who_took_it_and_the_caller_is_told_meanwhile(answering: list[str]) -> None:
    takers = FakeTakers(Taker("mei", "8001"))
    call = CallRig(_dialog(Say("正在为您接通。")), takers=takers)
    call.play(_wait_and_hang_up)
    assert call.dialog.outcomes[-1] == HandOffTaken(put_through=True)
    assert "正在为您接通。" in [turn.text for turn in call.kept.turns.values()]
    assert answering == ["8001"]
    assert [outcome for _, outcome in takers.outcomes] == ["answered"]
    assert (takers.over, call.end) == ([], "handed_off")
    assert ("transfer", {"outcome": "answered", "agent": "mei"}) in call.kept.events


def test_the_agents_telephone_rings_at_once_though_the_bot_was_speaking(answering: list[str]) -> None:
    call = CallRig(_dialog(Say("正在为您接通。")), takers=FakeTakers(Taker("mei", "8001")))
    call.dialog.greeting = (HandOff(HandOffReason.ASKED), Say("这是一段很长的话，要说上好几秒钟，请您稍等一会儿。"))
    rang: list[float] = []

    async def script(line: WavLine) -> None:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        while not answering:  # noqa: ASYNC110  a list is no event
            await asyncio.sleep(0.01)
        rang.append(loop.time() - began_s)
        await asyncio.sleep(5)

    assert call.play(script) == "handed_off"
    assert rang[0] < 1.2, "the agent takes it one second after the caller asked"


def test_an_agent_who_does_not_pick_up_loses_the_call_to_the_next() -> None:
    takers = FakeTakers(Taker("mei", "8001"), Taker("wang", "8002"))
    call = CallRig(_dialog(Say("正在为您接通。")), takers=takers)
    call.play(_wait_and_hang_up)
    assert [outcome for _, outcome in takers.outcomes] == ["failed", "failed"]
    assert call.dialog.outcomes.count(HandOffTaken(put_through=True)) == 2
    assert call.end == "caller_hung_up"
    assert [entry.state for entry in call.queue.entries] == ["abandoned"]


def test_an_agent_without_a_line_calls_back() -> None:
    takers = FakeTakers(Taker("mei", ""))
    call = CallRig(_dialog(Say("马上给您回电。"), HangUp("call_back")), takers=takers)
    call.play(_wait_and_hang_up)
    assert call.dialog.outcomes[-1] == HandOffTaken(put_through=False)
    assert call.end == "bot_hung_up"
    assert len(takers.over) == 1
    assert [entry.state for entry in call.queue.entries] == ["waiting"]  # the agent has it in hand, not the caller


def test_nobody_takes_the_call_and_nothing_is_left_behind() -> None:
    call = CallRig(_dialog(), takers=FakeTakers())
    assert call.play(_wait_and_hang_up) == "caller_hung_up"
    assert [entry.state for entry in call.queue.entries] == ["abandoned"]


def _with_headset(*taken: Taker, release: list[tuple[float, str]]) -> tuple[CallRig, FakePhone]:
    takers = FakeTakers(*taken)
    takers.release = release
    phone = FakePhone()
    call = CallRig(_dialog(Say("正在为您接通。")), ScriptedRecogniser(["我家停水了", "好的谢谢"]), takers=takers)
    call.phones = FakePhones(mei=phone)
    return call, phone


def _loud(pcm: bytes) -> int:
    return int(np.count_nonzero(np.abs(np.frombuffer(pcm, "<i2").astype(int)) > 2000))


def test_an_agent_with_a_headset_speaks_with_the_caller_who_is_read_along() -> None:
    call, phone = _with_headset(Taker("mei", ""), release=[(6.0, "done")])

    async def script(line: WavLine) -> None:
        await asyncio.sleep(4)
        line.caller.say(tone(600))
        await asyncio.sleep(1)
        before = len(line.caller.received())
        await phone.talk(1000)
        assert _loud(line.caller.received()[before:].tobytes()) > 0.5 * 8000
        await asyncio.sleep(8)

    assert call.play(script) == "handed_off"
    assert _loud(bytes(phone.heard)) > 0.4 * 0.6 * 8000
    assert phone.sink is None
    assert call.dialog.outcomes[-1] == HandOffTaken(put_through=True, at_once=True)
    assert call.voice.spoken == []  # nothing is announced, and nothing that is said to a person is answered
    assert "我家停水了" in [turn.text for turn in call.kept.turns.values()]
    assert ("headset", {"outcome": "done", "agent": "mei"}) in call.kept.events
    assert isinstance(call.takers, FakeTakers)
    assert [outcome for _, outcome in call.takers.outcomes] == ["answered"]


def test_caller_and_agent_hear_each_other_within_a_fifth_of_a_second_though_the_bot_was_speaking() -> None:
    call, phone = _with_headset(Taker("mei", ""), release=[(5.0, "done")])
    call.dialog.greeting = (
        HandOff(HandOffReason.ASKED),
        Say("这是一段很长的话，要说上好几秒钟，请您稍等一会儿，不要挂机。"),
    )
    joined: list[float] = []

    async def script(line: WavLine) -> None:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        await phone.joined.wait()
        joined.append(loop.time() - began_s)
        await asyncio.sleep(10)

    assert call.play(script) == "handed_off"
    assert joined[0] < 1.2, "the agent takes it one second after the caller asked"


def test_a_supervisor_who_joins_is_heard_by_agent_and_caller() -> None:
    call, phone = _with_headset(Taker("mei", ""), release=[(6.0, "done")])
    chief = FakePhone()

    async def script(line: WavLine) -> None:
        await asyncio.sleep(4)
        call.listening.enter(line.start.call_id, chief, Mode.JOIN)
        heard, before = len(phone.heard), len(line.caller.received())
        silence = bytes(320)
        for _ in range(50):
            assert chief.sink is not None
            assert phone.sink is not None
            chief.sink(tone(20, hz=700))
            phone.sink(silence)
            await asyncio.sleep(0.02)
        assert _loud(bytes(phone.heard[heard:])) > 0.4 * 8000
        assert _loud(line.caller.received()[before:].tobytes()) > 0.4 * 8000
        assert _loud(bytes(chief.heard)) == 0  # nobody else spoke, and one's own voice does not come back
        await phone.talk(500)
        assert _loud(bytes(chief.heard)) > 0.4 * 4000
        await asyncio.sleep(8)

    assert call.play(script) == "handed_off"
    assert chief.sink is None


def test_a_caller_whose_agent_lost_the_page_keeps_the_place_and_gets_the_next_one() -> None:
    call, phone = _with_headset(Taker("mei", ""), Taker("wang", "8002"), release=[(60.0, "done")])

    async def script(line: WavLine) -> None:
        await asyncio.sleep(4)
        phone.gone.set()
        await asyncio.sleep(6)
        await line.caller.hang_up()

    assert call.play(script) == "caller_hung_up"
    assert isinstance(call.takers, FakeTakers)
    assert [outcome for _, outcome in call.takers.outcomes][:2] == ["answered", "failed"]
    taken = [outcome for outcome in call.dialog.outcomes if isinstance(outcome, HandOffTaken)]
    assert taken == [HandOffTaken(put_through=True, at_once=True), HandOffTaken(put_through=True)]
    assert any(isinstance(outcome, QueueMoved) for outcome in call.dialog.outcomes)


def test_a_database_that_is_away_for_a_moment_does_not_end_a_conversation() -> None:
    call, phone = _with_headset(Taker("mei", ""), release=[(2.0, "unavailable"), (4.0, "done")])

    async def script(line: WavLine) -> None:
        await asyncio.sleep(5)
        before = len(line.caller.received())
        await phone.talk(500)
        assert _loud(line.caller.received()[before:].tobytes()) > 0.25 * 8000
        await asyncio.sleep(6)

    assert call.play(script) == "handed_off"
    assert call.observer.counts["fault queue unavailable"] == 1
    assert call.voice.spoken == []


def test_a_caller_who_hangs_up_on_an_agent_leaves_nothing_running() -> None:
    call, phone = _with_headset(Taker("mei", ""), release=[])

    async def script(line: WavLine) -> None:
        await asyncio.sleep(4)
        await line.caller.hang_up()

    assert call.play(script) == "handed_off"
    assert phone.sink is None
