"""Enterprises that a caller names: by the words their names end in, by 叫, by well-known brands."""

import re

from dialog.ticket.words import any_of, words

_STEM = "[\u4e00-\u9fffA-Za-z0-9]"
_NAMED = re.compile(rf"(?P<name>{_STEM}{{1,12}}?{any_of('company_tails')})(?![长房家区矿商门主工子里])")
_WEAK = re.compile(
    rf"(?P<name>{_STEM}{{2,10}}?{any_of('company_weak_tails')})"
    r"(?=[，。！？；、,.!?\s]|$|的|那[个边家儿]|这[个边家]|[不没说收欠拖卖骗跑给把也都就还让报交办学买订定修做装念上让]|老板|老总|关门|倒闭|门口)"
)
_CALLED = re.compile(
    r"(?:店|公司|厂|门市部?|机构|学校|中介|馆|企业|商家|平台|商店|铺子?|驾校|超市|饭店|酒店|宾馆|幼儿园|作坊|家|物业|诊所|专柜|院)"
    rf"，?(?:的?名字|店名|名)?(?:就|名)?叫(?:做|个)?(?P<name>{_STEM}{{2,14}}?)(?=[，。,.的！？!?]|$)"
)
_CALLED_KIND = re.compile(
    rf"(?:叫|名叫)(?P<name>{_STEM}{{2,8}}?)的(?:{any_of('company_kinds')}|{any_of('company_tails')}|店|公司|饭店|中心|门店|学校)"
)
_PLACE = re.compile(
    r"(?:门口|门前|旁边|对面|对过|附近|后面|后头|前面|前头|楼下|路口|那边|[东西南北]边|[到至去]|停车场|公交站|站)"
)
_CARRIER = re.compile(
    rf"(?:中国)?(?P<name>{any_of('company_carriers')})(?=的?(?:宽带|公司|营业厅|套餐|手机|客服|网络|信号|卡|流量|话费|业务|师傅|的?网))"
)
_BRAND = re.compile(rf"(?P<name>{any_of('company_brands')})")
_CUT = re.compile(
    r".*(?:我在|房东|推|在|投诉|举报|反映|被|跟|和|与|去|到|给|把|从|找|一家叫|那个|这个|哪个|[一这那两几]家|好几|有个|开个|准备|打算|开办|人家开?|开一?家|开了|有一个|叫做?|就是|是|的|"
    r"我们|我家|你们|他们|俺们?|我|路|街|号院?|楼下|旁边|对面|对过|门口|小区(?!物业)|区|县|，|了|用|买|现在|先别|让|问|说|查查|"
    r"附近|里头|里面|上班|干活|打工|上面|一个|一些|所有|表扬|感谢|咨询|关于)"
)
_KIND = re.compile(
    rf"(?:{any_of('company_kinds')}|[那这家种些个])*(?:{any_of('company_tails')}|{any_of('company_weak_tails')})"
)
_NOTHING = re.compile("什么|啥|不知道|不清楚|忘了")
_NO_NAME = frozenset("".join(words("company_not_in_names")))
_SHORTEST = 3  # characters of a name with its tail
_STEM_LENGTH = 2  # characters of a name before its tail


def find_companies(text: str) -> tuple[str, ...]:
    """Enterprises in the order they are named; a bare 物业公司 or 送餐公司 names none."""
    found: list[tuple[int, int, str]] = []
    for pattern in (_CALLED, _CALLED_KIND, _NAMED, _WEAK, _CARRIER, _BRAND):
        for match in pattern.finditer(text):
            name = match["name"]
            if pattern in (_NAMED, _WEAK):
                name = _trimmed(name)
                if len(name) < _SHORTEST or _KIND.fullmatch(name) or _short_stem(name) or _NO_NAME & set(name):
                    continue
                if _PLACE.match(text, match.end()) and text[: match.end("name") - len(name)].endswith(
                    ("从", "在", "到")
                ):
                    continue  # only where somebody was
            elif pattern in (_CALLED, _CALLED_KIND) and _NOTHING.search(name):
                continue
            start = match.end("name") - len(name)
            if all(match.end("name") <= begin or start >= end for begin, end, _ in found):
                found.append((start, match.end("name"), name))
    return tuple(dict.fromkeys(name for _, _, name in sorted(found)))


def _trimmed(name: str) -> str:
    """Without the words that lead to the name."""
    cut = _CUT.match(name[:-2])
    return name[cut.end() :] if cut else name


def _short_stem(name: str) -> bool:
    tails = (*words("company_tails"), *words("company_weak_tails"))
    tail = max((t for t in tails if name.endswith(t)), key=len, default="")
    return len(name) - len(tail) < _STEM_LENGTH
