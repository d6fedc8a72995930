import pytest

from asr.lexicon import Entry, Lexicon, caller_phrases
from asr.phonetics.domain import DomainModel, words_of
from tests.fakes.language_model import ListedModel

GENERAL = ListedModel({"路灯": -9.0, "坏": -9.0, "花": -8.0, "了": -4.0, "在": -5.0})
ROADS = Lexicon([Entry("南昌路", 2.0, "road"), Entry("长安路", 0.0, "road"), Entry("城管局", 2.0, "department")])


def domain(*texts: str) -> DomainModel:
    return DomainModel(GENERAL, ROADS, texts, 0.3)


def follow(model: DomainModel, *words: str) -> list[float]:
    scores, state = [], model.begin()
    for word in words:
        score, state = model.score(state, word)
        scores.append(score)
    return scores


def test_words_that_go_together_in_the_city_s_texts_are_likelier_together() -> None:
    model = domain("路灯坏了", "路灯坏")
    assert follow(model, "路灯", "坏")[1] > follow(model, "路灯", "花")[1]
    assert GENERAL.score(GENERAL.begin(), "坏")[0] < GENERAL.score(GENERAL.begin(), "花")[0]


def test_what_no_text_has_is_a_little_less_likely_than_in_general() -> None:
    assert follow(domain("路灯坏了"), "花")[0] == pytest.approx(-8.0 - 0.357, abs=0.01)


def test_a_place_is_expected_where_another_place_was_seen() -> None:
    model = domain("在南昌路路灯坏了")
    seen, unseen = follow(model, "在", "南昌路")[1], follow(model, "在", "长安路")[1]
    assert seen > unseen > follow(model, "在", "城管局")[1]


def test_the_counts_of_all_words_sum_to_less_than_one() -> None:
    model = domain("路灯坏了", "在南昌路")
    words = ("路灯", "坏", "了", "在", "南昌路", "长安路", "城管局", "。")
    special = [2.718281828 ** (follow(model, "路灯", word)[1]) for word in words]
    assert sum(special) < 1.0


def test_texts_are_cut_into_the_likeliest_words() -> None:
    known = {"路": -5.0, "灯": -6.0, "路灯": -7.0, "坏": -6.0, "了": -3.0}.get
    assert words_of("路灯坏了，路", known) == ["路灯", "坏", "了", "。", "路", "。"]


def test_the_phrases_of_callers_name_places_only_when_there_are_some() -> None:
    with_places, without = list(caller_phrases(ROADS)), list(caller_phrases(Lexicon([])))
    assert any("南昌路" in phrase for phrase in with_places)
    assert len(with_places) > len(without) > 500
    assert not any("{" in phrase for phrase in [*with_places, *without])


def test_texts_speak_for_words_that_go_together_and_for_no_others() -> None:
    model = domain("路灯坏了")
    _, state = model.score(model.begin(), "路灯")
    assert model.boost(state, "坏") > 1.0
    assert model.boost(state, "花") == 0.0
