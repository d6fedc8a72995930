"""Nobody speaks."""

from tests.support.talking import Talk, keys
from voicebot.core.actions import HandOffQueued, HandOffTaken, HangUp
from voicebot.core.speech import Transcript


def spoken(text: str) -> Transcript:
    return Transcript(text, text, 0, 0)


def quiet(talk: Talk, upto_s: int, begin_s: int = 3) -> list[str]:
    said: list[str] = []
    for second in range(begin_s, upto_s + 1):
        done = talk.take(talk.dialog.silent(second * 1000.0))
        said += keys(done)
        said += [action.reason for action in done if isinstance(action, HangUp)]
    return said


def test_a_silent_caller_is_asked_twice_and_then_let_go() -> None:
    talk = Talk()
    assert quiet(talk, 5) == ["still_there", "invite_again"]
    assert quiet(talk, 5) == ["still_there", "invite_again"]
    assert quiet(talk, 5) == ["silence_end", "goodbye", "silence"]
    assert quiet(talk, 60) == []


def test_a_silence_that_goes_on_is_measured_from_the_last_prompt() -> None:
    assert quiet(Talk(), 10).count("still_there") == 2


def test_the_open_question_comes_again() -> None:
    talk = Talk()
    talk.say("路灯坏了")
    assert quiet(talk, 5) == ["still_there", "ask_where"]


def test_someone_who_told_something_is_called_back() -> None:
    talk = Talk()
    talk.say("路灯坏了")
    assert quiet(talk, 20)[-4:] == ["silence_end", "silence_callback", "goodbye", "call_back"]


def test_who_asked_for_a_moment_gets_half_a_minute() -> None:
    talk = Talk()
    talk.say("路灯坏了", "等一下")
    assert quiet(talk, 29) == []
    assert quiet(talk, 31, begin_s=30) == ["still_there", "ask_where"]


def test_a_word_starts_the_patience_anew() -> None:
    talk = Talk()
    quiet(talk, 10)
    talk.say("嗯")
    assert quiet(talk, 10).count("still_there") == 2


def test_those_who_wait_in_the_queue_hear_that_they_still_do() -> None:
    talk = Talk()
    talk.say("转人工")
    assert quiet(talk, 40) == ["queue_wait", "queue_wait"]


def test_no_rating_is_no_reason_to_insist() -> None:
    talk = Talk()
    talk.say("我在涧西区南昌路三号院，路灯坏了三天了", "对", "没有了")
    assert quiet(talk, 6) == ["goodbye", "silence"]


def test_the_machine_at_work_is_not_prompted() -> None:
    talk = Talk(files=False)
    talk.say("我在涧西区南昌路三号院，路灯坏了三天了", "对")
    assert quiet(talk, 20) == []


def _offered() -> Talk:
    talk = Talk()
    talk.say("转人工")
    assert quiet(talk, 46) == ["queue_wait", "queue_wait", "queue_offer_call_back"]
    return talk


def test_who_waits_long_is_offered_a_call_back_and_the_promise_is_told() -> None:
    talk = _offered()
    done = talk.take(talk.dialog.hear(spoken("好的")))
    assert keys(done) == ["queue_call_back_kept"]
    assert HangUp("call_back") in done


def test_who_would_rather_wait_goes_on_waiting_and_is_not_asked_again() -> None:
    talk = _offered()
    assert keys(talk.take(talk.dialog.hear(spoken("不用，我等着")))) == ["queue_wait"]
    assert set(quiet(talk, 90)) == {"queue_wait"}


def test_an_agent_who_takes_the_call_calls_back_only_without_a_line_of_their_own() -> None:
    talk = _offered()
    assert keys(talk.take(talk.dialog.outcome(HandOffTaken(put_through=True)))) == ["handoff_through"]
    done = talk.take(talk.dialog.outcome(HandOffTaken(put_through=False)))
    assert keys(done) == ["handoff_call_back"]
    assert HangUp("call_back") in done


def test_a_long_expected_wait_is_told() -> None:
    talk = Talk()
    talk.say("转人工")
    assert keys(talk.take(talk.dialog.outcome(HandOffQueued(3, 150.0)))) == ["queue_position", "queue_minutes"]
    assert keys(talk.take(talk.dialog.outcome(HandOffQueued(1, 20.0)))) == ["queue_next"]
