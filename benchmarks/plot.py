"""Draws what the benchmarks measured: one SVG beside each result file that has a drawing.

python -m benchmarks.plot [FOLDER]
"""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

FOLDER = Path(__file__).resolve().parent / "results"
BAR, GAP, LABEL, WIDTH, HEAD = 22, 8, 260, 420, 44  # pixels
COLOURS = ("#2b6cb0", "#c05621")


def recogniser(result: Mapping[str, Any]) -> str:
    """Character error rate and processor time of each contender."""
    rows = [(name, (row["cer"], 100 * row["cpu_rtf"])) for name, row in result["contenders"].items()]
    legend = ("character error rate, %", "processor time, % of audio time")
    return bars(f"Recognisers on {result['n']} recordings, telephone audio", legend, rows)


def vad(result: Mapping[str, Any]) -> str:
    """Miss and false alarm of each detector in each condition."""
    rows = [
        (f"{condition}: {name}", (row["miss"], row["false_alarm"]))
        for condition, detectors in result["conditions"].items()
        for name, row in detectors.items()
    ]
    return bars("Voice detectors at 8 kHz", ("miss, % of frames", "false alarm, % of frames"), rows)


def audio_core(result: Mapping[str, Any]) -> str:
    """What a frame costs at each stage."""
    rows = [(name, (cost,)) for name, cost in result["frame_us"].items() if name != "all"]
    return bars(f"The audio core over {result['frames']} frames", ("processor time, µs for 20 ms of audio",), rows)


def voice(result: Mapping[str, Any]) -> str:
    """How soon each way to speak is heard, and what a second of speech costs."""
    rows = [(name, (row["first_ms_p50"], 1000 * row["rtf"])) for name, row in result["contenders"].items()]
    legend = ("ms to the first sound, p50", "processor ms per second of speech")
    return bars(f"The voice on {result['n']} new texts, {result['threads']} thread(s)", legend, rows)


def latency(result: Mapping[str, Any]) -> str:
    """What a caller waits for a reply, alone and among others."""
    rows = []
    for calls, block in result["calls_at_once"].items():
        for name, row in (
            ("product", block),
            ("pipecat", block.get("peer")),
            ("pipecat, ready", block.get("peer_ready")),
        ):
            if row:
                rows.append((f"{name}, {calls} at once", (row["reply_ms"]["p50"] or 0, row["reply_ms"]["p95"] or 0)))
    return bars("Last sample of a sentence to the first of the reply", ("ms, p50", "ms, p95"), rows)


def turn_ends(result: Mapping[str, Any]) -> str:
    """Pauses inside taken for ends, and the wait at true ends."""
    rows = [
        (f"{wait_ms} ms, {name.replace('_', ' ')}", (row["inside_cut"], row["wait_p50_ms"] / 10))
        for wait_ms, columns in result["wait_ms"].items()
        for name, row in columns.items()
    ]
    return bars(
        "Turns with pauses inside",
        ("pauses inside a sentence taken for its end, %", "wait at true ends, p50, 10 ms"),
        rows,
    )


def barge_in(result: Mapping[str, Any]) -> str:
    """How soon the bot is silent, and how often it did what it should."""
    contenders = [result, result["peer"]] if "peer" in result else [result]

    def row(name: str, value: Callable[[Mapping[str, Any]], float]) -> tuple[str, tuple[float, ...]]:
        return name, tuple(value(each) for each in contenders)

    rows = [
        row("ms to silence, p50", lambda each: each["silent_ms"]["p50"] or 0),
        row("ms to silence, p95", lambda each: each["silent_ms"]["p95"] or 0),
        row(
            f"interruptions obeyed, % of {result['obeyed']['n']}",
            lambda each: 100 * each["obeyed"]["right"] / max(1, each["obeyed"]["n"]),
        ),
        row(
            f"asides that did not stop it, % of {result['asides']['n']}",
            lambda each: 100 * (1 - each["asides"]["stopped"] / max(1, each["asides"]["n"])),
        ),
    ]
    return bars("Said into the bot's answer, ms or %", ("this service", "pipecat")[: len(contenders)], rows)


def capacity(result: Mapping[str, Any]) -> str:
    """What callers wait for when there are more of them, and what that costs."""
    rows = [
        (f"{calls} conversations{'' if row['held'] else ', not held'}", (row["all_replies_ms"]["p95"] or 0,
         1000 * row["cpu_of_a_core"]))
        for calls, row in result["conversations"].items()
    ]  # fmt: skip
    rows += [
        (f"{lines} silent lines", (row["gap_ms"]["p99"] or 0, 1000 * row["cpu_of_a_core"]))
        for lines, row in result["lines"].items()
    ]
    legend = ("ms: reply p95, packet gap p99", "thousandths of a core")
    return bars(f"Calls at once on {result['cores']} cores, callers on the same machine", legend, rows)


def soak(result: Mapping[str, Any]) -> str:
    """Memory and reply times by tenths of the run."""
    samples, total_s = result["samples"], 60 * result["minutes"]
    rows = []
    for number, reply in enumerate(result["reply_ms"]):
        here = [row[1] for row in samples if number <= 10 * row[0] / total_s < number + 1]
        name = f"minutes {total_s * number / 600:.0f} to {total_s * (number + 1) / 600:.0f}"
        rows.append((name, (max(here, default=0), reply["p50"] or 0)))
    return bars(f"{result['calls_made']} calls in {result['minutes']:.0f} minutes", ("MB", "reply, ms, p50"), rows)


def faults(result: Mapping[str, Any]) -> str:
    """What a bad line costs."""
    rows = [(name, (row["cer"], (row["reply_ms"]["p50"] or 0) / 10)) for name, row in result["conditions"].items()]
    return bars("Calls over a bad network", ("character error rate, %", "reply, 10 ms, p50"), rows)


DRAWINGS = {
    "faults": faults,
    "capacity": capacity,
    "soak": soak,
    "barge-in": barge_in,
    "latency": latency,
    "turn-ends": turn_ends,
    "recogniser": recogniser,
    "vad": vad,
    "audio-core": audio_core,
    "voice": voice,
}


def bars(title: str, legend: Sequence[str], rows: Sequence[tuple[str, Sequence[float]]]) -> str:
    """A drawing with a group of bars for each row, one bar for each entry of the legend."""
    most = max((value for _, values in rows for value in values), default=1.0) or 1.0
    group = BAR * len(legend) + GAP
    height = HEAD + group * len(rows) + GAP
    parts = [_text(GAP, 18, title, bold=True)]
    for index, name in enumerate(legend):
        parts += [_box(LABEL + 230 * index, 26, 12, 12, index), _text(LABEL + 230 * index + 18, 37, name)]
    for number, (name, values) in enumerate(rows):
        top = HEAD + group * number
        parts.append(_text(GAP, top + group // 2, name))
        for index, value in enumerate(values):
            length = WIDTH * value / most
            parts.append(_box(LABEL, top + BAR * index, length, BAR - 2, index))
            parts.append(_text(LABEL + length + 6, top + BAR * index + 15, f"{value:.2f}"))
    size = f'width="{LABEL + WIDTH + 80}" height="{height}"'
    style = 'font-family="sans-serif" font-size="13"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>\n' + "\n".join(parts) + "\n</svg>\n"


def _box(x: float, y: float, width: float, height: float, colour: int) -> str:
    return f'<rect x="{x:.0f}" y="{y:.0f}" width="{width:.1f}" height="{height:.0f}" fill="{COLOURS[colour]}"/>'


def _text(x: float, y: float, text: str, *, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:.0f}" y="{y:.0f}"{weight}>{escape(text)}</text>'


def main() -> None:
    """Draw every result file that is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    folder = parser.parse_args().folder
    for name, draw in DRAWINGS.items():
        result = folder / f"{name}.json"
        if result.is_file():
            (folder / f"{name}.svg").write_text(draw(json.loads(result.read_text("utf-8"))), "utf-8")
            print(f"{name}.svg")


if __name__ == "__main__":
    main()
