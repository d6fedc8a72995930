"""Tables of the documents, made from the result files.

    python -m benchmarks.tables

Puts the tables into ``docs/tuning.md`` and ``docs/faults.md``, each behind its comment ``<!-- name -->``.
"""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
DOCUMENTS = {"capacity": "tuning.md", "soak": "tuning.md", "faults": "faults.md"}
_NETWORKS = {
    "clean": "好的线路",
    "loss-1": "丢包 1%",
    "loss-3": "丢包 3%",
    "loss-5": "丢包 5%",
    "loss-10": "丢包 10%",
    "jitter-60": "抖动到 60 毫秒",
    "delay-250": "延迟 250 毫秒",
}


def capacity(result: Mapping[str, Any]) -> str:
    """Conversations and silent lines."""
    lines = [
        f"{result['machine']}，提交 {result['commit']}，{result['workers']} 个接听进程。同时对话：",
        "",
        "| 路 | 应答 p50 毫秒 | p95 | p99 | 没有回答 | 失败 | 每千帧中断 | 占几个核 | 来电人一侧另占 | 撑得住 |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for calls, row in result["conversations"].items():
        replies = row["all_replies_ms"]
        lines.append(
            f"| {calls} | {replies['p50']} | {replies['p95']} | {replies['p99']} | {replies['missing']} |"
            f" {row['failed_calls']} | {row['holes_per_1000_frames']} | {row['cpu_of_a_core']} |"
            f" {row['callers_cpu_of_a_core']} | {'是' if row['held'] else '否'} |"
        )
    lines += [
        "",
        "接通着、没有人说话的线路（只有媒体、人声判断和机器人自己的话）：",
        "",
        "| 路 | 失败 | 包间隔 p99 毫秒 | 中断 | 占几个核 | 每路 |",
        "|---|---|---|---|---|---|",
    ]
    for calls, row in result["lines"].items():
        lines.append(
            f"| {calls} | {row['failed_calls']} | {row['gap_ms']['p99']} | {row['holes']} |"
            f" {row['cpu_of_a_core']} | {row['cpu_of_a_core_per_call']} |"
        )
    return "\n".join(lines)


def soak(result: Mapping[str, Any]) -> str:
    """Hours of calls."""
    rest, replies = result["at_rest"], [each for each in result["reply_ms"] if each["p50"] is not None]
    before, after = ("，".join(f"{rest[name][when]} 个{word}" for name, word in (
        ("files", "文件"), ("threads", "线程"), ("tasks", "任务"))) for when in ("before", "after"))  # fmt: skip
    return "\n".join(
        [
            f"{result['machine']}，提交 {result['commit']}，{result['minutes']} 分钟：{result['calls_made']} 通电话"
            f"来来去去，其中一通 {result['long_call_minutes']} 分钟。",
            "",
            "| 量什么 | 结果 |",
            "|---|---|",
            f"| 内存增长（头十分钟之后，直线拟合） | 每小时 {result['growth_mb_per_h']} MB |",
            f"| 内存，第一通之前、最后一通之后、最多 | {result['rss_mb']['first']}、{result['rss_mb']['last']}、"
            f"{result['rss_mb']['most']} MB |",
            f"| 第一通之前 | {before} |",
            f"| 最后一通之后 | {after} |",
            f"| 应答 p50，头一段与最后一段（各十分之一） | {replies[0]['p50']}、{replies[-1]['p50']} 毫秒 |",
            f"| 轮数、没有回答、失败的电话、声音中断 | {result['turns']}、{result['missing']}、"
            f"{result['failed_calls']}、{result['underruns']} |",
        ]
    )


def faults(result: Mapping[str, Any]) -> str:
    """Calls over bad networks."""
    lines = [
        f"{result['machine']}，提交 {result['commit']}。",
        "",
        "| 线路 | 字错率 % | 应答 p50 毫秒 | p95 | 轮数 | 没有回答 | 抢话 | 工单 | 地点找到街道社区的 |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, row in result["conditions"].items():
        replies = row["reply_ms"]
        lines.append(
            f"| {_NETWORKS.get(name, name)} | {row['cer']} | {replies['p50']} | {replies['p95']} | {row['turns']} |"
            f" {replies['missing']} | {row['cut_off']} | {row['tickets']} | {row['placed']} |"
        )
    return "\n".join(lines)


TABLES: dict[str, Callable[[Mapping[str, Any]], str]] = {"capacity": capacity, "soak": soak, "faults": faults}


def block(name: str) -> str:
    """A table between its marks, as it stands in the document."""
    result = json.loads((RESULTS / f"{name}.json").read_text("utf-8"))
    return f"<!-- {name} -->\n\n{TABLES[name](result)}\n\n<!-- /{name} -->"


def main() -> None:
    """Write them all."""
    for name, document in DOCUMENTS.items():
        path = ROOT / "docs" / document
        text = path.read_text("utf-8")
        pattern = re.compile(rf"<!-- {name} -->(?:.*?<!-- /{name} -->)?", re.DOTALL)
        path.write_text(pattern.sub(lambda _, name=name: block(name), text, count=1), "utf-8")
        print(f"{name}: docs/{document}")


if __name__ == "__main__":
    main()
