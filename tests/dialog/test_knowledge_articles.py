"""Articles go out and come back unchanged, and what is wrong in a table is named by its row."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from openpyxl import load_workbook

from dialog.city import load_city
from dialog.city.nouns import Article, ArticleStatus
from dialog.knowledge.exchange import export_articles, import_articles
from dialog.knowledge.judge import Evidence, Manner, elsewhere_examples, probability
from dialog.knowledge.overlap import Overlap, Shared, sounds
from voicebot.core.errors import CityError

EXAMPLE = Path(__file__).resolve().parents[2] / "cities" / "luoyang"


@pytest.fixture(scope="module")
def articles() -> tuple[Article, ...]:
    return load_city(EXAMPLE).articles[:5]


@pytest.mark.parametrize("name", ["out.csv", "out.xlsx", "out"])
def test_articles_come_back_as_they_went(articles: tuple[Article, ...], tmp_path: Path, name: str) -> None:
    export_articles(articles, tmp_path / name)
    back = import_articles(tmp_path / name)
    assert [replace(a, file="") for a in back] == [replace(a, file="") for a in articles]


def test_a_wrong_cell_is_named_by_its_row(articles: tuple[Article, ...], tmp_path: Path) -> None:
    path = tmp_path / "out.xlsx"
    export_articles(articles, path)
    book = load_workbook(path)
    book.active["E3"] = "明年"
    book.save(path)
    with pytest.raises(CityError) as caught:
        import_articles(path)
    assert caught.value.problems[0].startswith("out.xlsx:3: “明年”不是日期")


def test_a_table_without_a_column_or_that_is_no_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,title\nx,y\n", encoding="utf-8")
    with pytest.raises(CityError, match="缺少列"):
        import_articles(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CityError, match="读不出来"):
        import_articles(tmp_path / "b.csv")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CityError, match="没有文章"):
        import_articles(tmp_path / "empty")


def test_only_a_published_article_within_its_days_may_be_spoken(articles: tuple[Article, ...]) -> None:
    article = replace(articles[0], valid_from=date(2026, 3, 1), valid_to=date(2026, 3, 31))
    assert article.speakable(date(2026, 3, 1))
    assert article.speakable(date(2026, 3, 31))
    assert not article.speakable(date(2026, 2, 28))
    assert not article.speakable(date(2026, 4, 1))
    assert not replace(article, status=ArticleStatus.DRAFT).speakable(date(2026, 3, 15))


def test_homophones_sound_the_same() -> None:
    assert sounds("公积金提取") == sounds("公鸡金提取")
    assert sounds("四十") == sounds("是石")
    by_sound = Overlap(["公积金怎么提取", "身份证怎么补办"], by_sound=True)
    by_character = Overlap(["公积金怎么提取", "身份证怎么补办"], by_sound=False)
    said = "公鸡金咋踢曲"
    assert by_sound.cosines(said)[0] > by_sound.cosines(said)[1]
    assert by_sound.cosines(said)[0] > by_character.cosines(said)[0]
    assert by_sound.cosines("").tolist() == [0.0, 0.0]


def test_a_share_does_not_count_what_was_left_out() -> None:
    shared = Shared(["供暖 什么时候供暖", "身份证补办"], by_sound=False)
    assert shared.share("身份证", 1) == pytest.approx(1.0)
    assert shared.share("身份证", 0) == 0.0
    assert shared.share("身份证补办", 1, "身份证补办") == 0.0
    assert shared.share("", 0) == 0.0


def test_asking_and_reporting_are_told_apart() -> None:
    manner = Manner()
    assert manner.count("question", "身份证丢了怎么补办")
    assert manner.count("question", "准备领结婚证，带户口本不带")
    assert not manner.count("question", "物业收了钱不打扫卫生")
    assert manner.count("complaint", "路灯坏了好几天一直没人修") >= 2


def test_the_nearer_the_article_and_the_clearer_the_question_the_surer() -> None:
    weak = Evidence(0.3, 0.28, 0.35, 0.05, asks=False, procedure=False, reports=2, other=True)
    strong = Evidence(0.8, 0.4, 0.3, 0.5, asks=True, procedure=True, reports=0, other=False)
    assert probability(weak) < 0.1
    assert probability(strong) > 0.9
    assert len(elsewhere_examples()) == len(set(elsewhere_examples())) >= 150
