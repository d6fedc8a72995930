"""What the caller wants to tell and wants done: the matter, the risks, the topics of one breath."""

import re

from dialog.ticket.demands import asks
from dialog.ticket.words import risk_words, words
from voicebot.core.ticket import TicketType

_CLAUSE = re.compile(r"[^，。！？；,.!?;]+")
_OPENER = re.compile(rf"^(?:(?:{'|'.join(map(re.escape, words('openers')))})[，,。\s]*)+")
_CLOSER = re.compile(rf"[，,。\s]*(?:{'|'.join(map(re.escape, words('closers')))})[啊呀吧了呢吗？?！!。]*$")
_SEPARATOR = re.compile(rf"[，,。；;！!？?\s]*(?:{'|'.join(map(re.escape, words('separators')))})[，,：:\s]*")
_ABOUT_ME = re.compile(
    r"(?:我家?住在?|我家在|我们?在|我是|我现在在|地址是|地点是|位置在|位置是|就在|在)[，,\s]*$|(?:我的?)?(?:电话|手机|手机号|号码|联系方式)(?:号码|号)?(?:是|为)?[，,\s]*$"
)
_BARE = re.compile(r"^[的了那这个是在我们家住位于附近旁边门口对面，,。\s有]*$")
_DIRT = re.compile("|".join(map(re.escape, words("dirt"))))
_AT_US = re.compile(r"(?:你们|政府|到底|究竟|有没有人|谁|还)*(?:管不管|管吗|管不管了|有没有人管)[啊呀了]?")
_LEFT_OF_PLACE = re.compile(r"(?:^|(?<=[，,。]))(?:上|里|里面|边上|旁边|附近|门口|对面|这边|那边)(?=有|的|一|没)")
_MIN_TOPIC = 6  # characters; "另外谢谢" is no topic
_ME = re.compile(
    r"(?:我|本人)(?:姓|叫|是)[\u4e00-\u9fff]{1,4}(?=[，,。]|$)[，,。]?|(?:请|要|给我|替我|帮我|你们)*保密[，,。]?|[^，。]*匿名(?=[，。]|$)[，。]?|匿名|[^，。]*不(?:想|愿|愿意|方便)(?:说|留|透露)(?:姓名|名字|电话)[，。]?"
)


def topics(text: str) -> tuple[str, ...]:
    """The topics of one turn, cut where the caller says 另外, 还有一件事 and the like."""
    pieces = [piece.strip("，,。 ") for piece in _SEPARATOR.split(text)]
    whole = [piece for piece in pieces if len(piece) >= _MIN_TOPIC]
    return tuple(whole) if len(whole) > 1 else (text,)


def matter(text: str, taken: tuple[str, ...] = ()) -> str:
    """What is left of a sentence when greetings, the place, the number and questions to the hotline are taken off."""
    for piece in taken:
        text = _without(text, piece)
    if taken:
        text = _LEFT_OF_PLACE.sub("", text)
    text = _DIRT.sub("", _ME.sub("", text))
    previous = None
    while previous != text:
        previous = text
        text = _CLOSER.sub("", _OPENER.sub("", text.strip("，,。！？!? ")))
    clauses = [c.strip() for c in _CLAUSE.findall(text)]
    kept = [c for c in clauses if not _BARE.fullmatch(c) and not _AT_US.fullmatch(c)]
    told = [c for c in kept if not asks(c)]
    return "，".join(told if sum(map(len, told)) >= _MIN_TOPIC or troubled("".join(told)) else kept)


def risks(text: str) -> tuple[str, ...]:
    """Names of the risks that the words point at."""
    return tuple(risk for risk, found in risk_words().items() if any(word in text for word in found))


def asks_information(text: str) -> bool:
    """Is it a question that an article could answer?"""
    return _any("question", text) and not _any("rhetorical", text)


def troubled(text: str) -> bool:
    """Does it tell of something that is wrong?"""
    return _any("problem", text)


def kind_by_words(text: str) -> TicketType | None:
    """The type when the caller's own words name it."""
    for name, kind in (
        ("report", TicketType.REPORT),
        ("praise", TicketType.PRAISE),
        ("complaint", TicketType.COMPLAINT),
        ("suggestion", TicketType.SUGGESTION),
    ):
        if _any(name, text):
            return kind
    return None


def _any(name: str, text: str) -> bool:
    return any(word in text.lower() for word in words(name))


def _without(text: str, piece: str) -> str:
    before, found, after = text.partition(piece)
    return _ABOUT_ME.sub("", before) + after.lstrip("，, 的") if found else text
