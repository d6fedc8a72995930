"""Tells a call as it happens, for people who look on."""

from collections.abc import Callable
from typing import Any

from voicebot.core.call import CallEnd, CallStart
from voicebot.core.ports import CallStore
from voicebot.core.ticket import TicketDraft
from voicebot.core.turn import Speaker, Turn
from voicebot.evaluation.checks import field

_WHO = {Speaker.CALLER: "来电人", Speaker.BOT: "机器人", Speaker.AGENT: "话务员"}
_FIELDS = (
    ("工单号", "number"), ("类型", "type"), ("分类", "category"), ("标题", "title"), ("内容", "what"),
    ("诉求", "demand"), ("地点", "address.spoken"), ("网格", "address.grid"), ("时间", "time.spoken"),
    ("联系电话", "caller_phone"), ("保密", "confidentiality"), ("派单理由", "dispatch.reason"),
)  # fmt: skip


class NarratedCallStore:
    """A `CallStore` around another one: every turn is also told, with its time and how fast the reply came."""

    def __init__(self, inner: CallStore, tell: Callable[[str], None]):
        self._inner = inner
        self._tell = tell
        self._caller_end_ms: float | None = None

    async def begin(self, start: CallStart) -> None:
        """A call was answered."""
        self._tell(f"—— 电话接通：{start.caller_number or '号码未显示'} ——")
        await self._inner.begin(start)

    async def add_turn(self, call_id: str, turn: Turn) -> None:
        """A turn is complete."""
        note = ""
        if turn.speaker is Speaker.CALLER:
            self._caller_end_ms = turn.end_ms
            if turn.raw_text != turn.text:
                note = f"（听写原文：{turn.raw_text}）"
        elif self._caller_end_ms is not None:
            note = f"（{turn.start_ms - self._caller_end_ms:.0f} 毫秒后开口）"
            self._caller_end_ms = None
        if turn.speaker is Speaker.BOT and turn.text != turn.raw_text:
            note += "（被打断）"
        text = turn.raw_text if turn.speaker is Speaker.BOT else turn.text
        self._tell(f"[{_clock(turn.start_ms)}] {_WHO[turn.speaker]}：{text}{note}")
        await self._inner.add_turn(call_id, turn)

    async def note(self, call_id: str, kind: str, detail: dict[str, object]) -> None:
        """An event."""
        await self._inner.note(call_id, kind, detail)

    async def save_draft(self, call_id: str, draft: TicketDraft) -> None:
        """The newest draft."""
        await self._inner.save_draft(call_id, draft)

    async def finish(self, call_id: str, end: CallEnd, latency_ms: dict[int, dict[str, float]]) -> None:
        """The call is over."""
        self._tell(f"—— 通话结束：{end.value} ——")
        await self._inner.finish(call_id, end, latency_ms)

    async def mark_cut_off(self) -> int:
        """Mark calls that never ended."""
        return await self._inner.mark_cut_off()


def summary(report: dict[str, Any], *, with_turns: bool) -> str:
    """A call's report as lines for a terminal."""
    lines = []
    if with_turns:
        lines += [
            f"[{_clock(turn['start_ms'])}] {_WHO[Speaker(turn['who'])]}：{turn['text']}" for turn in report["turns"]
        ]
    for ticket in report["tickets"]:
        lines.append("工单")
        lines += [f"  {name}：{field(ticket, path)}" for name, path in _FIELDS if field(ticket, path)]
    if report["handoff"]:
        lines.append(f"已进入人工队列：{report['handoff']['reason']}，{report['handoff']['summary']}")
    replies = [turn["reply_ms"] for turn in report["caller_side"] if turn["reply_ms"] is not None]
    if replies:
        ordered = sorted(replies)
        middle_ms, worst_ms = ordered[len(ordered) // 2], ordered[-1]
        lines.append(f"来电人听到回应：中位 {middle_ms:.0f} 毫秒，最慢 {worst_ms:.0f} 毫秒（{len(ordered)} 轮）")
    lines += [f"不符：{problem}" for problem in report["problems"]]
    lines.append("符合剧本的预期。" if not report["problems"] else "不符合剧本的预期。")
    return "\n".join(lines)


def _clock(ms: float) -> str:
    return f"{int(ms // 60000):02d}:{ms % 60000 / 1000:04.1f}"
