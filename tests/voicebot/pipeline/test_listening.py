"""A supervisor in a call."""

import numpy as np
import pytest

from tests.support.headsets import FakePhone
from voicebot.audio.mixing import mixed
from voicebot.core.errors import LineError
from voicebot.core.frames import FRAME_BYTES
from voicebot.pipeline.listening import ListeningPosts, Mode
from voicebot.pipeline.state import CallState


def frame(value: int) -> bytes:
    return value.to_bytes(2, "little", signed=True) * (FRAME_BYTES // 2)


def test_two_voices_are_laid_over_each_other_and_clipped() -> None:
    assert mixed(frame(100), frame(-30)) == frame(70)
    assert mixed(frame(30_000), frame(30_000)) == frame(32_767)
    assert mixed(frame(100), b"") == frame(100)
    assert len(mixed(frame(100), frame(5)[:10])) == FRAME_BYTES


def test_who_listens_hears_both_sides_and_is_heard_by_nobody() -> None:
    posts, state, ear = ListeningPosts(), CallState(), FakePhone()
    post = posts.open("call-1", state)
    post.caller(0, frame(1))
    posts.enter("call-1", ear, Mode.LISTEN)
    post.bot(160, frame(50))
    post.caller(160, frame(7))
    post.caller(320, frame(8))
    assert ear.heard == frame(57) + frame(8)
    assert ear.sink is not None
    ear.sink(frame(900))
    assert state.to_agent is not None
    assert state.to_caller is not None
    assert (state.to_agent(frame(1)), state.to_caller(frame(2))) == (frame(1), frame(2))


@pytest.mark.parametrize(("mode", "agent", "caller"), [(Mode.WHISPER, 901, 2), (Mode.JOIN, 901, 902)])
def test_a_whisper_reaches_the_agent_alone_and_who_joins_is_heard_by_both(mode: Mode, agent: int, caller: int) -> None:
    posts, state, ear = ListeningPosts(), CallState(bridged=lambda pcm: None), FakePhone()
    posts.open("call-1", state)
    posts.enter("call-1", ear, mode)
    assert ear.sink is not None
    ear.sink(frame(900))
    assert state.to_agent is not None
    assert state.to_caller is not None
    assert state.to_agent(frame(1)) == frame(agent)
    assert state.to_caller(frame(2)) == frame(caller)
    assert state.to_agent(frame(1)) == frame(1)  # each word once


def test_a_supervisor_is_in_one_call_at_a_time_and_leaves_no_trace() -> None:
    posts, states, ear = ListeningPosts(), (CallState(), CallState()), FakePhone()
    one, two = posts.open("call-1", states[0]), posts.open("call-2", states[1])
    posts.enter("call-1", ear, Mode.LISTEN)
    posts.enter("call-2", ear, Mode.LISTEN)
    one.caller(0, frame(1))
    two.caller(0, frame(2))
    assert ear.heard == frame(2)
    assert states[0].to_agent is None
    posts.leave(ear)
    two.caller(160, frame(3))
    assert ear.heard == frame(2)
    assert ear.sink is None


@pytest.mark.parametrize(
    ("call", "mode", "why"), [("gone", Mode.LISTEN, "不在这里"), ("call-2", Mode.JOIN, "没有坐席")]
)
def test_who_cannot_be_in_a_call_is_told_why_and_stays_where_they_were(call: str, mode: Mode, why: str) -> None:
    posts, ear = ListeningPosts(), FakePhone()
    one, _ = posts.open("call-1", CallState()), posts.open("call-2", CallState())
    posts.enter("call-1", ear, Mode.LISTEN)
    with pytest.raises(LineError, match=why):
        posts.enter(call, ear, mode)
    assert one.listens(ear)
    assert ear.sink is not None


def test_a_call_that_ends_lets_its_listener_go() -> None:
    posts, ear = ListeningPosts(), FakePhone()
    posts.open("call-1", CallState())
    posts.enter("call-1", ear, Mode.LISTEN)
    posts.close("call-1")
    assert ear.sink is None
    with pytest.raises(LineError, match="不在这里"):
        posts.enter("call-1", ear, Mode.LISTEN)


def test_what_the_other_side_says_does_not_pile_up() -> None:
    posts, ear = ListeningPosts(), FakePhone()
    post = posts.open("call-1", CallState())
    posts.enter("call-1", ear, Mode.LISTEN)
    post.bot(0, np.arange(40_000, dtype="<i2").tobytes())
    post.caller(0, frame(0))
    assert len(post._other) <= 16_000
