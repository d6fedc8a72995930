"""The city's knowledge for the desk, without models."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from voicebot.core.ticket import TicketDraft
from voicebot.desk.ports import ArticleLine, Choice, Passage, Service, Suggestion


class FakeDeskHelp:
    """`DeskHelp` with one article and two departments."""

    def search(self, question: str, limit: int) -> Sequence[Passage]:
        found = Passage("streetlight", "路灯报修", "路灯不亮可以拨打12345。", "城管局", "城市管理局", 0.8)
        return [found][:limit] if "路灯" in question else []

    def suggest(self, draft: TicketDraft, said: Sequence[str]) -> Sequence[Suggestion]:
        return [] if draft.address.spoken else [Suggestion("question", "请问在什么位置？")]

    def complete(self, draft: TicketDraft) -> TicketDraft:
        return replace(draft, title=draft.title or draft.what[:20], summary=draft.summary or draft.what)

    def departments(self) -> Sequence[Choice]:
        return [Choice("urban", "城市管理局"), Choice("water", "供水集团")]

    def articles(self) -> Sequence[ArticleLine]:
        old, new = date(2020, 1, 1), date(2099, 1, 1)
        return [
            ArticleLine("heating", "供暖日期", "城市管理局", 1, old, "已过期", speakable=False, questions=2),
            ArticleLine("streetlight", "路灯报修", "城市管理局", 2, new, "可用", speakable=True, questions=5),
        ]

    def services(self) -> Sequence[Service]:
        return [Service("A01", ("城市管理", "市容环境", "占道经营"))]
