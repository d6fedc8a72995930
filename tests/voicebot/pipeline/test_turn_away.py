"""A caller too many is told so, is on record, and is called back."""

import asyncio

import pytest

from telephony.wav.line import WavLine
from tests.fakes.agent_queue import FakeAgentQueue
from tests.fakes.call_store import FakeCallStore
from tests.fakes.clock import FakeClock
from tests.fakes.observer import FakeObserver
from tests.support.calls import ToneVoice
from voicebot.core.call import CallEnd, HandOffReason
from voicebot.core.errors import StorageError, SynthesisError
from voicebot.evaluation.virtual_time import run_in_virtual_time
from voicebot.pipeline.turn_away import TurnedAway

WORDS = "现在打进来的人太多。"


class Rig:
    def __init__(self, number: str = "13800138000") -> None:
        self.calls, self.queue, self.observer = FakeCallStore(), FakeAgentQueue(FakeClock()), FakeObserver()
        self.voice = ToneVoice()
        self.number = number
        self.line: WavLine | None = None

    def play(self, hang_up_after_s: float = 60) -> CallEnd:
        async def main() -> CallEnd:
            self.line = line = WavLine(FakeClock(), caller_number=self.number)
            await line.caller.connect()
            away = TurnedAway(
                line, self.voice, self.calls, self.calls, self.queue, self.observer, lambda number: WORDS + number[:3]
            )
            leaving = asyncio.create_task(self._leave(line, hang_up_after_s))
            end = await away.run()
            leaving.cancel()
            return end

        return run_in_virtual_time(main())

    @staticmethod
    async def _leave(line: WavLine, after_s: float) -> None:
        await asyncio.sleep(after_s)
        await line.caller.hang_up()


def test_the_caller_hears_it_to_the_end_and_is_listed_to_be_called_back() -> None:
    rig = Rig()
    assert rig.play() is CallEnd.BOT_HUNG_UP
    assert rig.voice.spoken == [WORDS, "138"]
    assert rig.line is not None
    played = rig.line.played()
    assert played.heard == played.written > 0
    (call,) = rig.calls.calls.values()
    assert [turn.text for turn in call.turns.values()] == [WORDS + "138"]
    assert ("turned_away", {}) in call.events
    assert call.end is CallEnd.BOT_HUNG_UP
    (entry,) = rig.queue.entries
    assert (entry.request.reason, entry.state) == (HandOffReason.BUSY, "abandoned")
    assert rig.observer.counts["answered"] == 0


def test_a_caller_who_does_not_wait_for_the_end_is_listed_too() -> None:
    rig = Rig()
    assert rig.play(hang_up_after_s=0.5) is CallEnd.CALLER_HUNG_UP
    assert len(rig.queue.entries) == 1
    ((turn,),) = [call.turns.values() for call in rig.calls.calls.values()]
    assert (turn.text, turn.raw_text) == ("", WORDS + "138"), "what was not heard is not on record as heard"


@pytest.mark.parametrize(
    ("voice", "heard"),
    [
        (ToneVoice(slow_s={WORDS: 100}), ""),
        (ToneVoice(broken=SynthesisError("gone", code="gone")), ""),
        (ToneVoice(slow_s={"138": 100}), WORDS),
    ],
)
def test_a_voice_that_fails_does_not_keep_the_caller_on_the_line(voice: ToneVoice, heard: str) -> None:
    rig = Rig()
    rig.voice = voice
    assert rig.play() is CallEnd.BOT_HUNG_UP
    assert [turn.text for call in rig.calls.calls.values() for turn in call.turns.values()] == [heard]
    assert [entry.request.reason for entry in rig.queue.entries] == [HandOffReason.BUSY]


def test_a_queue_that_fails_is_counted_and_does_not_keep_the_caller_on_the_line() -> None:
    rig = Rig()
    rig.queue.failing = StorageError("gone", code="gone")
    assert rig.play() is CallEnd.BOT_HUNG_UP
    assert rig.observer.counts["fault queue gone"] == 1
