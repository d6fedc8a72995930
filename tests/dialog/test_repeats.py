"""A matter that is in hand already: offered as an addition, never merged silently."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dialog.flow.conversation import DialogTools
from dialog.settings import DialogSettings
from tests.support.talking import CALLER, NOW, ONE_BREATH, Talk, keys, ticket, tools, words
from voicebot.core.actions import HandOff, LookUpTickets, TicketsFound
from voicebot.core.ticket import Address, Confidentiality, Dispatch, Ticket, TicketDraft, TicketType

PLACE = Address("南昌路三号院", district="涧西区", road="南昌路", number="3号院", node="410305-04")
DRAFT = TicketDraft(
    type=TicketType.HELP,
    what="路灯坏了好几天",
    address=PLACE,
    caller_phone=CALLER,
    dispatch=Dispatch("power", reason="人工指定", automatic=True),
)
MINE = replace(ticket(DRAFT, number="LY2026112000007"), call_id="c0", filed_at=NOW - timedelta(days=5))
HERS = replace(MINE, draft=replace(DRAFT, caller_phone="13900001111"))


def talk_after(*earlier: Ticket, number: str = CALLER) -> Talk:
    talk = Talk(number)
    talk.answers = TicketsFound(earlier)
    return talk


def test_the_record_is_asked_for_the_caller_and_the_place() -> None:
    talk = talk_after()
    done = talk.say(ONE_BREATH)
    (asked,) = [action for action in done if isinstance(action, LookUpTickets)]
    assert asked.near is not None
    assert (asked.near.tenant, asked.near.phone, asked.near.node) == ("luoyang", CALLER, "410305")
    assert asked.near.place.road == "南昌路"
    assert NOW - asked.near.since == timedelta(days=30)
    assert keys(done) == ["readback"]


def test_the_callers_own_ticket_is_read_back_by_day_and_matter_and_gets_the_addition() -> None:
    talk = talk_after(MINE)
    done = talk.say(ONE_BREATH)
    assert keys(done) == ["readback"]
    assert "11月20日" in words(done)
    assert "“路灯坏了好几天”的事" in words(done)
    done = talk.say("对")
    (draft,) = talk.drafts
    assert draft.duplicate_of == MINE.number
    assert draft.dispatch is not None
    assert draft.dispatch.department == "power"
    assert MINE.number in draft.dispatch.reason
    assert "filed_addition" in keys(done)


def test_the_category_names_the_matter_when_there_is_one() -> None:
    named = replace(MINE, draft=replace(MINE.draft, category=("城市管理", "市政设施", "路灯照明")))
    assert "“路灯照明”的事" in words(talk_after(named).say(ONE_BREATH))


@pytest.mark.parametrize("answer", ["不是，这是另一件事", "不是同一件事", "不用补充，单独登记"])
def test_another_matter_gets_a_ticket_of_its_own(answer: str) -> None:
    talk = talk_after(MINE)
    talk.say(ONE_BREATH)
    done = talk.say(answer)
    assert keys(done) == ["readback"]
    assert "补充" not in words(done)
    talk.say("对")
    assert talk.drafts[0].duplicate_of == ""


def test_a_correction_leaves_the_addition_unless_it_leads_elsewhere() -> None:
    here, elsewhere = talk_after(MINE), talk_after(MINE)
    here.say(ONE_BREATH, "不对，是坏了五天", "对")
    elsewhere.say(ONE_BREATH, "不对，是长安路八号院", "对")
    assert here.drafts[0].duplicate_of == MINE.number
    assert elsewhere.drafts[0].duplicate_of == ""


def test_somebody_elses_ticket_is_named_without_a_word_of_it() -> None:
    talk = talk_after(HERS)
    done = talk.say(ONE_BREATH)
    assert "已经有人反映" in words(done)
    assert "好几天" not in words(done)
    talk.say("对")
    assert talk.drafts[0].duplicate_of == HERS.number


@pytest.mark.parametrize(
    "other",
    [
        replace(HERS, draft=replace(HERS.draft, type=TicketType.REPORT)),
        replace(HERS, draft=replace(HERS.draft, confidentiality=Confidentiality.CONFIDENTIAL)),
        replace(HERS, draft=replace(HERS.draft, address=replace(PLACE, number="8号院"))),
        replace(HERS, draft=replace(HERS.draft, address=replace(PLACE, road="西苑路"))),
        replace(MINE, draft=replace(DRAFT, what="垃圾没人清运")),
        replace(MINE, call_id="c1"),
    ],
)
def test_what_is_secret_elsewhere_or_about_something_else_is_not_offered(other: Ticket) -> None:
    talk = talk_after(other)
    talk.say(ONE_BREATH, "对")
    assert talk.drafts[0].duplicate_of == ""


def test_a_number_that_was_only_said_opens_nobodys_ticket() -> None:
    talk = talk_after(MINE, number="")
    said = words(talk.say(ONE_BREATH, "幺三八零零幺三八零零零"))
    assert "已经有人反映" in said
    assert "好几天" not in said


def test_an_earlier_ticket_without_a_place_counts_for_its_caller() -> None:
    homeless = replace(MINE, draft=replace(DRAFT, address=Address()))
    assert "补充到那张工单" in words(talk_after(homeless).say(ONE_BREATH))


def test_who_takes_over_learns_of_the_earlier_ticket() -> None:
    talk = talk_after(MINE)
    done = talk.say(ONE_BREATH, "转人工")
    assert any(MINE.number in action.summary for action in done if isinstance(action, HandOff))


def test_a_record_that_does_not_answer_stops_nothing() -> None:
    talk = Talk(files=False)
    talk.answers = TicketsFound((), failed=True)
    assert keys(talk.say(ONE_BREATH)) == ["readback"]


@pytest.mark.parametrize("text", ["我建议南昌路多种点树", "我要表扬南昌路三号院的保安"])
def test_praise_and_suggestions_are_not_compared(text: str) -> None:
    assert not [action for action in talk_after(MINE).say(text) if isinstance(action, LookUpTickets)]


def test_a_city_may_do_without() -> None:
    quiet = replace_settings(tools(), repeat_days=0)
    talk = Talk(using=quiet)
    talk.answers = TicketsFound((MINE,))
    assert keys(talk.say(ONE_BREATH)) == ["readback"]


def replace_settings(of: DialogTools, **changes: int) -> DialogTools:
    return replace(of, settings=DialogSettings.model_validate({**of.settings.model_dump(), **changes}))


def test_near_is_nobody_without_a_place_or_a_number() -> None:
    talk = Talk("")
    talk.say("路灯坏了", "不知道", "不想留电话")
    assert not [action for action in talk.did if isinstance(action, LookUpTickets)]
