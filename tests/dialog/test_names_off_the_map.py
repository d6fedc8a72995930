"""Places, enterprises, people, sums and requests that no table holds."""

import pytest

from dialog.ticket.addresses import AddressFinder
from dialog.ticket.amounts import find_amount
from dialog.ticket.companies import find_companies
from dialog.ticket.demands import demand
from dialog.ticket.people import find_name, find_persons
from dialog.understanding.intents import Intent, IntentFinder
from tests.support.talking import example_city


@pytest.fixture(scope="module")
def places() -> AddressFinder:
    return AddressFinder(example_city())


@pytest.mark.parametrize(
    ("said", "parts"),
    [
        ("绿都塘宁十六号楼的暖气不热，我在二单元幺一零二", {"community": "绿都塘宁", "unit": "2单元", "room": "1102"}),
        ("我们开元壹号六号楼返味儿", {"community": "开元壹号", "building": "6号楼"}),
        ("住白马小区二号楼", {"community": "白马小区"}),
        ("银川路凌波佳苑，地下车库渗水", {"road": "银川路", "community": "凌波佳苑"}),
        ("南昌路小区没水", {"community": "南昌路小区"}),
        ("老城唐寺门小区停电", {"district": "老城区", "community": "唐寺门小区"}),
        ("瀍河区东关大街一百零三号", {"district": "瀍河回族区", "number": "103号"}),
        ("金业路跟春都路那个路口挖沟", {"road": "金业路", "landmark": "金业路与春都路交叉口"}),
        ("伊水路跟吉庆路西北角那个楼盘", {"landmark": "伊水路与吉庆路交叉口"}),
        ("应天门那一块拿喇叭喊", {"landmark": "应天门"}),
        ("从谷水转盘上客", {"landmark": "谷水转盘"}),
        ("就西关花坛公交站那个站牌旁边", {"landmark": "西关花坛公交站"}),
        ("七号楼三单元十二楼东户", {"building": "7号楼", "room": "12楼东户"}),
    ],
)
def test_a_place_is_known_by_what_stands_around_it(places: AddressFinder, said: str, parts: dict[str, str]) -> None:
    found = places.find(said)
    assert found is not None
    assert {name: getattr(found, name) for name in parts} == parts


@pytest.mark.parametrize(
    "said", ["能申请公租房不", "找哪个法院", "老头乐能上路吗", "孩子考上大学了", "同一个酒店比人家贵", "我家门口有狗"]
)
def test_a_word_that_ends_like_a_name_is_none(places: AddressFinder, said: str) -> None:
    assert places.find(said) is None


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ("我要投诉美达装饰，交了六万五", ("美达装饰",)),
        ("开发商是河南宏基置业，推给物业", ("河南宏基置业",)),
        ("你们查查那个送餐公司，叫味达餐饮", ("味达餐饮",)),
        ("有个叫金贝壳的洗浴中心", ("金贝壳",)),
        ("那个小天鹅舞蹈学校报的班", ("小天鹅舞蹈学校",)),
        ("我这联通的宽带掉线", ("联通",)),
        ("在富达服装厂上班，现在厂子要搬，先别跟厂里说", ("富达服装厂",)),
        ("从牡丹城宾馆到火车站", ()),
        ("打算开个面馆", ()),
        ("手机号不变，能转到别家公司不", ()),
    ],
)
def test_an_enterprise_is_named_or_not(said: str, names: tuple[str, ...]) -> None:
    assert find_companies(said) == names


@pytest.mark.parametrize(
    ("said", "yuan"),
    [
        ("停了不到俩钟头收我四十五，牌子也没有", "45"),
        ("过渡费一个月八百，打从去年一毛钱没发", "800"),
        ("穿一天开胶了，六百九十九，不给换", "699"),
        ("连押金五百都不退", "500"),
        ("平时十五，收我三十二，车牌没记", "32"),
        ("交了五千定金", "5000"),
        ("十块八块的都不拉", ""),
        ("我今年五十五，啥时候退休", ""),
        ("打了三十次电话", ""),
    ],
)
def test_the_sum_in_dispute(said: str, yuan: str) -> None:
    assert find_amount(said) == yuan


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("孩子吓得直哭，能不能别让他们半夜干了", "别让他们半夜干了"),
        ("不打表，让他把多收的钱退给我", "把多收的钱退给我"),
        ("你们给查查咋回事", "查查咋回事"),
        ("桥冲了，盼着早点把桥修起来", "早点把桥修起来"),
        ("交警能不能设个卡", "设个卡"),
        ("林业上得去看看", "去看看"),
        ("盲道看不见了，得叫他们清走", "清走"),
        ("退我钱就行", "退我钱"),
        ("让景区给我道个歉", "给我道个歉"),
        ("栏杆没人修，修修吧", "修修"),
        ("应该是十月三号", ""),
        ("让单位辞了，失业金咋领", ""),
        ("过年在市区能不能放炮", ""),
        ("吵架那事早和好了，你们别再派人上门了", ""),
    ],
)
def test_a_request_is_told_from_a_story(said: str, wanted: str) -> None:
    assert demand(said) == wanted


def test_callers_and_others_by_name() -> None:
    assert find_name("您好我姓慕，羡慕的慕") == "慕"
    assert find_name("院里没人管，我是王婶，电话") == "王婶"
    assert find_name("叫我老魏就行") == "老魏"
    assert find_name("俺是老街坊，姓海") == "海"
    assert find_name("投诉这个司机，姓王，不打表") is None
    assert find_persons("摊主姓薛，园长叫郭丽娟") == ("薛", "郭丽娟")
    assert find_persons("包工头王建军欠我们工资") == ("王建军",)
    assert find_persons("教练姓阎") == ("阎",)


@pytest.mark.parametrize(
    ("said", "intent"),
    [
        ("我不留名，举报一个加油点", Intent.ANONYMOUS),
        ("名字我就不说了", Intent.ANONYMOUS),
        ("我不想让人知道是我说的", Intent.CONFIDENTIAL),
        ("先别跟厂里说是谁反映的", Intent.CONFIDENTIAL),
        ("别往学校说是家长打的", Intent.CONFIDENTIAL),
        ("我要投诉，名字保密", Intent.CONFIDENTIAL),
        ("我不怕，不用给我保密", Intent.OPEN),
    ],
)
def test_who_may_know_of_the_caller(said: str, intent: Intent) -> None:
    found = IntentFinder().find(said) & {Intent.ANONYMOUS, Intent.CONFIDENTIAL, Intent.OPEN}
    assert found == {intent}
