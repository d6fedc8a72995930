import pytest

from asr.lexicon import Entry, Lexicon, hotline_words


@pytest.fixture
def lexicon() -> Lexicon:
    return Lexicon([Entry("涧西区", kind="place"), Entry("路灯"), Entry("新生儿"), Entry("瀍河", reading="chan he")])


def allows(lexicon: Lexicon, word: str, heard: str, unlike: float = 0.0, **facts: bool) -> bool:
    return lexicon.allows(word, heard, unlike, **{"heard_is_word": False, "certain": False, **facts})


def test_words_are_found_by_their_sound(lexicon: Lexicon) -> None:
    assert lexicon.words("jian'xi'qu'") == ["涧西区"]
    assert lexicon.words("jian'xi'") == []
    assert lexicon.may_begin("jian'xi'")
    assert not lexicon.may_begin("jian'xu'")


def test_a_reading_that_is_handed_in_wins(lexicon: Lexicon) -> None:
    assert lexicon.words("chan'he'") == ["瀍河"]


def test_words_that_are_not_chinese_or_too_short_are_left_out() -> None:
    assert len(Lexicon([Entry("WiFi"), Entry("路"), Entry("12345热线"), Entry("路灯"), Entry("路灯")])) == 1


def test_the_heavier_of_two_entries_counts() -> None:
    assert Lexicon([Entry("路灯", 1.0), Entry("路灯", 3.0), Entry("路灯", 2.0)]).weight("路灯") == 3.0


def test_a_long_word_may_be_a_little_off_when_most_of_it_was_written_right(lexicon: Lexicon) -> None:
    assert allows(lexicon, "涧西区", "建西区")
    assert allows(lexicon, "涧西区", "建西区", 2.0)
    assert not allows(lexicon, "涧西区", "建西区", 4.0)


def test_the_less_was_written_right_the_closer_the_sound_has_to_be(lexicon: Lexicon) -> None:
    assert allows(lexicon, "新生儿", "行审而", 2.5)
    assert not allows(lexicon, "新生儿", "行审而", 3.1)
    assert allows(lexicon, "新生儿", "行生儿", 3.5)
    assert not allows(lexicon, "新生儿", "行生儿", 4.0)


def test_a_short_word_needs_its_sound_to_the_tone_and_pushes_out_no_other_word(lexicon: Lexicon) -> None:
    assert allows(lexicon, "路灯", "路登")
    assert not allows(lexicon, "路灯", "路等")
    assert not allows(lexicon, "路灯", "路登", heard_is_word=True)
    assert not allows(lexicon, "路灯", "绿登", 1.0)


def test_what_the_engine_was_sure_of_gives_way_only_to_its_exact_sound(lexicon: Lexicon) -> None:
    assert allows(lexicon, "涧西区", "建西区", certain=True)
    assert not allows(lexicon, "涧西区", "剪西区", certain=True)
    assert not allows(lexicon, "新生儿", "心声而", certain=True)


def test_the_product_brings_words_of_the_hotline() -> None:
    words = {entry.word for entry in hotline_words()}
    assert {"户口", "居住证", "拖欠工资", "物业"} <= words
    assert len(words) > 150


def test_a_word_that_is_more_than_a_topic_stays_when_topics_go() -> None:
    both = Lexicon([Entry("杂物", 3.0, "category"), Entry("杂物"), Entry("水质", 1.0, "category")])
    assert both.kind("杂物") == "hotline"
    assert "水质" in both
    assert "水质" not in both.without_topics()
    assert "杂物" in both.without_topics()
