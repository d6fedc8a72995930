"""Whole calls through the real stages, on a loop that does not wait."""

import asyncio
from datetime import timedelta

import numpy as np
import pytest

from telephony.wav.line import WavLine
from tests.support.calls import BYE, HELLO, LONG, ToneVoice, rig, speak, tone
from tests.support.nouns import hand_off
from voicebot.core.actions import (
    Ask,
    FileTicket,
    FilingFailed,
    HandOff,
    HandOffFailed,
    HandOffQueued,
    LookUpTickets,
    QueueMoved,
    Rate,
    Say,
    TicketFiled,
    TicketsFound,
)
from voicebot.core.call import CallEnd, HandOffReason, QueueState
from voicebot.core.errors import RecognitionError, StorageError, SynthesisError
from voicebot.core.speech import Expect
from voicebot.core.ticket import TicketDraft, TicketType
from voicebot.core.turn import Speaker


def test_a_caller_is_greeted_heard_answered_and_said_goodbye_to() -> None:
    call = rig({"路灯坏了": (Say("好的。", source="article-1"), *BYE)}, ["路灯坏了"])

    async def script(line: WavLine) -> None:
        await asyncio.sleep(1.5)
        await speak(line)

    assert call.play(script) is CallEnd.BOT_HUNG_UP
    said = [(turn.speaker, turn.text) for turn in call.kept.turns.values()]
    assert said == [
        (Speaker.BOT, "您好，请讲。"),
        (Speaker.CALLER, "路灯坏了"),
        (Speaker.BOT, "好的。"),
        (Speaker.BOT, "再见。"),
    ]
    assert call.kept.turns[2].source == "article-1"
    assert call.kept.end is CallEnd.BOT_HUNG_UP
    latency = call.kept.latency_ms[0]
    assert (
        200 <= latency["end_of_turn"] <= latency["final_text"] <= latency["first_action"] <= latency["first_audio_out"]
    )
    assert latency["first_audio_out"] < 900
    assert call.observer.counts["answered"] == 1
    assert call.voice.spoken == ["您好，请讲。", "好的。", "再见。"]


def test_a_call_that_ends_while_a_voice_is_made_leaves_nothing_running() -> None:
    call = rig({}, [], (LONG,))
    call.voice = ToneVoice(slow_s={LONG.text[:8]: 60})
    left: list[str] = []

    async def script(line: WavLine) -> None:
        await asyncio.sleep(1)
        await line.caller.hang_up()
        await asyncio.sleep(2)
        left.extend(task.get_coro().__qualname__ for task in asyncio.all_tasks() if "Speaking" in str(task.get_coro()))

    call.play(script)
    assert left == []


def test_a_ticket_is_filed_and_its_number_comes_back() -> None:
    draft = TicketDraft(type=TicketType.COMPLAINT, what="路灯坏了")
    call = rig({"对": (FileTicket(draft),)}, ["对"])
    call.dialog.reply_to = lambda outcome: BYE
    call.dialog.draft = draft

    async def script(line: WavLine) -> None:
        await asyncio.sleep(1.5)
        await speak(line)

    call.play(script)
    (outcome,) = call.dialog.outcomes
    assert isinstance(outcome, TicketFiled)
    assert outcome.ticket.draft == draft
    assert ("file_ticket", {"number": outcome.ticket.number, "sequence": 1}) in call.kept.events
    assert call.observer.counts["ticket 投诉"] == 1
    assert call.kept.draft == draft


def test_a_database_that_fails_is_told_to_the_dialog_and_the_draft_is_kept() -> None:
    draft = TicketDraft(what="路灯坏了")
    call = rig({"对": (FileTicket(draft), LookUpTickets(phone="1"))}, ["对"])
    call.dialog.reply_to = lambda outcome: BYE if isinstance(outcome, TicketsFound) else ()
    call.tickets.failing = StorageError("gone", code="database_gone")

    async def script(line: WavLine) -> None:
        await asyncio.sleep(1.5)
        await speak(line)

    call.play(script)
    assert call.dialog.outcomes == [FilingFailed(1, "database_gone"), TicketsFound((), failed=True)]
    assert call.kept.draft == draft
    assert call.observer.counts["fault tickets database_gone"] == 2


def test_a_person_who_is_asked_for_is_queued_with_everything_known() -> None:
    action = HandOff(HandOffReason.ASKED, summary="来电人要求人工")
    call = rig({"转人工": (action, Say("请稍等。"))}, ["转人工"])
    call.dialog.draft = TicketDraft(what="路灯")

    async def script(line: WavLine) -> None:
        await asyncio.sleep(1.5)
        await speak(line)
        await asyncio.sleep(3)
        waiting = await call.queue.waiting()
        assert [turn.text for turn in waiting[0].request.turns] == ["您好，请讲。", "转人工"]
        assert waiting[0].request.draft == TicketDraft(what="路灯")
        await line.caller.hang_up()

    assert call.play(script) is CallEnd.CALLER_HUNG_UP
    assert call.dialog.outcomes == [HandOffQueued(1)]
    assert call.observer.counts["handoff asked"] == 1


def test_a_failed_transfer_is_told_to_the_dialog() -> None:
    action = HandOff(HandOffReason.EMERGENCY, emergency="119")
    call = rig({"着火了": (action, Say("马上转接。"))}, ["着火了"])
    call.targets.table["119"] = "sip:119@127.0.0.1"
    call.dialog.reply_to = lambda outcome: BYE if isinstance(outcome, HandOffFailed) else ()

    async def script(line: WavLine) -> None:
        await asyncio.sleep(1.5)
        await speak(line)

    call.play(script)
    assert call.dialog.outcomes == [HandOffQueued(1), HandOffFailed("failed")]
    assert ("transfer", {"outcome": "failed"}) in call.kept.events


def test_a_waiting_caller_is_told_when_the_place_changes_and_hears_music_between_the_words() -> None:
    call = rig({"转人工": (HandOff(HandOffReason.ASKED),)}, ["转人工", "喂"])
    call.hold_music = tone(5000, amplitude=1000)
    asyncio.run(call.queue.join(hand_off("somebody-before")))
    call.dialog.reply_to = lambda outcome: (Say("马上轮到您。"),) if isinstance(outcome, QueueMoved) else ()
    levels: dict[str, float] = {}

    def level(line: WavLine, ms: int) -> float:
        return float(np.abs(line.caller.received()[-8 * ms :].astype(int)).max(initial=0))

    async def script(line: WavLine) -> None:
        await asyncio.sleep(1.5)
        levels["before"] = level(line, 100)
        await speak(line)
        await asyncio.sleep(4)
        levels["waiting"] = level(line, 1000)
        line.caller.say(tone(600))
        await asyncio.sleep(0.6)
        levels["caller speaks"] = level(line, 200)
        await asyncio.sleep(10)
        await call.queue.leave("somebody-before", abandoned=False)
        await asyncio.sleep(24)
        await line.caller.hang_up()

    call.play(script)
    assert [outcome for outcome in call.dialog.outcomes if isinstance(outcome, QueueMoved)] == [QueueMoved(1)]
    assert "马上轮到您。" in [turn.text for turn in call.kept.turns.values()]
    assert levels["before"] == levels["caller speaks"] == 0
    assert 200 < levels["waiting"] < 3000


def test_recognition_may_begin_at_the_lull_and_does_at_the_pause() -> None:
    call = rig({}, ["路灯坏了"])

    async def script(line: WavLine) -> None:
        await asyncio.sleep(1.5)
        line.caller.say(tone(800, amplitude=20000) + tone(100, amplitude=560))  # a detector still hears a voice in it
        await asyncio.sleep(1.4)
        await line.caller.hang_up()

    call.play(script)
    assert call.recogniser.speculations == [True, False]


def test_the_kind_of_answer_expected_reaches_the_recogniser() -> None:
    call = rig({"是": (Rate(5), *BYE)}, ["是"], (Ask("对吗？", expects=Expect.YES_NO),))

    async def script(line: WavLine) -> None:
        await asyncio.sleep(1.2)
        await speak(line, 400)

    call.play(script)
    assert call.recogniser.contexts[0].expects is Expect.YES_NO
    assert ("rating", {"stars": 5}) in call.kept.events


def test_a_secret_answer_is_marked_from_its_question_to_the_next_words() -> None:
    call = rig({"一二三四": (Say("好的。"), *BYE)}, ["一二三四"], (Ask("后四位？", Expect.DIGITS, secret=True),))
    marked: list[bool] = []

    async def script(line: WavLine) -> None:
        assert call.session is not None
        await asyncio.sleep(1.2)
        marked.append(call.session._state.secret)
        await speak(line, 400)
        await asyncio.sleep(1)
        marked.append(call.session._state.secret)

    call.play(script)
    assert marked == [True, False]


@pytest.mark.parametrize("hours", [-25, 25])
def test_a_clock_that_jumps_changes_nothing_in_a_call(hours: int) -> None:
    call = rig({"路灯坏了": (Say("好的。"), *BYE)}, ["路灯坏了"])

    async def script(line: WavLine) -> None:
        await asyncio.sleep(1.5)
        call.clock._now += timedelta(hours=hours)  # the time of day; nothing else jumps
        await speak(line)

    assert call.play(script) is CallEnd.BOT_HUNG_UP
    assert [turn.text for turn in call.kept.turns.values()] == ["您好，请讲。", "路灯坏了", "好的。", "再见。"]
    starts = [turn.start_ms for turn in call.kept.turns.values()]
    assert starts == sorted(starts)
    assert 0 < call.kept.latency_ms[0]["first_audio_out"] < 900


def test_silence_is_told_once_a_second_from_the_third_on() -> None:
    call = rig({}, [])

    async def script(line: WavLine) -> None:
        await asyncio.sleep(6)
        await line.caller.hang_up()

    call.play(script)
    assert call.dialog.silences == pytest.approx([3000, 4000, 5000], abs=60)


def test_a_recogniser_that_fails_gives_an_empty_turn() -> None:
    call = rig({"": BYE}, [RecognitionError("broken", code="engine_died")])

    async def script(line: WavLine) -> None:
        await asyncio.sleep(1.5)
        await speak(line)

    assert call.play(script) is CallEnd.BOT_HUNG_UP
    assert call.observer.counts["fault recognition engine_died"] == 1


def test_a_dialog_that_breaks_is_apologised_for_and_a_person_takes_over() -> None:
    call = rig({}, ["没有这一句"])  # the table has no answer: the dialog raises

    async def script(line: WavLine) -> None:
        await asyncio.sleep(1.5)
        await speak(line)
        await asyncio.sleep(4)
        (entry,) = await call.queue.waiting()
        assert entry.request.reason is HandOffReason.FAULT
        assert entry.state is QueueState.WAITING
        await line.caller.hang_up()

    call.play(script)
    assert "抱歉，系统出了点问题。" in "".join(call.voice.spoken)
    assert call.observer.counts["fault dialog KeyError"] == 1


def test_a_voice_that_is_slow_to_come_is_preceded_by_a_word_of_patience() -> None:
    call = rig({"怎么办户口": (Say("到派出所办。"), *BYE)}, ["怎么办户口"])
    call.voice = ToneVoice(slow_s={"到派出所办。": 2.5})

    async def script(line: WavLine) -> None:
        await asyncio.sleep(1.5)
        await speak(line)

    call.play(script)
    said = [turn.text for turn in call.kept.turns.values() if turn.speaker is Speaker.BOT]
    assert said == ["您好，请讲。", "请稍等。", "到派出所办。", "再见。"]
    assert call.kept.latency_ms[0]["first_audio_out"] < 1500


def test_patience_is_asked_for_in_the_callers_language() -> None:
    call = rig({"household registration": (Say("At the police station."), *BYE)}, ["household registration"])
    call.recogniser.language = "en"
    call.voice = ToneVoice(slow_s={"At the police station.": 2.5})

    async def script(line: WavLine) -> None:
        await asyncio.sleep(1.5)
        await speak(line)

    call.play(script)
    assert "One moment." in [turn.text for turn in call.kept.turns.values()]


def test_a_voice_that_fails_is_on_record_and_the_call_goes_on() -> None:
    call = rig({"喂": BYE}, ["喂"])
    call.voice = ToneVoice(SynthesisError("broken", code="voice_died"))

    async def script(line: WavLine) -> None:
        await asyncio.sleep(1)
        await speak(line)

    assert call.play(script) is CallEnd.BOT_HUNG_UP
    assert call.kept.turns[0].text == ""
    assert call.kept.turns[0].raw_text == HELLO.text


@pytest.mark.parametrize("after_s", [0.0, 0.01, 0.3, 0.9, 1.6, 2.2, 2.5])
def test_hanging_up_at_any_moment_leaves_nothing_running(after_s: float) -> None:
    call = rig({"路灯坏了": (LONG,)}, ["路灯坏了"])

    async def script(line: WavLine) -> None:
        line.caller.say(bytes(2 * 8000) + tone(900))
        await asyncio.sleep(after_s)
        await line.caller.hang_up()

    assert call.play(script) is CallEnd.CALLER_HUNG_UP
    assert call.kept.end is CallEnd.CALLER_HUNG_UP


def test_a_call_that_lasts_too_long_is_ended() -> None:
    call = rig({}, [])
    call.max_call_s = 5

    async def script(line: WavLine) -> None:
        await asyncio.sleep(0)

    assert call.play(script) is CallEnd.MAX_DURATION
    assert call.kept.end is CallEnd.MAX_DURATION
