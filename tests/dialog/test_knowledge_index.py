"""Search with the real embeddings over a few of the example city's articles."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from dialog.city import load_city
from dialog.city.nouns import ArticleStatus, City
from dialog.embedding import Embedder
from dialog.knowledge import KnowledgeIndex
from dialog.knowledge.conflicts import find_conflicts
from dialog.ports import KnowledgeBase

EXAMPLE = Path(__file__).resolve().parents[2] / "cities" / "luoyang"
TODAY = date(2026, 6, 1)
KEPT = ("hukou-newborn", "idcard-lost", "heating", "fund-withdraw", "longmen-ticket")

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def city() -> City:
    whole = load_city(EXAMPLE)
    return replace(whole, articles=tuple(whole.article_by_id[name] for name in KEPT), catalogue=whole.catalogue[:3])


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> Embedder:
    return Embedder(tmp_path_factory.mktemp("embeddings"))


@pytest.fixture(scope="module")
def index(city: City, embedder: Embedder) -> KnowledgeIndex:
    return KnowledgeIndex(city, embedder)


@pytest.mark.parametrize(
    ("question", "article"),
    [
        ("我家孩子刚出生，户口去哪里办", "hukou-newborn"),
        ("身份证找不到了怎么重新办一个", "idcard-lost"),
        ("屋里冷，供暖温度标准是多少度", "heating"),
        ("公鸡金怎么提取", "fund-withdraw"),
        ("去龙门石窟玩门票要多少钱", "longmen-ticket"),
    ],
)
def test_a_colloquial_question_finds_its_article(index: KnowledgeBase, question: str, article: str) -> None:
    hit = index.search(question, TODAY)
    assert hit is not None
    assert hit.article_id == article
    assert hit.sure
    assert hit.portions
    assert hit.source
    assert hit.owner


@pytest.mark.parametrize("said", ["今天天气怎么样", "我家楼下的路灯坏了好几天了", "物业天天不打扫卫生", "嗯", ""])
def test_it_abstains_when_no_article_answers(index: KnowledgeBase, said: str) -> None:
    hit = index.search(said, TODAY)
    assert hit is None or not hit.sure


def test_an_expired_or_draft_article_is_never_found(city: City, embedder: Embedder) -> None:
    draft = tuple(replace(a, status=ArticleStatus.DRAFT) if a.id == "heating" else a for a in city.articles)
    index = KnowledgeIndex(replace(city, articles=draft), embedder)
    found = index.ranked("供暖温度标准是多少度", TODAY, 5)
    assert len(found) == 4
    assert "heating" not in [hit.article_id for hit in found]
    assert index.search("身份证丢了怎么补办", date(2030, 1, 1)) is None


def test_many_calls_may_search_at_once(index: KnowledgeIndex) -> None:
    questions = ["身份证丢了怎么办", "公积金怎么取", "供暖几号开始"] * 4
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda question: index.search(question, TODAY), questions))
    assert [hit.article_id for hit in found if hit] == ["idcard-lost", "fund-withdraw", "heating"] * 4


def test_vectors_are_kept_and_damage_is_mended(tmp_path: Path) -> None:
    embedder = Embedder(tmp_path)
    first = embedder.sentences(["路灯坏了", "停水了"], name="few")
    (kept,) = tmp_path.glob("few-*.npy")
    kept.write_bytes(b"damaged")
    assert np.array_equal(embedder.sentences(["路灯坏了", "停水了"], name="few"), first)
    embedder.sentences(["路灯坏了"], name="few")
    assert len(list(tmp_path.glob("few-*.npy"))) == 1
    assert np.allclose(np.linalg.norm(first, axis=1), 1.0, atol=1e-3)


def test_two_owners_of_one_question_are_a_conflict(city: City, embedder: Embedder) -> None:
    first = city.article_by_id["heating"]
    second = replace(first, id="heating-2", owner="housing", questions=("家里温度不达标可以退钱吗",), title="供热退费")
    (conflict,) = find_conflicts((first, second), embedder, "test")
    assert conflict.owners_differ
    assert {conflict.first.id, conflict.second.id} == {"heating", "heating-2"}
    assert find_conflicts((), embedder, "test") == ()
