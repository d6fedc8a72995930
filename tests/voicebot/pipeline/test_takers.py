"""A call that an agent takes: put through where the agent has a line, promised a call back where not."""

import asyncio

import pytest

from telephony.wav.line import WavLine
from tests.fakes.takers import FakeTakers
from tests.support.calls import CallRig, ScriptedDialog
from voicebot.core.actions import Action, HandOff, HandOffTaken, HangUp, Outcome, Say
from voicebot.core.call import HandOffReason
from voicebot.pipeline.handoff import Taker


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
    """Every transfer of a file line is answered; the targets."""
    targets: list[str] = []

    async def transfer(self: WavLine, target: str) -> str:
        targets.append(target)
        await self.hang_up()
        return "answered"

    monkeypatch.setattr(WavLine, "transfer", transfer)
    return targets


def test_a_call_goes_through_to_the_agent_who_took_it_once_the_caller_was_told(answering: list[str]) -> None:
    takers = FakeTakers(Taker("mei", "8001"))
    call = CallRig(_dialog(Say("正在为您接通。")), takers=takers)
    call.play(_wait_and_hang_up)
    assert call.dialog.outcomes[-1] == HandOffTaken(put_through=True)
    assert call.voice.spoken == ["正在为您接通。"]
    assert answering == ["8001"]
    assert [outcome for _, outcome in takers.outcomes] == ["answered"]
    assert (takers.over, call.end) == ([], "handed_off")
    assert ("transfer", {"outcome": "answered", "agent": "mei"}) in call.kept.events


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
