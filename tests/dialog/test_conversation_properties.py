"""Whatever comes in, in whatever order: no error, no dead air, no endless loop, and a person when one is asked for."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.talking import Talk, ticket
from voicebot.core.actions import (
    Ask,
    FileTicket,
    FilingFailed,
    HandOff,
    HandOffFailed,
    HandOffQueued,
    HangUp,
    LookUpTickets,
    Outcome,
    Say,
    TicketFiled,
    TicketsFound,
)
from voicebot.core.speech import Transcript
from voicebot.core.ticket import TicketDraft

SENTENCES = (
    "", "嗯", "对", "不对", "不用了", "没有了", "等一下", "你再说一遍", "谢谢", "再见", "妈的", "哈哈哈",
    "满意", "五号楼", "不知道", "我在涧西区南昌路三号院，路灯坏了三天了", "身份证丢了怎么补办",
    "公积金怎么提取", "幺三九三七九幺二三四五", "一三八零零", "匿名", "要举报洛阳鑫源化工厂偷排污水",
    "我上次反映的办得怎么样了", "八零零零", "法院判决不服", "我家着火了", "我不想活了", "说英语",
    "the street light is broken", "speak chinese", "另外还有个事，垃圾没人清运", "不是路灯，是井盖",
    "要保密", "涧西区", "继续", "说错了",
)  # fmt: skip
OUTCOMES: tuple[Outcome, ...] = (
    TicketFiled(ticket(TicketDraft(what="路灯坏了"))),
    FilingFailed(1, "locked"),
    TicketsFound((ticket(TicketDraft(what="路灯坏了", title="路灯", caller_phone="13800138000")),)),
    TicketsFound((ticket(TicketDraft(what="路灯坏了", caller_phone="13900000000")),)),
    TicketsFound(()),
    TicketsFound((), failed=True),
    HandOffQueued(2),
    HandOffFailed("full"),
)
STEPS = st.one_of(
    st.sampled_from(SENTENCES),
    st.sampled_from(OUTCOMES),
    st.sampled_from(["#", "0", "1", "2", "5", "13800138000", "*"]).map(lambda keys: ("press", keys)),
    st.floats(3000, 40000).map(lambda ms: ("silent", ms)),
    st.text(alphabet="一二路灯坏了的在区号院，。abc 0", max_size=20),
)


def step(talk: Talk, what: object) -> list[object]:
    if isinstance(what, str):
        return list(talk.dialog.hear(Transcript(what, what, 0, 0)))
    if isinstance(what, tuple):
        return list(talk.dialog.press(what[1]) if what[0] == "press" else talk.dialog.silent(what[1]))
    talk.dialog.interrupted("好")
    return list(talk.dialog.outcome(what))  # type: ignore[arg-type]


@settings(max_examples=30, deadline=None)
@given(st.lists(STEPS, max_size=12), st.booleans())
def test_nothing_that_comes_in_breaks_a_conversation(steps: list[object], withheld: bool) -> None:
    talk = Talk("" if withheld else "13800138000", files=False)
    over = False
    for what in steps:
        done = step(talk, what)
        assert len(done) <= 10
        if isinstance(what, str) and not over:
            assert done, f"dead air after {what}"
        if over:
            assert not [a for a in done if isinstance(a, FileTicket | LookUpTickets)]
        over = over or any(isinstance(action, HangUp) for action in done)
        assert isinstance(talk.dialog.summary, str)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from(SENTENCES), max_size=8))
def test_a_person_is_reached_after_anything(sentences: list[str]) -> None:
    talk = Talk()
    for text in sentences:
        if any(isinstance(action, HangUp | HandOff) for action in talk.did):
            return
        talk.say(text)
    if not any(isinstance(action, HangUp | HandOff) for action in talk.did):
        assert any(isinstance(action, HandOff) for action in talk.say("转人工"))


@settings(max_examples=20, deadline=None)
@given(st.sampled_from([s for s in SENTENCES if s]))
def test_the_same_sentence_for_ever_ends(text: str) -> None:
    talk = Talk()
    for _ in range(100):
        done = talk.say(text)
        if any(isinstance(action, HangUp | HandOff) for action in done):
            return
        assert any(isinstance(action, Say | Ask) for action in done)
    raise AssertionError(f"{text} goes round in circles")
