"""Who calls and whom it is about: names, enterprises, sums of money."""

import re

from dialog.ticket.words import words
from voicebot.core.speech import Expect
from voicebot.language.spans import NumberKind
from voicebot.language.spoken_numbers import find_numbers

_SURNAME = f"(?:{'|'.join(words('compound_surnames'))}|[{''.join(words('surnames'))}])"
_GIVEN = r"[\u4e00-\u9fff]{1,2}?"
_END = r"(?=[，。！？,.!?、\s]|$|我|你|他|电话|手机|住|是|在|的)"
_NAME_RULES = (
    re.compile(rf"(?:我的?名字(?:叫|是)|我叫|名叫|本人叫|叫我)(?:做|作)?(?P<name>{_SURNAME}{_GIVEN}){_END}"),
    re.compile(rf"(?:我姓名(?:是|叫)?|姓名(?:是|叫))(?P<name>{_SURNAME}{_GIVEN}){_END}"),
    re.compile(
        rf"(?:我|免贵|本人)?(?<!他)(?<!老板)(?<!经理)姓(?P<name>{_SURNAME})(?:[，。,.\s]|$|，?叫(?P<given>{_GIVEN}){_END}|的|啊|我)"
    ),
    re.compile(rf"我是(?P<name>{_SURNAME}(?:先生|女士|师傅|老师))"),
    re.compile(rf"(?:我是(?:业主|村民|居民|户主|住户))(?P<name>{_SURNAME}{_GIVEN}){_END}"),
)
_ALONE = re.compile(rf"(?:我?(?:姓|叫|是))?(?P<name>{_SURNAME}[\u4e00-\u9fff]{{0,2}})[。，\s]*")
_ACCUSED = re.compile(
    rf"(?:一个|那个|这个)?(?:姓(?P<surname>{_SURNAME})的(?:老板|经理|主任|校长|包工头|房东|医生|老师|人)?"
    rf"|(?:老板|经理|主任|校长|包工头|房东|村主任|村支书|物业经理|负责人)(?:叫|是|姓)(?P<name>{_SURNAME}[\u4e00-\u9fff]{{0,2}}?)(?=[，。,.\s的]|$))"
)
_COMPANY = re.compile(
    rf"(?P<name>[\u4e00-\u9fffA-Za-z0-9]{{1,12}}?(?:{'|'.join(words('company_tails'))}))(?![长房家区矿商门主长工])"
)
_COMPANY_CUT = re.compile(
    r".*(?:我在|在|投诉|举报|反映|被|跟|和|与|去|到|给|把|从|找|一家叫|那个|这个|有一?家|有个|一家|这家|那家|叫做?|就是|是|的|我们|我家|路|街|号院?|楼下|旁边|对面|小区(?!物业)|区|县|，|了|用|买)"
)
_AMOUNT_TO = re.compile(r"(?:块钱|块|元|万元|万块|万|毛|角)$")


def find_name(text: str, expects: Expect = Expect.ANYTHING) -> str | None:
    """The caller's own name or surname; a bare answer counts when a name was asked for."""
    for rule in _NAME_RULES:
        if match := rule.search(text):
            return match["name"] + (match.groupdict().get("given") or "")
    if expects is Expect.NAME and (match := _ALONE.fullmatch(text)):
        return match["name"]
    return None


def find_persons(text: str) -> tuple[str, ...]:
    """Persons who are complained of, by name or surname."""
    found = (match["name"] or match["surname"] for match in _ACCUSED.finditer(text))
    return tuple(dict.fromkeys(found))


def find_companies(text: str) -> tuple[str, ...]:
    """Enterprises by the words their names end in; a bare 物业公司 names none."""
    generic, found = set(words("company_generic")), []
    for match in _COMPANY.finditer(text):
        name = match["name"]
        cut = _COMPANY_CUT.match(name[:-2])
        name = name[cut.end() :] if cut else name
        if (
            name not in generic
            and not any(name.endswith(g) and len(name) - len(g) < 2 for g in generic)
            and len(name) >= 3
        ):
            found.append(name)
    return tuple(dict.fromkeys(found))


def find_amount(text: str) -> str:
    """The first sum of money, in yuan as a decimal string; "" when there is none."""
    return next((span.value for span in find_numbers(text) if span.kind is NumberKind.AMOUNT), "")
