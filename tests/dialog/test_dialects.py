"""What the conversation does with what the ear learnt about the caller's dialect."""

from dataclasses import replace

from tests.support.talking import Talk
from voicebot.core.actions import Ask, HandOff, Say
from voicebot.core.call import HandOffReason
from voicebot.core.speech import DialectNotice, Transcript

SWITCHED = DialectNotice("sichuan", "好的，您请说四川话。", "dialect_sichuan", whole_turn=True)
POOR = DialectNotice("henan", "我请会说河南话的工作人员来。", "dialect_henan", hand_over=True)


def heard(text: str, notice: DialectNotice, confidence: float = 0.9) -> Transcript:
    return Transcript(text, text, 0, 0, confidence=(confidence,) * len(text), notice=notice)


def test_a_caller_who_is_heard_poorly_gets_a_person_with_the_seat_skill_of_the_pack() -> None:
    talk = Talk()
    done = talk.take(talk.dialog.hear(heard("呜呜噜噜噜", POOR, 0.3)))
    hand = next(action for action in done if isinstance(action, HandOff))
    assert (hand.reason, hand.skill) == (HandOffReason.DIALECT, "dialect_henan")
    assert "方言" in hand.summary
    assert isinstance(done[0], Say)
    assert done[0].text == POOR.text


def test_asking_for_a_dialect_and_nothing_else_gets_the_promise_and_the_open_question() -> None:
    talk = Talk()
    said, question = talk.take(talk.dialog.hear(heard("我能说四川话吗", SWITCHED)))
    assert isinstance(said, Say)
    assert said.text == SWITCHED.text
    assert isinstance(question, Ask)


def test_asking_for_a_dialect_with_a_matter_is_promised_and_the_matter_is_taken_up() -> None:
    talk = Talk()
    notice = replace(SWITCHED, whole_turn=False)
    done = talk.take(talk.dialog.hear(heard("我说四川话，南昌路三号院路灯坏了三天了", notice)))
    assert isinstance(done[0], Say)
    assert done[0].text == SWITCHED.text
    assert talk.dialog.draft is not None
    assert "路灯" in talk.dialog.draft.what


def test_asking_for_a_person_who_speaks_the_dialect_gets_one() -> None:
    talk = Talk()
    done = talk.take(talk.dialog.hear(heard("转人工，要会说四川话的", SWITCHED)))
    assert next(action for action in done if isinstance(action, HandOff)).skill == "dialect_sichuan"


def test_danger_comes_first() -> None:
    talk = Talk()
    done = talk.take(talk.dialog.hear(heard("着火了着火了", POOR, 0.3)))
    assert next(action for action in done if isinstance(action, HandOff)).reason is HandOffReason.EMERGENCY
