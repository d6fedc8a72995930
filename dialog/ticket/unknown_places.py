"""Names of places that no gazetteer knows: by how they end, by what follows them, by the number behind them."""

import re
import tomllib
from collections.abc import Iterator
from importlib.resources import files

from dialog.ticket.place_parts import NamedPart, PartKind
from dialog.ticket.words import alternation

_WORDS = tomllib.loads((files(__package__) / "places.toml").read_text(encoding="utf-8"))


def _any_of(name: str) -> str:
    return alternation(_WORDS[name])


AROUND = _any_of("around")
"""Pattern of the words that tell where about a place something is: 后头, 那一块, 南门."""

_HAN = "[\u4e00-\u9fff]"
_FIGURE = "[0-9零〇一二两三四五六七八九十百]+"
_ROAD_TAIL = (
    "(?:东路|西路|南路|北路|中路|环路|大道|大街|国道|省道|(?<![马道公铁线电走修问一逛出思网套迷半跑带让借开堵占泥上绕见去来])路"
    "|(?<![上逛沿满炸扫骂游串压当半闹])街|巷|胡同)"
)
_ROAD = re.compile(rf"(?P<name>{_HAN}{{1,5}}?{_ROAD_TAIL})(?![灯面况由过人牌障边费程线途径轧])")
_ROAD_AND = re.compile(rf"(?:{_HAN}{{2,5}}?{_ROAD_TAIL})(?={_HAN}{{3,}})")
_ESTATE = re.compile(
    rf"(?P<name>{_HAN}{{2,10}}?(?:{_any_of('estate_tails')}|(?<={_HAN}{{2}})国际(?!酒店|大酒店|机场|广场|中心|影城|贸易|集团|学校|会展)))"
    r"(?!的?物业公司|[厂店])"
)
_BEFORE_NUMBER = re.compile(
    rf"(?P<name>{_HAN}{{3,10}}?)(?<![零一二两三四五六七八九十百])(?=(?:小区)?(?:{_FIGURE}(?:号楼|[栋幢座期]))|{_any_of('estate_after')})"
)
_VILLAGE = re.compile(rf"(?P<name>{_HAN}{{1,4}}?{_any_of('village_tails')})(?![民里委干长镇子])")
_TOWN = re.compile(rf"(?P<name>{_HAN}{{1,4}}?(?:镇|(?<![家老故城下])乡))(?![民里委干长镇子下])")
_LANDMARK = re.compile(rf"(?P<name>{_HAN}{{1,8}}?{_any_of('landmark_tails')}{{1,2}})")
_AROUND = re.compile(rf"(?P<name>{_HAN}{{2,9}}?)(?={AROUND})")
_CUT = re.compile(
    r".*(?:我家住在|住在|家住|住(?!宅|院)|位于|就在|现在|在|我们家?|你们|他们|我家|就是|说的是|是|到|从|往|去|叫做?|那个|这个|那条|这条|有个|有一?家|"
    r"的|(?<![景园校厂小])(?<!(?<!高)新)区(?=[\u4e00-\u9fff]{2})|县(?=[\u4e00-\u9fff]{2})|反映|投诉|举报|表扬|感谢|夸|一下|建议|申请|考上?|租(?!房|赁)|找|同一个|哪个|公办|私立|和|与|跟|旁边|对面|对过|附近|靠近|离|我|俺|了|把|"
    r"[东西南北里那这]边(?=[\u4e00-\u9fff]{2})|街上|(?<=[0-9零一二两三四五六七八九十])号(?!楼|院)|喂|你好|您好|不对|另外|还有|路过|经过|过(?=[\u4e00-\u9fff]{3})|镇(?=[\u4e00-\u9fff]{2})|街道(?=[\u4e00-\u9fff]{3}))"
)
_LEAD = re.compile(r"^(?:就|打|顺着?|沿着?|那|嗯|啊|呃|哎|个)+(?=[\u4e00-\u9fff]{2})")
_CITY = re.compile(r"^[\u4e00-\u9fff]{2}市(?=[\u4e00-\u9fff]{3})")
_GENERIC = re.compile(
    r"(?:本|该|整个?|全|老旧?|住宅|每个?|哪个?|某|一个|几个|别的|其他|商业|农贸|菜|市|大|小|的|个|里|新|条|出|进|门口|俺们?|咱们?|我们?|邻|外|各|"
    r"这|那|有|好多|很多|附近|旁边|隔壁|公立|私立|学校|楼下|社区|街道|县|区|单位|公司|学生|职工|高档|普通|安置|两个|门前)*"
    r"(?:小区|花园|家园|公寓|社区|路|街|村|镇|乡|广场|市场|商场|超市|中学|小学|大学|高中|初中|幼儿园|医院|公园|车站|加油站|酒店|饭店|宾馆|"
    r"工地|巷|家属院|家属楼|菜市场|公交站|地铁站|火车站|停车场|派出所|法院|办事大厅|服务大厅|卫生院|卫生室|服务区|收费站|电影院|夜市|"
    r"(?:回家|上学|放学|上班|下班|出门|半|一|水泥|柏油|石子|砂石|沥青|山|土|十字|丁字|三岔|岔|便民|主干|小|机耕)路|充电站|写字楼|工业园|天桥|大桥|隧道|涵洞|花坛|国道|省道|安置房|公租房|廉租房|机场|景区|水库|养老院|敬老院|福利院|加气站)"
)
_SHORTEST = 3  # characters of a name that only its surroundings show
_BUS_LINE = re.compile(r"[0-9零一二三四五六七八九十百点]{2,}路$")
_NUMBERED = re.compile(rf"{_FIGURE}[号楼栋路]")
_GENERIC_AROUND = frozenset(_WORDS["generic_around"])
_NOT_IN_NAMES = frozenset(_WORDS["not_in_names"])
_NEVER = frozenset(_WORDS["never_in_names"])
_LED = re.compile(
    r"(?:^|[，。！？；,、]|在|到|从|去|打|过|是|住|的|[区县镇乡]|街上|街道|就|那个|这个|我们|俺们|咱们|我|俺|于|[路街道])$"
)


def unknown_names(text: str) -> list[NamedPart]:
    """What looks like a name by its last characters; may overlap known names."""
    found = []
    for pattern, kind in (
        (_ROAD, PartKind.ROAD),
        (_ESTATE, PartKind.COMMUNITY),
        (_VILLAGE, PartKind.COMMUNITY),
        (_TOWN, PartKind.STREET),
        (_LANDMARK, PartKind.LANDMARK),
    ):
        for match in pattern.finditer(text):
            name = _trimmed(match["name"])
            if kind is PartKind.COMMUNITY:
                name = _CITY.sub("", _without_road(name))
            if (
                len(name) >= 2
                and not _NEVER & set(name)
                and not _GENERIC.fullmatch(name)
                and not _BUS_LINE.search(name)
            ):
                found.append(NamedPart(kind, match.end() - len(name), match.end(), name))
    return found


def names_by_context(text: str) -> Iterator[NamedPart]:
    """What stands where a name would stand: 绿都塘宁 before 十六号楼, 应天门 before 那一块."""
    for pattern, kind in ((_BEFORE_NUMBER, PartKind.COMMUNITY), (_AROUND, PartKind.LANDMARK)):
        for match in pattern.finditer(text):
            name = _without_road(_trimmed(match["name"]))
            start = match.end() - len(name)
            if len(name) < _SHORTEST or name in _GENERIC_AROUND or _GENERIC.fullmatch(name):
                continue
            if _LED.search(text[:start]) and not _NOT_IN_NAMES & set(name) and not _NUMBERED.search(name):
                yield NamedPart(kind, start, match.end(), name, by_context=True)


def _trimmed(name: str) -> str:
    """Without the words that lead to the name."""
    cut = _CUT.match(name[:-1])
    name = name[cut.end() :] if cut else name
    return _LEAD.sub("", name)


def _without_road(name: str) -> str:
    """银川路凌波佳苑 is 凌波佳苑, but 南昌路小区 is named after its road."""
    road = _ROAD_AND.match(name)
    rest = name[road.end() :] if road else ""
    return rest if rest and not _GENERIC.fullmatch(rest) else name
