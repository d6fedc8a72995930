"""What the caller asks for, in their own words."""

import re

from dialog.ticket.words import any_of

_CLAUSE = re.compile(r"[^，。！？；,.!?;]+")
_NOT = rf"(?!{any_of('demand_not')})"
_WHO = "(?:我们|我|俺们|俺|咱们?|老百姓|大家|居民)"
_LEAD = rf"(?:所以|那就|那|就|反正|现在|真|也|都|还|{_WHO}|想|只|先|必须|一定|得|还是|可|请|麻烦)*"
_ASKS = re.compile(rf"^{_LEAD}{_NOT}{any_of('demand_asks')}(?P<demand>.{{2,}})")
_ASKS_LATER = re.compile(rf"^.{{1,8}}?{_NOT}{any_of('demand_asks_anywhere')}(?P<demand>.{{2,}})")
_CAN = re.compile(rf"^.{{0,8}}?(?:能不能|能否|可不可以|可以不可以|可否)(?P<demand>(?:{any_of('demand_can')}|(.)\2).+)")
_URGES = re.compile(
    rf"^{_LEAD}(?:{any_of('demand_asked')})?(?:能|得|要)?{_NOT}(?P<demand>{any_of('demand_urges')}.{{2,}})"
)
_THROUGH = re.compile(
    rf"^{_LEAD}(?:{any_of('demand_asked')})?{_NOT}{any_of('demand_through')}"
    rf"(?:{any_of('demand_objects')}|.{{1,6}}?(?=给我|给俺|把|赔|退|道歉))(?P<demand>.{{2,}})"
)
_ASKED = re.compile(
    rf"^{_LEAD}{_NOT}(?:(?:你们|您|领导)(?:{any_of('demand_asked')})?(?:得|要|该|应该|可得|必须|总得|能|也|就|都|快|先|好好|赶紧)*"
    rf"|{any_of('demand_asked')}(?:得|该|应该|可得|必须|总得|快|赶紧)+)"
    rf"(?P<demand>{any_of('demand_verbs')}.{{1,}})"
)
_FOR_ME = re.compile(
    rf"^{_LEAD}(?P<demand>(?:帮帮?|给)(?:我们?|俺们?|咱们?|忙)(?:退|换|修|解决|个|处理|查|补|赔|要|问|看|把|找|协调).*)"
)
_ENOUGH = re.compile(
    r"^(?!.*(?:电话|号码|手机|名字|打这个|联系))(?:只要|能|把)?(?P<demand>.{2,14}?)(?:就行|就可以|就好|也行|就成|就中|都行)了?[啊呀吧呗]?$"
)
_WORDS = re.compile(rf"^(?!.*[没别不])(?P<demand>.*{any_of('demand_words')}.*)")
_ENDING = re.compile(
    rf"^(?!.*(?:没|我[去来]))(?P<demand>.*{any_of('demand_words_end')})(?:吧|呗|嘛|啊|呀|中不中|行不行|可以吗|行吗)+$"
)
_YOU = re.compile(
    rf"^{_LEAD}{_NOT}你们(?!管不管)[^别不没]{{0,5}}?(?:得|要|该|能|给|快|赶紧)*(?P<demand>(?:来|去|给|派|管管|查查|下来|过来).{{1,}})"
)
_ON_THEM = re.compile(rf"^{_LEAD}(?P<demand>(?:催催|说说|管管|查查|治治|罚罚|问问)(?:{any_of('demand_objects')}).*)$")
_RULES = (_ASKS, _CAN, _URGES, _THROUGH, _ASKED, _ASKS_LATER, _FOR_ME, _ENOUGH, _WORDS, _ENDING, _YOU, _ON_THEM)
_TOLD = re.compile(r"(?:说了?|跑了|[^退了]过了?|来着)$")  # a story ends so, no request
_SUFFERED = re.compile(r"^(?!.*(?:把|退|清|拆|关|停|修)).*(?:了|就.*)$")  # 让单位辞了 happened to the caller
_FRONT = re.compile(
    rf"^(?:(?:{any_of('demand_asked')}|能够?|能不能|能否|可以|帮着|帮忙|给(?=问|查|看|说|处理|解决|办|催)|(?:让|叫)你们)+)"
)
_END = re.compile(r"(?:中不中|成不成|中吗|吗|呢|吧|啊|嘛|呗|哈|呀|行不行|行吗|好吗|好不好|可以吗|谢谢)+$")
_LONGEST = 60  # characters of all that was asked for


def demand(text: str) -> str:
    """What the caller asks for, every request of the sentence; "" when they did not say."""
    found: list[str] = []
    for clause in _CLAUSE.findall(text):
        said = _asked(clause.strip())
        if said and said not in found and len("，".join([*found, said])) <= _LONGEST:
            found.append(said)
    return "，".join(found)


def asks(clause: str) -> bool:
    """Is the clause nothing but a request?"""
    return bool(_asked(clause))


def _asked(clause: str) -> str:
    match = next((m for rule in _RULES if (m := rule.search(clause))), None)
    if match is None or _TOLD.search(clause) or (match.re is _THROUGH and _SUFFERED.search(clause)):
        return ""
    said = _END.sub("", match["demand"].strip())
    return _FRONT.sub("", said) or said
