"""Sentences to be spoken by synthesised voices: made from the city's names, and out of what people wrote."""

from asr.adaptation.sentences import CityNames, clauses, hotline_sentences

NAMES = CityNames(["南昌路", "牡丹广场"], ["市城管局"], ["路灯坏了"])


def test_the_same_seed_gives_the_same_different_sentences() -> None:
    made = hotline_sentences(NAMES, 40, 3)
    assert made == hotline_sentences(NAMES, 40, 3)
    assert len(set(made)) == len(made) == 40
    assert not any("{" in sentence for sentence in made)
    assert {place for place in NAMES.places if any(place in sentence for sentence in made)} == set(NAMES.places)


def test_a_city_without_places_still_has_sentences() -> None:
    assert hotline_sentences(CityNames([], [], ["路灯坏了"]), 5, 1)
    assert not any("市城管局" in sentence for sentence in hotline_sentences(CityNames([], [], []), 5, 1))


def test_clauses_are_what_everybody_reads_alike() -> None:
    texts = [
        "A3区大道西行便道，路灯杆被围在施工围墙内。2019年4月以来！",
        "路灯杆被围在施工围墙内，晚上没有一点亮光；好",
    ]
    found = clauses(texts, 10, 1)
    parts = {part for sentence in found for part in sentence.rstrip("。").split("，")}
    assert parts == {"路灯杆被围在施工围墙内", "晚上没有一点亮光"}
    assert clauses(texts, 1, 1) == found[:1]
    assert clauses([], 3, 1) == []
