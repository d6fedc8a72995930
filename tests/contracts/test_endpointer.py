"""What every `Endpointer` promises: events in order, positions on the call's time line."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicebot.core.frames import FRAME_SAMPLES
from voicebot.core.ports import Endpointer
from voicebot.core.speech import Expect
from voicebot.core.turn import TurnEvent, TurnEventKind
from voicebot.turns.endpoint import AdaptiveEndpointer
from voicebot.turns.settings import TurnSettings

Kind = TurnEventKind
FOLLOWERS = {
    None: {Kind.STARTED},
    Kind.STARTED: {Kind.HUSHED, Kind.PAUSED, Kind.ENDED},
    Kind.HUSHED: {Kind.PAUSED, Kind.RESUMED},
    Kind.PAUSED: {Kind.RESUMED, Kind.ENDED},
    Kind.RESUMED: {Kind.HUSHED, Kind.PAUSED, Kind.ENDED},
    Kind.ENDED: {Kind.STARTED},
}


def adaptive() -> Endpointer:
    return AdaptiveEndpointer(TurnSettings())


ENDPOINTERS = [adaptive]


def listen(endpointer: Endpointer, speech: list[float]) -> list[TurnEvent]:
    return [event for at, value in enumerate(speech) for event in endpointer.push(value, at * FRAME_SAMPLES)]


@pytest.mark.parametrize("make", ENDPOINTERS)
def test_silence_says_nothing(make: Callable[[], Endpointer]) -> None:
    assert listen(make(), [0.0] * 500) == []


@pytest.mark.parametrize("make", ENDPOINTERS)
def test_a_sentence_starts_pauses_and_ends(make: Callable[[], Endpointer]) -> None:
    events = listen(make(), [0.0] * 20 + [0.9] * 50 + [0.0] * 100)
    assert [event.kind for event in events] == [Kind.STARTED, Kind.PAUSED, Kind.ENDED]
    assert 64 * FRAME_SAMPLES <= events[-1].speech_end <= 70 * FRAME_SAMPLES


@pytest.mark.parametrize("make", ENDPOINTERS)
@settings(max_examples=60, deadline=None)
@given(
    runs=st.lists(st.tuples(st.floats(0, 1), st.sampled_from([-20.0, -40.0, -70.0]), st.integers(1, 90)), max_size=25),
    partial=st.sampled_from(["", "我要反映那个", "谢谢", "一三八零零"]),
    expects=st.sampled_from(list(Expect)),
)
def test_events_come_in_an_order_that_makes_sense(
    make: Callable[[], Endpointer], runs: list[tuple[float, float, int]], partial: str, expects: Expect
) -> None:
    endpointer = make()
    endpointer.expect(expects)
    last: TurnEvent | None = None
    turn_start = last_speech_end = position = 0
    for value, level_dbfs, frames in runs:
        for _ in range(frames):
            for event in endpointer.push(value, position, level_dbfs):
                assert event.kind in FOLLOWERS[last.kind if last else None]
                assert event.position <= position + FRAME_SAMPLES
                if event.kind is Kind.STARTED:
                    assert last_speech_end <= event.position <= position
                    turn_start = event.position
                else:
                    assert turn_start <= event.speech_end <= position + FRAME_SAMPLES
                if event.kind is Kind.ENDED:
                    last_speech_end = event.speech_end
                last = event
            position += FRAME_SAMPLES
        endpointer.hear(partial, until=position)
    # enough silence ends whatever is going on
    for _ in range(80):
        for event in endpointer.push(0.0, position):
            last = event
        position += FRAME_SAMPLES
    assert last is None or last.kind is Kind.ENDED
