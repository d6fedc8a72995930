"""Does a call meet what its scenario expects? Plain comparisons over the call's record."""

from typing import Any

from voicebot.evaluation.conversation import PlayedTurn
from voicebot.evaluation.scenario import CallerTurn, Outcome, Scenario

_SLACK_MS = 200.0  # the service's own clock and the caller's begin within that of each other


def check(scenario: Scenario, played: list[PlayedTurn], report: dict[str, Any]) -> list[str]:
    """What was not as expected, one sentence each; empty when the scenario passed.

    ``report`` is the JSON of ``voicebot call`` (docs/scenarios.md).
    """
    problems: list[str] = []
    for number, turn in enumerate(played):
        end_ms = played[number + 1].end_ms if number + 1 < len(played) else float("inf")
        said = _bot_between(report, turn.end_ms - _SLACK_MS, end_ms - _SLACK_MS)
        problems += [f"第 {turn.index + 1} 轮：{p}" for p in _check_turn(scenario.turn[turn.index], turn, said)]
    if len(played) < len(scenario.turn):
        problems.append(f"通话提前结束：{len(scenario.turn)} 轮只进行了 {len(played)} 轮")
    problems += _check_call(scenario, report)
    return problems


def _check_turn(turn: CallerTurn, played: PlayedTurn, said: str) -> list[str]:
    expect = turn.expect
    problems = [f"应当说到“{text}”，实际说的是“{said}”" for text in expect.says if text not in said]
    if expect.any_of and not any(text in said for text in expect.any_of):
        problems.append(f"应当说到 {expect.any_of} 之一，实际说的是“{said}”")
    problems += [f"不应说“{text}”" for text in expect.absent if text in said]
    if expect.silent:
        if said:
            problems.append(f"不应说话，实际说的是“{said}”")
    elif played.missing:
        problems.append("没有等到回应")
    if expect.within_ms is not None and (played.reply_ms is None or played.reply_ms > expect.within_ms):
        problems.append(f"应在 {expect.within_ms:.0f} 毫秒内回应，实际为 {played.reply_ms}")
    return problems


def _check_call(scenario: Scenario, report: dict[str, Any]) -> list[str]:
    expect, problems = scenario.expect, []
    if expect.outcome is not None and outcome_of(report) is not expect.outcome:
        problems.append(f"结果应为 {expect.outcome.value}，实际为 {outcome_of(report).value}")
    if expect.tickets is not None and len(report["tickets"]) != expect.tickets:
        problems.append(f"应有 {expect.tickets} 张工单，实际有 {len(report['tickets'])} 张")
    for path, text in expect.ticket.items():
        value = field(report["ticket"] or {}, path)
        if text not in value:
            problems.append(f"工单 {path} 应含“{text}”，实际为“{value}”")
    if expect.handoff_reason and (report["handoff"] or {}).get("reason") != expect.handoff_reason:
        problems.append(f"转人工原因应为 {expect.handoff_reason}，实际为 {(report['handoff'] or {}).get('reason')}")
    everything = _bot_between(report, float("-inf"), float("inf"))
    problems += [f"全程不应说“{text}”" for text in expect.absent if text in everything]
    turns = sum(turn["who"] == "caller" for turn in report["turns"])
    if expect.max_caller_turns is not None and turns > expect.max_caller_turns:
        problems.append(f"来电人最多说 {expect.max_caller_turns} 轮，实际 {turns} 轮")
    return problems


def outcome_of(report: dict[str, Any]) -> Outcome:
    """How the call ended for the caller: a person outweighs a ticket, a ticket an answer."""
    if report["handoff"]:
        return Outcome.HANDOFF
    if report["ticket"]:
        return Outcome.TICKET
    if any(action["kind"] == "answer" for action in report["actions"]):
        return Outcome.ANSWER
    return Outcome.NONE


def field(document: dict[str, Any], path: str) -> str:
    """A value by dotted path as text; lists are joined; "" when it is not there."""
    value: Any = document
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, list):
        return " ".join(map(str, value))
    return "" if value is None else str(value)


def _bot_between(report: dict[str, Any], begin_ms: float, end_ms: float) -> str:
    return "".join(
        turn["raw_text"] for turn in report["turns"] if turn["who"] == "bot" and begin_ms <= turn["start_ms"] < end_ms
    )
