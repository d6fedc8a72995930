"""The audio core's work for a frame stays the same, counted in Python instructions: no clock, no noise."""

import sys
from pathlib import Path
from types import FrameType
from typing import Any

from benchmarks.audio_core import Core, octets

FIXTURES = Path(__file__).resolve().parent.parent / "audio_fixtures" / "manifest.toml"
FRAMES = 100
MOST_INSTRUCTIONS = 1.5  # of what a frame took when this was written
WRITTEN = 1083


def instructions(core: Core, frames: list[bytes]) -> float:
    """Python instructions a frame."""
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        core.run(frames)
    finally:
        sys.settrace(before)
    return count / len(frames)


def test_a_frame_late_in_a_call_takes_what_an_early_one_took() -> None:
    source, core = octets(FIXTURES), Core()
    core.run(source[:FRAMES])
    early = instructions(core, source[:FRAMES])
    for _ in range(20):  # 40 s: the ring has gone round
        core.run(source[:FRAMES])
    late = instructions(core, source[:FRAMES])
    assert late <= 1.05 * early
    assert early <= MOST_INSTRUCTIONS * WRITTEN
