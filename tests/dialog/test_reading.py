"""What a language model may add to a ticket: the caller's own words and nothing else."""

import json
from dataclasses import replace

import pytest

from dialog.flow import DialogTools
from dialog.settings import DialogSettings, LanguageModelSettings
from dialog.understanding.reading import Reading, checked
from tests.fakes.ticket_reader import FakeTicketReader
from tests.support.talking import Talk, keys, tools

SAID = ("我们这儿，老粮库后头那个巷口", "晚上没有灯，路不好走，不是路灯坏了，是没装")


def read(**fields: str) -> Reading:
    return checked(json.dumps(fields), SAID)


def test_words_that_stand_there_pass_whatever_the_marks_between_them() -> None:
    assert read(location="老粮库后头那个巷口", demand="").location == "老粮库后头那个巷口"
    assert read(location="我们这儿老粮库").location == "我们这儿老粮库"


@pytest.mark.parametrize(
    "location", ["老粮库后面那个巷口", "涧西区老粮库", "巷", "巷口", "巷口晚上", "老粮库后头那个巷口" * 9]
)
def test_words_that_do_not_are_refused(location: str) -> None:
    assert read(location=location) == Reading(refused=("location",))


@pytest.mark.parametrize("gist", ["晚上没有灯路不好走", "没有灯", "晚上没有灯"])
def test_a_gist_leaves_out(gist: str) -> None:
    assert read(gist=gist).gist == gist


@pytest.mark.parametrize(
    "gist", ["晚上有灯", "路好走", "路不好走没有灯", "路灯坏了没人修", "是路灯坏了没装修", "晚上路好走"]
)
def test_a_gist_that_adds_turns_round_or_drops_a_no_is_refused(gist: str) -> None:
    assert "gist" in read(gist=gist).refused


@pytest.mark.parametrize("answer", ["", "[]", '{"location": null}', '{"gist": ["路灯"]}', "好的"])
def test_anything_but_an_object_of_strings_is_no_answer(answer: str) -> None:
    with pytest.raises(ValueError, match=r"not an object|Expecting"):
        checked(answer, SAID)


PLACELESS = "老槐树那条巷子晚上没有灯，黑得很"


def assisted(reader: FakeTicketReader, **budget: int) -> DialogTools:
    model = LanguageModelSettings(url="http://127.0.0.1:1/v1", **budget)  # type: ignore[arg-type]
    return replace(tools(), reader=reader, settings=DialogSettings(language_model=model))


def test_a_place_that_the_rules_did_not_find_is_not_asked_for() -> None:
    alone = Talk()
    assert "ask_where" in keys(alone.say(PLACELESS)), "the rules find it by now: take another sentence"
    reader = FakeTicketReader({"location": "老槐树那条巷子", "gist": "巷子晚上没有灯"})
    talk = Talk(using=assisted(reader))
    assert keys(talk.say(PLACELESS)) == ["readback"]
    talk.say("对")
    (draft,) = talk.drafts
    assert draft.address.spoken == "老槐树那条巷子"
    assert dict(draft.sources)["address"] == PLACELESS
    assert "巷子晚上没有灯" in draft.title
    assert reader.asked == [(PLACELESS,)]


def test_an_invented_place_is_asked_for_as_ever() -> None:
    talk = Talk(using=assisted(FakeTicketReader({"location": "西工区老粮库路18号"})))
    assert "ask_where" in keys(talk.say(PLACELESS))
    assert talk.dialog.draft is not None
    assert not talk.dialog.draft.address.spoken


def test_what_the_rules_found_stays_and_nobody_waits() -> None:
    reader = FakeTicketReader({"location": "路灯", "demand": "你们管不管"})
    talk = Talk(using=assisted(reader))
    talk.say("我在涧西区南昌路三号院，路灯坏了三天了，你们管不管", "对")
    assert talk.drafts[0].address.road == "南昌路"
    assert reader.waited == 0


def test_a_call_costs_no_more_requests_than_allowed() -> None:
    reader = FakeTicketReader({"location": ""})
    talk = Talk(using=assisted(reader, requests_per_call=1))
    talk.say("南昌路三号院路灯坏了，另外我们楼下垃圾没人清运", "对", "是的", "对")
    assert len(talk.drafts) == 2
    assert len(reader.asked) == 1
