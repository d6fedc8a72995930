"""Which proposed changes are made: those that what was heard, the language and the city speak for together."""

import json
from pathlib import Path

import pytest

from asr.correction import Hypothesis
from asr.dialects.loader import load_packs
from asr.lexicon import Entry, Lexicon, hotline_words
from asr.phonetics.change import changes
from asr.phonetics.confusions import Confusions
from asr.phonetics.corrector import PhoneticCorrector
from asr.phonetics.judge import Enough, Judge
from asr.phonetics.lattice import Lattice, LatticeCosts
from asr.phonetics.search import Search, SearchSettings
from asr.phonetics.vocabulary import Vocabulary
from dialog.city import load_city
from dialog.city.nouns import City
from tests.fakes.language_model import ListedModel
from tests.support.models import MODELS_DIR
from voicebot.core.speech import HearingContext

ROOT = Path(__file__).resolve().parents[2]
MODEL = ListedModel({"路灯": -6.0, "坏": -6.0, "了": -2.0, "路": -7.0, "登": -9.0, "等": -8.0, "灯": -8.0, "怀": -13.0})
WORDS = Vocabulary([("路灯", ("lu", "deng")), ("坏", ("huai",)), ("了", ("le",))], MODEL)


@pytest.fixture
def search() -> Search:
    return Search(MODEL, WORDS, Lexicon([Entry("涧西区", kind="road")]), Confusions({}, {}, {}), SearchSettings())


def laid(*hypotheses: Hypothesis) -> Lattice:
    return Lattice(hypotheses, LatticeCosts())


def heard(text: str, confidence: float = 0.6, score: float = 0.0) -> Hypothesis:
    return Hypothesis(text, score, (confidence,) * len(text))


def test_each_change_is_proposed_with_its_signs(search: Search) -> None:
    lattice = laid(heard("路登怀了"))
    (change,) = changes(search, lattice, search.best(lattice), [0.6] * 4)
    assert (change.start, change.end) == (0, 3)
    assert [word.text for word in change.words] == ["路灯", "坏"]
    assert change.signs["gain"] > 0
    assert change.signs["different"] == 2
    assert change.signs["exact"] == 1
    assert change.signs["city"] == 0
    assert change.signs["whole"] == 0


def test_a_name_of_the_city_is_a_sign(search: Search) -> None:
    lattice = laid(heard("建西区"))
    (change,) = changes(search, lattice, search.best(lattice), [0.6] * 3)
    assert change.signs["city"] == 1


def test_what_has_to_stay_stays_while_the_rest_may_change(search: Search) -> None:
    lattice = laid(heard("路登怀了"))
    kept = search.best(lattice.keeping(0, 2))
    assert "".join(word.text for word in kept.words) == "路登坏了"


def test_what_stays_may_still_be_read_as_words(search: Search) -> None:
    lattice = laid(heard("路灯怀了"))
    assert search.best(lattice.keeping(0, 4)).words[0].text == "路灯"


def test_the_weights_are_about_the_signs_there_are(search: Search) -> None:
    lattice = laid(heard("路登怀了"))
    (change,) = changes(search, lattice, search.best(lattice), [0.6] * 4)
    assert 0 < Judge.load().probability(change.signs) < 1


def test_more_in_favour_is_more_probable_and_what_is_enough_depends_on_what_it_is_about() -> None:
    judge = Judge({"gain": 0.5}, -2.0, Enough(other=0.6, city=0.5, backed=0.2, backed_city=0.2))
    assert judge.probability({"gain": 1.0}) < judge.probability({"gain": 9.0})
    assert not judge.believes({"gain": 4.5, "city": 0.0, "texts_better": 0.0})
    assert judge.believes({"gain": 4.5, "city": 1.0, "texts_better": 0.0})
    assert not judge.believes({"gain": 2.0, "city": 1.0, "texts_better": 0.0})
    assert judge.believes({"gain": 2.0, "city": 1.0, "texts_better": 4.0})
    assert not judge.believes({"gain": 2.0, "city": 0.0, "texts_better": 4.0})
    assert judge.believes({"gain": 2.0, "city": 0.0, "texts_better": 7.0})


@pytest.fixture(scope="module")
def city() -> City:
    return load_city(ROOT / "cities" / "luoyang")


@pytest.fixture(scope="module")
def full(city: City) -> PhoneticCorrector:
    words = [Entry(word.text, word.weight, word.kind) for word in city.lexicon()]
    return PhoneticCorrector(
        Lexicon([*hotline_words(), *words]), load_packs(), MODELS_DIR / "trigram-zh", texts=city.texts()
    )


def correct(corrector: PhoneticCorrector, text: str, confidence: float) -> str:
    return corrector.correct([heard(text, confidence)], HearingContext()).text


@pytest.mark.engine
@pytest.mark.parametrize("confidence", [0.6, 0.8])
@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("我在涧西区南昌路三号院,路灯花了三天了,你们管不管", "我在涧西区南昌路三号院,路灯坏了三天了,你们管不管"),
        ("我们校区的垃圾好几天没有人清运了", "我们小区的垃圾好几天没有人清运了"),
        ("请问新生儿办理护口需要哪些材料", "请问新生儿办理户口需要哪些材料"),
        ("我想提取攻击金", "我想提取公积金"),
    ],
)
def test_words_that_go_together_in_a_hotline_are_put_together(
    full: PhoneticCorrector, raw: str, text: str, confidence: float
) -> None:
    assert correct(full, raw, confidence) == text


@pytest.mark.engine
@pytest.mark.parametrize("confidence", [0.6, 0.8, 0.95])
@pytest.mark.parametrize("name", ["龙津河步道", "台屿河", "洋亭河", "苍霞街道", "潇楚南路", "怡园巷", "桂花坪街道"])
def test_names_that_nobody_told_us_stay(full: PhoneticCorrector, name: str, confidence: float) -> None:
    said = f"我家住在{name}旁边，晚上太吵了"
    assert correct(full, said, confidence) == said


@pytest.mark.engine
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_right_sentences_stay_as_they_are(full: PhoneticCorrector, confidence: float) -> None:
    rows = (ROOT / "benchmarks/data/emergencies.jsonl").read_text("utf-8").splitlines()[::12]
    sentences = [json.loads(row)["text"] for row in rows]
    changed = [said for said in sentences if correct(full, said, confidence) != said]
    assert len(changed) <= 0.01 * len(sentences), changed
