"""An agent with a headset calls somebody into the call: what each of them hears, and what is on record."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from telephony.wav.line import WavLine
from tests.fakes.clock import FakeClock
from tests.fakes.takers import FakeTakers
from tests.support.calls import CallRig, ScriptedDialog, ScriptedRecogniser, ToneVoice, tone
from tests.support.headsets import FakePhone, FakePhones
from tests.support.hearing import seconds_of
from voicebot.core.actions import HandOff, HandOffReturned, HandOffTaken, QueueMoved
from voicebot.core.call import HandOffReason
from voicebot.core.errors import LineError, SynthesisError
from voicebot.core.ports import Line
from voicebot.pipeline.handoff import Taker
from voicebot.pipeline.held import Contact, Exchange, HeldCall, HeldCalls, Stage

CALLER_HZ, AGENT_HZ, THIRD_HZ = 300, 500, 1100


class ThirdLine:
    """120, who answers ``after_s`` or does not."""

    def __init__(self, after_s: float = 1.0, failure: str = ""):
        self.after_s = after_s
        self.failure = failure
        self.dialled: list[tuple[str, str]] = []
        self.line: WavLine | None = None
        self.given_up = False

    async def dial(self, number: str, call_id: str) -> Line:
        self.dialled.append((number, call_id))
        try:
            await asyncio.sleep(self.after_s)
        except asyncio.CancelledError:
            self.given_up = True
            raise
        if self.failure:
            raise LineError("没有接通。", code=self.failure)
        self.line = WavLine(FakeClock(), noise_rms=0)
        await self.line.caller.connect()
        return self.line

    @property
    def there(self) -> WavLine:
        assert self.line is not None
        return self.line


class ThreeWay:
    """A call that mei takes with her headset one second after it began, and 120."""

    def __init__(self, third: ThirdLine, *taken: Taker, release: list[tuple[float, str]] | None = None):
        dialog = ScriptedDialog(greeting=(HandOff(HandOffReason.ASKED),))
        takers = FakeTakers(*(taken or (Taker("mei", ""),)))
        takers.release = release if release is not None else []
        self.third = third
        self.phone = FakePhone()
        self.rig = CallRig(dialog, ScriptedRecogniser(["我家着火了", "快来", "在南昌路"]), takers=takers)
        self.phones = self.rig.phones = FakePhones(mei=self.phone)
        contact = Contact("120", "医疗急救", "120")
        self.rig.held = HeldCalls(
            Exchange([contact], third.dial, lambda name, language: f"正在为您接通{name}，请不要挂机。")
        )

    def held(self, line: Line) -> HeldCall:
        return self.rig.held.of(line.start.call_id, "mei")

    def stage(self, line: Line) -> Stage | None:
        third = self.held(line).third
        return third.stage if third is not None else None

    def play(self, script: Callable[[WavLine], Coroutine[Any, Any, None]]) -> str:
        async def whole(line: WavLine) -> None:
            await self.phone.joined.wait()
            await script(line)

        return self.rig.play(whole)

    @property
    def stages(self) -> list[str]:
        return [str(detail["stage"]) for kind, detail in self.rig.kept.events if kind == "third_party"]

    async def all_speak(self, line: WavLine, ms: int = 1000) -> dict[str, bytes]:
        """All three say their tones at once; what each has heard meanwhile."""
        caller_at, agent_at = len(line.caller.received()), len(self.phone.heard)
        third_at = len(self.third.line.caller.received()) if self.third.line is not None else 0
        line.caller.say(tone(ms, CALLER_HZ))
        if self.third.line is not None:
            self.third.line.caller.say(tone(ms, THIRD_HZ))
        await self.phone.talk(ms, AGENT_HZ)
        await asyncio.sleep(0.5)
        third = self.third.line.caller.received()[third_at:].tobytes() if self.third.line is not None else b""
        return {
            "caller": line.caller.received()[caller_at:].tobytes(),
            "agent": bytes(self.phone.heard[agent_at:]),
            "third": third,
        }


def heard(who: bytes) -> set[int]:
    return {hz for hz in (CALLER_HZ, AGENT_HZ, THIRD_HZ) if seconds_of(hz, who) >= 0.6}


def test_three_hear_each_other_and_the_caller_is_told_read_along_and_kept() -> None:
    call = ThreeWay(ThirdLine(after_s=5), release=[(20.0, "done")])

    async def script(line: WavLine) -> None:
        assert call.held(line).bring("120").stage is Stage.RINGING
        before = len(line.caller.received())
        await asyncio.sleep(4)
        assert seconds_of(500, line.caller.received()[before:].tobytes()) > 1, "the announcement, a tone in this test"
        await asyncio.sleep(1.5)
        assert call.stage(line) is Stage.ANSWERED
        found = await call.all_speak(line)
        assert heard(found["caller"]) == {AGENT_HZ, THIRD_HZ}
        assert heard(found["agent"]) == {CALLER_HZ, THIRD_HZ}
        assert heard(found["third"]) == {CALLER_HZ, AGENT_HZ}
        await call.third.there.caller.hang_up()
        await asyncio.sleep(0.5)
        assert call.stage(line) is Stage.HUNG_UP
        found = await call.all_speak(line)
        assert heard(found["caller"]) == {AGENT_HZ}
        assert heard(found["agent"]) == {CALLER_HZ}
        await asyncio.sleep(12)

    assert call.play(script) == "handed_off"
    assert call.rig.line is not None
    assert call.third.dialled == [("120", call.rig.line.start.call_id)]
    assert call.stages == ["ringing", "answered", "hung_up"]
    kinds = [(kind, detail.get("agent")) for kind, detail in call.rig.kept.events]
    assert ("third_party", "mei") in kinds
    said = [turn.text for turn in call.rig.kept.turns.values()]
    assert "正在为您接通120，请不要挂机。" in said
    assert "我家着火了" in said, "the caller is written down as before"


@pytest.mark.parametrize(
    ("code", "stage"),
    [
        ("call_busy", Stage.BUSY),
        ("call_no_answer", Stage.NO_ANSWER),
        ("call_refused", Stage.REFUSED),
        ("call_failed", Stage.FAILED),
        ("port_taken", Stage.FAILED),
    ],
)
def test_who_does_not_answer_is_told_by_a_word_and_caller_and_agent_speak_on(code: str, stage: Stage) -> None:
    call = ThreeWay(ThirdLine(failure=code), release=[(12.0, "done")])

    async def script(line: WavLine) -> None:
        call.held(line).bring("120")
        await asyncio.sleep(2)
        assert call.stage(line) is stage
        found = await call.all_speak(line)
        assert (heard(found["caller"]), heard(found["agent"])) == ({AGENT_HZ}, {CALLER_HZ})
        assert call.held(line).bring("120").stage is Stage.RINGING, "and may be called again"
        await asyncio.sleep(12)

    assert call.play(script) == "handed_off"
    assert call.stages == ["ringing", stage.value] * 2
    faults = sum(count for what, count in call.rig.observer.counts.items() if what.startswith("fault"))
    assert faults == (2 if stage is Stage.FAILED else 0), "who is busy is no fault of a part"


@pytest.mark.parametrize("after_s", [1.0, 30.0], ids=["answered", "ringing"])
def test_the_agent_lets_the_third_party_go(after_s: float) -> None:
    call = ThreeWay(ThirdLine(after_s), release=[(12.0, "done")])

    async def script(line: WavLine) -> None:
        call.held(line).bring("120")
        await asyncio.sleep(2)
        call.held(line).drop()
        await asyncio.sleep(0.5)
        assert call.stage(line) is Stage.DROPPED
        found = await call.all_speak(line)
        assert (heard(found["caller"]), heard(found["agent"])) == ({AGENT_HZ}, {CALLER_HZ})
        await asyncio.sleep(12)

    assert call.play(script) == "handed_off"
    assert call.third.given_up == (after_s > 10)
    assert call.third.line is None or call.third.line.end is not None
    assert call.stages[-1] == "dropped"


def test_the_agent_leaves_the_two_others_who_speak_until_one_hangs_up() -> None:
    call = ThreeWay(ThirdLine(), release=[(5.0, "done")])  # leaving sets the agent free

    async def script(line: WavLine) -> None:
        call.held(line).bring("120")
        await asyncio.sleep(2)
        call.held(line).leave()
        await asyncio.sleep(5)
        found = await call.all_speak(line)
        assert (heard(found["caller"]), heard(found["third"])) == ({THIRD_HZ}, {CALLER_HZ})
        assert heard(found["agent"]) == set()
        await call.third.there.caller.hang_up()
        await asyncio.sleep(3)
        assert line.end is not None

    assert call.play(script) == "handed_off"
    assert ("agent_left", {"agent": "mei", "why": "left", "number": "120"}) in call.rig.kept.events
    assert ("headset", {"outcome": "left", "agent": "mei"}) in call.rig.kept.events
    assert call.stages == ["ringing", "answered", "hung_up"]


def test_a_caller_who_hangs_up_ends_the_third_partys_call() -> None:
    call = ThreeWay(ThirdLine(), release=[])

    async def script(line: WavLine) -> None:
        call.held(line).bring("120")
        await asyncio.sleep(2)
        call.held(line).leave()
        await asyncio.sleep(1)
        await line.caller.hang_up()

    assert call.play(script) == "handed_off"
    assert call.third.there.end is not None


def test_a_caller_who_hangs_up_while_it_rings_ends_the_ringing() -> None:
    call = ThreeWay(ThirdLine(after_s=60), release=[])

    async def script(line: WavLine) -> None:
        call.held(line).bring("120")
        await asyncio.sleep(2)
        await line.caller.hang_up()

    assert call.play(script) == "handed_off"
    assert call.third.given_up


def test_the_agent_who_is_done_ends_the_call_for_all() -> None:
    call = ThreeWay(ThirdLine(), release=[(6.0, "done")])

    async def script(line: WavLine) -> None:
        call.held(line).bring("120")
        await asyncio.sleep(9)
        assert line.end is not None

    assert call.play(script) == "handed_off"
    assert call.third.there.end is not None


@pytest.mark.parametrize("after_s", [1.0, 4.0], ids=["answered", "ringing"])
def test_a_page_that_dies_leaves_the_caller_with_the_third_party_and_then_in_the_queue(after_s: float) -> None:
    call = ThreeWay(ThirdLine(after_s), Taker("mei", ""), Taker("wang", "8002"), release=[(90.0, "done")])

    async def script(line: WavLine) -> None:
        call.held(line).bring("120")
        await asyncio.sleep(2)
        call.phone.gone.set()
        await asyncio.sleep(4)
        found = await call.all_speak(line)
        assert (heard(found["caller"]), heard(found["third"])) == ({THIRD_HZ}, {CALLER_HZ})
        assert heard(found["agent"]) == set()
        third = call.held(line).third
        assert third is not None
        assert not third.with_agent
        with pytest.raises(LineError):
            call.held(line).bring("120")
        await call.third.there.caller.hang_up()
        await asyncio.sleep(4)
        await line.caller.hang_up()

    assert call.play(script) == "caller_hung_up"
    assert ("agent_left", {"agent": "mei", "why": "lost", "number": "120"}) in call.rig.kept.events
    assert isinstance(call.rig.takers, FakeTakers)
    assert [outcome for _, outcome in call.rig.takers.outcomes][:2] == ["answered", "failed"]
    assert any(isinstance(outcome, QueueMoved) for outcome in call.rig.dialog.outcomes)
    assert HandOffTaken(put_through=True) in call.rig.dialog.outcomes, "the next agent takes the call"


def test_an_agent_whose_headset_comes_back_is_in_the_call_again() -> None:
    call = ThreeWay(ThirdLine(), release=[(16.0, "done")])

    async def script(line: WavLine) -> None:
        call.held(line).bring("120")
        await asyncio.sleep(2)
        call.phone.gone.set()
        await asyncio.sleep(4)
        assert not (call.held(line).third or pytest.fail("nobody there")).with_agent
        call.phones.phones["mei"] = call.phone = FakePhone()
        await asyncio.sleep(1)
        found = await call.all_speak(line)
        assert heard(found["caller"]) == {AGENT_HZ, THIRD_HZ}
        assert heard(found["agent"]) == {CALLER_HZ, THIRD_HZ}
        assert heard(found["third"]) == {CALLER_HZ, AGENT_HZ}
        third = call.held(line).third
        assert third is not None
        assert third.with_agent
        await asyncio.sleep(9)
        assert line.end is not None

    assert call.play(script) == "handed_off"
    assert [kind for kind, _ in call.rig.kept.events if kind.startswith("agent_")] == ["agent_left", "agent_back"]


@pytest.mark.parametrize("third", [True, False], ids=["three", "two"])
def test_a_headset_that_is_back_in_a_moment_was_never_away(third: bool) -> None:
    call = ThreeWay(ThirdLine(), release=[(12.0, "done")])

    async def script(line: WavLine) -> None:
        if third:
            call.held(line).bring("120")
        await asyncio.sleep(2)
        call.phone.gone.set()
        await asyncio.sleep(1)
        call.phones.phones["mei"] = call.phone = FakePhone()
        await asyncio.sleep(1)
        found = await call.all_speak(line)
        assert heard(found["caller"]) == ({AGENT_HZ, THIRD_HZ} if third else {AGENT_HZ})
        assert heard(found["agent"]) == ({CALLER_HZ, THIRD_HZ} if third else {CALLER_HZ})
        await asyncio.sleep(9)
        assert line.end is not None

    assert call.play(script) == "handed_off"
    assert not [kind for kind, _ in call.rig.kept.events if kind.startswith("agent_")]
    assert isinstance(call.rig.takers, FakeTakers)
    assert "failed" not in [outcome for _, outcome in call.rig.takers.outcomes]


def test_a_page_that_dies_with_a_third_party_who_never_answers_leaves_the_caller_in_the_queue() -> None:
    call = ThreeWay(ThirdLine(4, "call_no_answer"), release=[(90.0, "done")])

    async def script(line: WavLine) -> None:
        call.held(line).bring("120")
        await asyncio.sleep(1)
        call.phone.gone.set()
        await asyncio.sleep(6)
        await line.caller.hang_up()

    assert call.play(script) == "caller_hung_up"
    assert ("headset", {"outcome": "lost", "agent": "mei"}) in call.rig.kept.events


def test_a_voice_that_fails_does_not_keep_the_third_party_out() -> None:
    call = ThreeWay(ThirdLine(), release=[(8.0, "done")])
    call.rig.voice = ToneVoice(broken=SynthesisError("kaputt", code="voice_failed"))

    async def script(line: WavLine) -> None:
        call.held(line).bring("120")
        await asyncio.sleep(2)
        assert call.stage(line) is Stage.ANSWERED
        await asyncio.sleep(8)

    assert call.play(script) == "handed_off"
    assert call.rig.observer.counts["fault voice voice_failed"] == 1


def test_what_cannot_be_is_refused_with_a_word() -> None:
    call = ThreeWay(ThirdLine(), release=[(8.0, "done")])

    def code(work: Callable[[], object]) -> str:
        with pytest.raises(LineError) as refused:
            work()
        return refused.value.code

    async def script(line: WavLine) -> None:
        held = call.held(line)
        assert code(lambda: held.bring("110")) == "number_unknown"
        assert code(held.drop) == "third_party_none"
        assert code(held.leave) == "third_party_none"
        held.bring("120")
        assert code(held.leave) == "third_party_none", "who is called is not there yet"
        assert code(lambda: held.bring("120")) == "third_party_there"
        assert code(lambda: call.rig.held.only_two("mei")) == "third_party_there"
        call.rig.held.only_two("wang")
        assert code(lambda: call.rig.held.of(line.start.call_id, "wang")) == "not_held"
        assert code(lambda: call.rig.held.of_agent("wang")) == "not_held"
        assert call.rig.held.of_agent("mei") is held
        await asyncio.sleep(9)

    assert call.play(script) == "handed_off"
    with pytest.raises(LineError):
        call.rig.held.of_agent("mei")


def test_without_a_list_nobody_can_be_called() -> None:
    call = ThreeWay(ThirdLine(), release=[(3.0, "done")])
    call.rig.held = HeldCalls()

    async def script(line: WavLine) -> None:
        with pytest.raises(LineError):
            call.held(line).bring("120")
        await asyncio.sleep(4)

    assert call.play(script) == "handed_off"


def test_a_call_that_an_agent_gives_back_to_the_bot_goes_on_with_the_bot() -> None:
    call = ThreeWay(ThirdLine(), release=[(3.0, "bot")])

    async def script(line: WavLine) -> None:
        await asyncio.sleep(6)
        await line.caller.hang_up()

    assert call.play(script) == "caller_hung_up"
    assert call.rig.dialog.outcomes[-1] == HandOffReturned()
    assert ("headset", {"outcome": "bot", "agent": "mei"}) in call.rig.kept.events
    assert isinstance(call.rig.takers, FakeTakers)
    assert call.rig.takers.over == []
