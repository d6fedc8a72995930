"""Callers who speak or press keys while the bot speaks, in whole calls on a loop that does not wait."""

import asyncio
import threading

import pytest

from telephony.wav.line import WavLine
from tests.support.calls import BYE, LONG, rig, speak
from voicebot.core.actions import (
    Ask,
    Say,
)
from voicebot.core.call import CallEnd
from voicebot.core.speech import Expect
from voicebot.core.turn import Speaker


def test_an_interruption_stops_the_bot_and_the_dialog_knows_what_was_heard() -> None:
    call = rig({"转人工": BYE}, ["转人工"], (LONG,))

    async def script(line: WavLine) -> None:
        await asyncio.sleep(1.4)
        await speak(line, 900)

    call.play(script)
    assert call.dialog.interruptions == ["这是一段很长的话，"]
    first = call.kept.turns[0]
    assert (first.text, first.raw_text) == ("这是一段很长的话，", LONG.text)
    assert first.end_ms < 3000  # held since 1.5 s, given up when the words are there


def test_the_answer_into_the_last_words_of_a_question_counts() -> None:
    call = rig({"对": BYE}, ["对"], (Ask("这样登记可以吗？", Expect.YES_NO),))

    async def script(line: WavLine) -> None:
        await asyncio.sleep(0.5)
        await speak(line, 200)

    call.play(script)
    assert [turn.text for turn in call.kept.turns.values() if turn.speaker is Speaker.CALLER] == ["对"]


def test_a_listeners_sound_into_the_middle_of_a_question_is_none() -> None:
    call = rig({"对": BYE}, ["对", ""], (Ask(LONG.text, Expect.YES_NO),))

    async def script(line: WavLine) -> None:
        await asyncio.sleep(0.5)
        await speak(line, 200)
        await asyncio.sleep(3)
        await line.caller.hang_up()

    call.play(script)
    assert [turn.text for turn in call.kept.turns.values() if turn.speaker is Speaker.CALLER] == []


@pytest.mark.parametrize(("asked", "taken"), [(Expect.RATING, ["四分"]), (Expect.ANYTHING, [])])
def test_a_short_answer_that_was_badly_heard_counts_into_the_last_words_of_its_question(
    asked: Expect, taken: list[str]
) -> None:
    call = rig({"四分": BYE}, ["四分", ""], (Ask("打几分？", asked),))
    call.recogniser.confidence = 0.45

    async def script(line: WavLine) -> None:
        await asyncio.sleep(0.1)
        await speak(line, 300)
        await asyncio.sleep(2)
        await line.caller.hang_up()

    call.play(script)
    assert [turn.text for turn in call.kept.turns.values() if turn.speaker is Speaker.CALLER] == taken


def test_the_dialog_is_never_told_two_things_at_once() -> None:
    call = rig({"转人工": BYE}, ["转人工"], (LONG,))
    threads: list[bool] = []
    call.dialog.interrupted = lambda spoken: threads.append(  # type: ignore[method-assign]
        threading.current_thread() is threading.main_thread()
    )

    async def script(line: WavLine) -> None:
        await asyncio.sleep(1.4)
        await speak(line, 900)

    call.play(script)
    assert threads == [False], "told beside the thread in which the dialog decides"


def test_a_cough_holds_the_bot_and_it_goes_on_where_it_was() -> None:
    call = rig({}, [""], (LONG,))
    heard_samples = len(LONG.text) * 800

    async def script(line: WavLine) -> None:
        await asyncio.sleep(1)
        await speak(line, 200)
        await asyncio.sleep(5)
        await line.caller.hang_up()

    assert call.play(script) is CallEnd.CALLER_HUNG_UP
    assert call.dialog.interruptions == []
    assert call.kept.turns[0].text == LONG.text
    assert call.line is not None
    assert call.line.played().heard == heard_samples


def test_a_mandatory_notice_is_not_cut() -> None:
    call = rig({"喂": BYE}, ["喂"], (Say(LONG.text, interruptible=False),))

    async def script(line: WavLine) -> None:
        await asyncio.sleep(1)
        await speak(line, 900)

    call.play(script)
    assert call.dialog.interruptions == []
    assert call.kept.turns[0].text == "喂" or call.kept.turns[1].text == "喂"
    assert LONG.text in [turn.text for turn in call.kept.turns.values()]


def test_keys_stop_the_bot_and_reach_the_dialog_together() -> None:
    call = rig({"138": BYE}, [], (LONG,))

    async def script(line: WavLine) -> None:
        await asyncio.sleep(1)
        await line.caller.press("138#")

    call.play(script)
    assert call.dialog.pressed == ["138"]
    assert call.dialog.interruptions
