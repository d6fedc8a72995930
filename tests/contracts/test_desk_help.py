"""What every help for the desk must do."""

from functools import cache

import pytest

from dialog.city.loader import load_city
from tests.fakes.clock import FakeClock
from tests.fakes.desk_help import FakeDeskHelp
from voicebot.app.conversations import Conversations
from voicebot.app.desk_help import CityHelp
from voicebot.core.ticket import Address, TicketDraft, TicketType
from voicebot.desk.ports import DeskHelp
from voicebot.settings import Settings


@cache
def _city_help() -> CityHelp:
    settings, clock = Settings(), FakeClock()
    city = load_city(settings.city_dir)
    conversations = Conversations(settings, city, clock)
    conversations.start()
    return CityHelp(city, conversations, clock)


@pytest.fixture(params=["fake", pytest.param("city", marks=pytest.mark.engine)])
def desk_help(request: pytest.FixtureRequest) -> DeskHelp:
    return FakeDeskHelp() if request.param == "fake" else _city_help()


def test_articles_come_best_first_and_no_more_than_asked_for(desk_help: DeskHelp) -> None:
    found = desk_help.search("路灯不亮怎么报修", 3)
    assert 1 <= len(found) <= 3
    scores = [passage.score for passage in found]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert all(passage.title and passage.text and passage.source and passage.owner for passage in found)


def test_an_open_question_is_suggested_and_an_answered_one_is_not(desk_help: DeskHelp) -> None:
    draft = TicketDraft(type=TicketType.HELP, what="路灯坏了", caller_phone="13800138000")
    assert "question" in [each.kind for each in desk_help.suggest(draft, ["路灯坏了"])]
    place = Address(spoken="涧西区南昌路三号院", district="涧西区", road="南昌路", number="三号院")
    full = TicketDraft(type=TicketType.HELP, what="路灯坏了", caller_phone="13800138000", address=place)
    assert "question" not in [each.kind for each in desk_help.suggest(full, ["路灯坏了"])]


def test_a_draft_is_completed_and_what_stands_in_it_stays(desk_help: DeskHelp) -> None:
    done = desk_help.complete(TicketDraft(what="路灯坏了三天没人修", demand="尽快修好"))
    assert done.title
    assert done.summary
    assert (done.what, done.demand) == ("路灯坏了三天没人修", "尽快修好")
    assert desk_help.complete(TicketDraft(what="路灯坏了", title="我的标题")).title == "我的标题"


def test_departments_and_services_are_told_apart(desk_help: DeskHelp) -> None:
    for choices in (desk_help.departments(), desk_help.services()):
        ids = [choice.id for choice in choices]
        assert ids
        assert len(set(ids)) == len(ids)
        assert all(choice.name for choice in choices)


def test_every_article_is_listed_those_that_are_not_spoken_first(desk_help: DeskHelp) -> None:
    lines = desk_help.articles()
    assert lines
    assert [line.speakable for line in lines] == sorted(line.speakable for line in lines)
    assert all(line.id and line.title and line.owner and line.state and line.version >= 1 for line in lines)
    assert all((line.state in ("可用", "即将过期")) == line.speakable for line in lines)
