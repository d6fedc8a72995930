"""Departments, categories and request types: by the city's data at once, by training later, and back again."""

from dataclasses import replace
from pathlib import Path

import pytest

from dialog.city import load_city
from dialog.city.nouns import City
from dialog.embedding import Embedder
from dialog.flow.repeats import SAME_KIND
from dialog.routing import CategoryClassifier, DepartmentRouter, RequestTypeClassifier
from dialog.routing.prior import table_prior, type_prior
from dialog.routing.store import ModelStore
from dialog.routing.trained import TrainedClassifier
from voicebot.core.errors import DialogError
from voicebot.core.ticket import Address, TicketDraft, TicketType

EXAMPLE = Path(__file__).resolve().parents[2] / "cities" / "luoyang"
TEXTS = [
    "路灯坏了没人修", "路灯不亮了", "街上的路灯全灭了", "路灯一闪一闪的", "路灯杆倒了", "路灯晚上不亮",
    "老板拖欠工资", "工资三个月没发", "公司欠我工资", "工资一直拖着不给", "包工头不给工资", "要不到工资",
]  # fmt: skip
LABELS = ["urban"] * 6 + ["hrss"] * 6

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def city() -> City:
    whole = load_city(EXAMPLE)
    return replace(whole, categories=tuple(c for c in whole.categories if c.level1 in ("城市管理", "劳动保障")))


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> Embedder:
    return Embedder(tmp_path_factory.mktemp("embeddings"))


@pytest.fixture(scope="module")
def everything(embedder: Embedder, tmp_path_factory: pytest.TempPathFactory) -> CategoryClassifier:
    return CategoryClassifier(load_city(EXAMPLE), embedder, tmp_path_factory.mktemp("categories"))


@pytest.fixture(scope="module")
def router(city: City, embedder: Embedder, tmp_path_factory: pytest.TempPathFactory) -> DepartmentRouter:
    return DepartmentRouter(city, embedder, tmp_path_factory.mktemp("routing"))


def test_a_clear_duty_is_dispatched_with_its_basis(city: City, router: DepartmentRouter) -> None:
    street_lamp = router.route("南昌路的路灯坏了三天了", TicketDraft())
    assert street_lamp.department == "urban"
    assert street_lamp.automatic
    assert street_lamp.alternatives == ()
    assert "路灯" in street_lamp.reason
    assert street_lamp.basis.startswith("C001 ")
    assert street_lamp.confidence >= city.thresholds.routing_automatic


def test_below_the_threshold_a_person_chooses_between_two(city: City, embedder: Embedder, tmp_path: Path) -> None:
    doubtful = replace(city, thresholds=replace(city.thresholds, routing_automatic=1.0))
    dispatch = DepartmentRouter(doubtful, embedder, tmp_path).route("有个事情想让你们管管", TicketDraft())
    assert not dispatch.automatic
    assert len(set(dispatch.alternatives)) == 2
    assert dispatch.alternatives[0] == dispatch.department
    assert "前两个" in dispatch.reason


def test_what_belongs_to_a_department_stays_at_the_district(city: City, router: DepartmentRouter) -> None:
    village = next(unit for unit in city.units if unit.name == "同乐寨社区")
    dispatch = router.route("路灯坏了", TicketDraft(address=Address(node=village.id)))
    assert city.unit_by_id[dispatch.node].name == "涧西区"
    assert router.route("路灯坏了", TicketDraft()).node == ""


def test_a_known_category_speaks_for_its_department(city: City, router: DepartmentRouter) -> None:
    path = next(c.path for c in city.categories if c.level3 == "拖欠工资")
    assert router.route("这个事一直没有解决", TicketDraft(category=path)).department == "hrss"


def test_categories_go_as_deep_as_they_are_sure(city: City, embedder: Embedder, tmp_path: Path) -> None:
    classifier = CategoryClassifier(city, embedder, tmp_path)
    path, probability = classifier.categorise("井盖坏了，车都过不去")
    assert path == ("城市管理", "市政设施", "井盖损坏")
    assert 0.5 <= probability <= 1.0
    vague, _ = classifier.categorise("那个事情你们看着办吧")
    assert 1 <= len(vague) < 3
    assert classifier.categorise(" ") == ((), 0.0)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("请问新生儿上户口要什么材料", TicketType.INQUIRY),
        ("家里停水一天了，麻烦派人来修", TicketType.HELP),
        ("物业态度恶劣，我要投诉", TicketType.COMPLAINT),
        ("我举报有人无证行医", TicketType.REPORT),
        ("建议在路口增设红绿灯", TicketType.SUGGESTION),
        ("我要表扬一位公交司机", TicketType.PRAISE),
    ],
)
def test_the_six_types_are_told_apart_without_training(
    city: City, embedder: Embedder, tmp_path: Path, text: str, kind: TicketType
) -> None:
    found, probability = RequestTypeClassifier(city, embedder, tmp_path).classify(text)
    assert found is kind
    assert probability > 0.5


def test_training_versions_and_rollback(city: City, embedder: Embedder, tmp_path: Path) -> None:
    store = ModelStore(tmp_path, "department")
    with pytest.raises(DialogError, match="没有可以回退"):
        store.rollback()
    steps: list[str] = []
    model = TrainedClassifier.fit(TEXTS, LABELS, type_prior(), embedder, lambda step, done, total: steps.append(step))
    assert {"embed", "calibrate", "fit"} == set(steps)
    assert store.add(model, {"rows": len(TEXTS)}) == "v0001"
    assert store.add(model, {"rows": len(TEXTS)}) == "v0002"
    loaded = store.load()
    assert loaded is not None
    assert loaded.best("工资拖着不发", embedder)[0] == pytest.approx(
        ("hrss", model.best("工资拖着不发", embedder)[0][1])
    )
    dispatch = DepartmentRouter(city, embedder, tmp_path).route("工资拖着不发", TicketDraft())
    assert (dispatch.department, dispatch.model) == ("hrss", "v0002")
    assert store.rollback() == "v0001"
    assert [version.current for version in store.versions()] == [True, False]
    assert store.rollback() == ""
    assert store.load() is None
    assert store.add(model, {}) == "v0003"


def test_a_word_that_no_training_text_used_is_known_by_its_sector(city: City, embedder: Embedder) -> None:
    prior = table_prior(city, embedder)
    assert prior.sector_words("护士") @ prior.sector_words("医院的医生") > 0
    assert prior.sector_words("护士") @ prior.sector_words("拖欠工资") == 0
    assert prior.sector_words("那个事情").sum() == 0


def test_a_model_keeps_what_was_known_beforehand(city: City, embedder: Embedder, tmp_path: Path) -> None:
    model = TrainedClassifier.fit(TEXTS, LABELS, table_prior(city, embedder), embedder)
    model.save(tmp_path / "model.npz", {"rows": len(TEXTS)})
    loaded, facts = TrainedClassifier.load(tmp_path / "model.npz")
    assert facts == {"rows": len(TEXTS)}
    for text in ("用人单位克扣加班费", "路灯又灭了"):
        assert dict(loaded.best(text, embedder)) == pytest.approx(dict(model.best(text, embedder)))
    assert loaded.best("用人单位克扣加班费", embedder)[0][0] == "hrss"


def test_many_texts_are_learnt_as_few_are(embedder: Embedder, monkeypatch: pytest.MonkeyPatch) -> None:
    few = TrainedClassifier.fit(TEXTS, LABELS, type_prior(), embedder)
    monkeypatch.setattr("dialog.routing.trained._MOST_SPANNED", 0)
    many = TrainedClassifier.fit(TEXTS, LABELS, type_prior(), embedder)
    for text in ("工资拖着不发", "路灯又灭了", "那个事情"):
        assert dict(few.best(text, embedder)) == pytest.approx(dict(many.best(text, embedder)), abs=0.01)


def test_a_trained_type_replaces_the_rules(city: City, embedder: Embedder, tmp_path: Path) -> None:
    labels = ["求助"] * 6 + ["投诉"] * 6
    ModelStore(tmp_path, "type").add(TrainedClassifier.fit(TEXTS, labels, type_prior(), embedder), {})
    assert RequestTypeClassifier(city, embedder, tmp_path).classify("路灯又坏了")[0] is TicketType.HELP


def test_one_label_cannot_be_learnt_and_a_damaged_model_says_what_to_do(embedder: Embedder, tmp_path: Path) -> None:
    with pytest.raises(DialogError, match="一种标签"):
        TrainedClassifier.fit(["路灯坏了", "停水了"], ["a", "a"], type_prior(), embedder)
    damaged = tmp_path / "v0001.npz"
    damaged.write_bytes(b"damaged")
    with pytest.raises(DialogError, match="rollback"):
        TrainedClassifier.load(damaged)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("路灯坏了三天了", "路灯不亮，晚上很黑"),
        ("楼下烧烤摊天天吵到半夜", "烧烤店晚上放音乐太吵"),
        ("下水道堵了，污水往外冒", "下水道又堵了"),
        ("停水了", "从早上就没有水"),
        ("暖气不热", "家里暖气一点也不热"),
        ("井盖没了", "路上井盖丢了，很危险"),
    ],
)
def test_one_matter_in_two_descriptions_is_alike(everything: CategoryClassifier, one: str, other: str) -> None:
    assert everything.alike(one, other) >= SAME_KIND


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("路灯坏了三天了", "垃圾没人清运"),
        ("楼下烧烤摊天天吵到半夜", "楼道里堆了很多杂物"),
        ("下水道堵了", "路灯不亮"),
        ("老板拖欠工资", "健身房不退年卡"),
        ("停水了", "停电了"),
        ("暖气不热", "电梯坏了"),
        ("井盖没了", "树倒了挡住人行道"),
        ("工地半夜施工", "工地拖欠工资"),
    ],
)
def test_two_matters_at_one_place_are_not(everything: CategoryClassifier, one: str, other: str) -> None:
    assert everything.alike(one, other) < SAME_KIND
