"""A caller, an agent and a third party on one line: who hears whom."""

import asyncio

from tests.fakes.line import FakeLine
from tests.support.headsets import FakePhone
from voicebot.core.frames import FRAME_BYTES
from voicebot.pipeline.bridge import Bridge
from voicebot.pipeline.frames import SpeakFrame
from voicebot.pipeline.state import CallState
from voicebot.pipeline.utterance import Utterance


def frame(value: int) -> bytes:
    return value.to_bytes(2, "little", signed=True) * (FRAME_BYTES // 2)


CALLER, AGENT, THIRD, CHIEF = 1, 20, 300, 4000


def say(phone: FakePhone, value: int) -> None:
    assert phone.sink is not None
    phone.sink(frame(value))


def frames(pcm: bytes | bytearray) -> list[int]:
    """A number a frame."""
    return [int.from_bytes(pcm[at : at + 2], "little", signed=True) for at in range(0, len(pcm), FRAME_BYTES)]


async def on_the_wire(line: FakeLine) -> list[int]:
    """What has left for the caller since it was last asked, a number a frame."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    line.send(400)
    wire = bytes(line.wire)
    line.wire.clear()
    return frames(wire)


def tick(state: CallState) -> None:
    assert state.bridged is not None
    state.bridged(frame(CALLER))


async def test_each_hears_the_two_others_and_not_himself() -> None:
    line, agent, third, state = FakeLine(), FakePhone(), FakePhone(), CallState()
    async with Bridge(line, agent, state) as bridge:
        say(agent, AGENT)
        tick(state)
        assert (frames(agent.heard), await on_the_wire(line)) == ([CALLER], [AGENT])
        bridge.third_joins(third)
        say(agent, AGENT)
        say(third, THIRD)
        tick(state)
        assert frames(agent.heard)[1:] == [CALLER + THIRD]
        assert frames(third.heard) == [CALLER + AGENT]
        assert await on_the_wire(line) == [AGENT + THIRD]
        tick(state)  # nobody but the caller says anything
        assert (frames(agent.heard)[-1], frames(third.heard)[-1], await on_the_wire(line)) == (CALLER, CALLER, [0])
    assert (agent.sink, third.sink, state.bridged) == (None, None, None)


async def test_who_is_left_speaks_on_when_one_of_the_others_goes() -> None:
    line, agent, third, state = FakeLine(), FakePhone(), FakePhone(), CallState()
    async with Bridge(line, agent, state) as bridge:
        bridge.third_joins(third)
        bridge.third_leaves()
        assert third.sink is None
        say(agent, AGENT)
        tick(state)
        assert (frames(agent.heard), frames(third.heard), await on_the_wire(line)) == ([CALLER], [], [AGENT])
        bridge.third_joins(third)
        bridge.agent_leaves()
        assert agent.sink is None
        say(third, THIRD)
        tick(state)
        assert (frames(agent.heard), frames(third.heard), await on_the_wire(line)) == ([CALLER], [CALLER], [THIRD])


async def test_a_whisper_is_for_the_agent_alone_and_who_joins_is_heard_by_all() -> None:
    line, agent, third, state = FakeLine(), FakePhone(), FakePhone(), CallState()
    others: list[int] = []
    state.agent_said = lambda pcm: others.append(int.from_bytes(pcm[:2], "little"))
    state.to_agent = lambda pcm: frame(int.from_bytes(pcm[:2], "little", signed=True) + CHIEF)
    async with Bridge(line, agent, state) as bridge:
        bridge.third_joins(third)
        say(agent, AGENT)
        say(third, THIRD)
        tick(state)
        assert frames(agent.heard) == [CALLER + THIRD + CHIEF]
        assert frames(third.heard) == [CALLER + AGENT]
        assert await on_the_wire(line) == [AGENT + THIRD]
        state.to_caller = state.to_agent
        tick(state)
        assert (frames(agent.heard)[-1], frames(third.heard)[-1]) == (CALLER + CHIEF, CALLER + CHIEF)
        assert await on_the_wire(line) == [CHIEF]
    assert others == [AGENT + THIRD, 0], "the supervisor hears both of them beside the caller"


async def test_an_announcement_is_heard_by_caller_and_agent_until_somebody_answers() -> None:
    line, agent, third, state = FakeLine(), FakePhone(), FakePhone(), CallState()
    words = Utterance(SpeakFrame(text="正在接通"), made=True)
    words.audio.extend(frame(7) * 3)
    async with Bridge(line, agent, state) as bridge:
        bridge.announce(words)
        say(agent, AGENT)
        tick(state)
        assert (frames(agent.heard), await on_the_wire(line)) == ([CALLER + 7], [AGENT + 7])
        bridge.third_joins(third)
        tick(state)
        assert (frames(agent.heard)[-1], frames(third.heard), await on_the_wire(line)) == (CALLER, [CALLER], [0])
    assert words.handed == FRAME_BYTES // 2


async def test_who_speaks_while_nobody_listens_is_not_heard_late() -> None:
    line, agent, state = FakeLine(), FakePhone(), CallState()
    async with Bridge(line, agent, state):
        for value in range(1, 31):
            say(agent, value)
        for _ in range(12):
            tick(state)
        heard = await on_the_wire(line)
        assert heard[: len(heard)] == [*range(21, 31), 0, 0][: len(heard)], "the newest 200 ms, the rest is dropped"
        assert heard


async def test_a_line_that_takes_nothing_holds_nobody_up() -> None:
    line, agent, state = FakeLine(), FakePhone(), CallState()
    async with Bridge(line, agent, state):
        for _ in range(500):
            say(agent, AGENT)
            tick(state)
            await asyncio.sleep(0)
        assert len(frames(agent.heard)) == 500
        played = line.played()
        assert played.written - played.heard <= 8 * 300
