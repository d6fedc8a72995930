"""Who calls and who is complained of."""

import re

from dialog.ticket.words import any_of, words
from voicebot.core.speech import Expect

_HAN = r"[\u4e00-\u9fff]"
_SURNAME = f"(?:{'|'.join(words('compound_surnames'))}|[{''.join(words('surnames'))}])"
_GIVEN = rf"{_HAN}{{1,2}}?"
_END = r"(?=[，。！？,.!?、\s]|$|我|你|他|电话|手机|住|是|在|的)"
_STOP = r"(?=[，。！？,.!?、\s]|$)"
_ME = "(?:我|俺|咱|本人)"
_CALLED = "[叫教]"  # the second is how recognisers often write the first before a name
_TITLE = any_of("titles")
_KIN = (
    "(?:先生|女士|小姐|师傅|老师|婶子?|婶儿|姨|叔|伯|哥|姐|嫂子?"
    "|大爷|大妈|大娘|大姐|大哥|大叔|大嫂|阿姨|奶奶|爷爷|同学|老太|老汉|工)"
)
_NAME_RULES = (
    re.compile(
        rf"(?:{_ME}的?名字(?:叫|是)|{_ME}{_CALLED}|名叫|本人叫|叫{_ME})(?:做|作)?(?P<name>{_SURNAME}{_GIVEN}){_END}"
    ),
    re.compile(rf"(?:我姓名(?:是|叫)?|姓名(?:是|叫))(?P<name>{_SURNAME}{_GIVEN}){_END}"),
    re.compile(
        rf"(?:{_ME}|免贵|鄙)姓(?P<name>{'|'.join(words('compound_surnames'))}|(?![啥什名]){_HAN})"
        rf"(?:[，。,.\s]|$|，?叫(?P<given>{_GIVEN}){_END}|的|啊|我)"
    ),
    re.compile(rf"(?:{_ME}是|[叫喊]{_ME}|称呼{_ME})你?(?P<name>{_SURNAME}{_KIN})"),
    re.compile(rf"(?:{_ME}是|[叫喊]{_ME})(?P<name>[老小]{_SURNAME})(?=[，。！啊呀,]|$|就行|就好)"),
    re.compile(rf"(?:{_ME}是(?:业主|村民|居民|户主|住户))(?P<name>{_SURNAME}{_GIVEN}){_END}"),
    re.compile(rf"(?:{_ME}是|我这边是)(?P<name>{_SURNAME}{_HAN}{{2}}(?<![生工人户民员者主的机家师长])){_STOP}"),
)
_BARE = re.compile(rf"(?:^|[，。,.\s])姓(?P<name>{_SURNAME})(?:{_STOP}|，?叫(?P<given>{_GIVEN}){_END})")
_OTHER = re.compile(rf"{_TITLE}[，,]?$")
_ALONE = re.compile(rf"(?:我?(?:姓|叫|是))?(?P<name>{_SURNAME}[\u4e00-\u9fff]{{0,2}})[。，\s]*")
_NAMED = re.compile(rf"(?<=[姓叫]){_SURNAME}{_HAN}{{0,2}}")
_VERB = "[欠不没拖跑说把收骗打还拿让给要吃在态等卷耍敷]"
_CHIEF = "(?:包工头|工头|老板|经理|主任|校长|园长|院长|房东|司机|村支书|支书|教练|中介|负责人)"
_ACCUSED = re.compile(
    rf"姓(?P<surname>{_SURNAME})的(?:{_TITLE})?"
    rf"|(?:{_TITLE}|他|她|对方)，?姓(?P<any>(?![啥什名]){_HAN})(?=[，。,.\s]|$|{_VERB})"
    rf"|(?<!我是)(?<!俺是){_TITLE}，?(?:的?名字)?(?:名?{_CALLED}|是|姓|叫做)(?P<name>{_SURNAME}{_HAN}{{0,2}}?)"
    rf"(?=[，。,.\s的]|$|{_VERB})"
    rf"|{_CHIEF}(?P<direct>{_SURNAME}{_HAN}{{2}})(?={_VERB}|[，。])"
)


def find_name(text: str, expects: Expect = Expect.ANYTHING) -> str | None:
    """The caller's own name or surname; a bare answer counts when a name was asked for."""
    for rule in _NAME_RULES:
        if match := rule.search(text):
            return match["name"] + (match.groupdict().get("given") or "")
    for match in _BARE.finditer(text):
        if not _OTHER.search(text, 0, match.start()):
            return match["name"] + (match["given"] or "")
    if expects is Expect.NAME and (match := _ALONE.fullmatch(text)):
        return match["name"]
    return None


def name_spans(text: str) -> list[tuple[int, int]]:
    """Where somebody is named, the caller or another."""
    return [match.span() for match in _NAMED.finditer(text)]


def find_persons(text: str) -> tuple[str, ...]:
    """Persons who are complained of, by name or surname."""
    found = (match["name"] or match["any"] or match["direct"] or match["surname"] for match in _ACCUSED.finditer(text))
    return tuple(dict.fromkeys(found))
