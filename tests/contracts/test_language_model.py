from collections.abc import Callable

import pytest

from asr.lexicon import Entry, Lexicon
from asr.phonetics.domain import DomainModel
from asr.phonetics.trigram import FlatModel, LanguageModel, TrigramModel
from tests.fakes.language_model import ListedModel
from tests.support.models import MODELS_DIR


def trigram() -> LanguageModel:
    return TrigramModel(MODELS_DIR / "trigram-zh" / "zh_CN.lm")


def domain() -> LanguageModel:
    listed = ListedModel({"路": -5.0, "路灯": -6.0, "坏": -7.0})
    return DomainModel(listed, Lexicon([Entry("南昌路", kind="road")]), ["路灯坏", "南昌路路灯坏"], 0.3)


@pytest.fixture(
    params=[
        domain,
        FlatModel,
        lambda: ListedModel({"路": -5.0, "路灯": -6.0}),
        pytest.param(trigram, marks=pytest.mark.engine),
    ],
    ids=["domain", "flat", "listed", "trigram"],
)
def model(request: pytest.FixtureRequest) -> LanguageModel:
    make: Callable[[], LanguageModel] = request.param
    return make()


def test_a_score_is_a_log_probability(model: LanguageModel) -> None:
    score, _ = model.score(model.begin(), "路")
    assert score <= 0


def test_the_same_words_score_the_same_again(model: LanguageModel) -> None:
    def total() -> float:
        state, sum_of_scores = model.begin(), 0.0
        for word in ("路", "路灯", "路"):
            score, state = model.score(state, word)
            sum_of_scores += score
        return sum_of_scores

    assert total() == total()


def test_the_state_before_a_word_stays_usable(model: LanguageModel) -> None:
    begin = model.begin()
    first, _ = model.score(begin, "路")
    model.score(begin, "路灯")
    assert model.score(begin, "路")[0] == first


def test_a_character_is_known_and_nonsense_is_not(model: LanguageModel) -> None:
    assert "路" in model
    assert "路路路路" not in model
