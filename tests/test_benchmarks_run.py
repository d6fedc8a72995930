"""Every benchmark runs, on as little as it can, and what it says can be drawn."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.plot import DRAWINGS
from tests.support.models import MODELS_DIR, require_models
from voicebot.cli.bench import BENCHMARKS
from voicebot.evaluation.speech import read_manifest

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "audio_fixtures" / "manifest.toml"
SMALL = {
    "audio-core": ("--frames", "500"),
    "recogniser": ("--limit", "1", "--models", str(MODELS_DIR)),
    "vad": ("--clips", "2"),
    "turn-ends": ("--turns", "2", "--models", str(MODELS_DIR)),
    "answers": ("--voices", "zf_xiaoxiao", "--models", str(MODELS_DIR)),
    "voice": ("--texts", "2", "--models", str(MODELS_DIR)),
    "barge-in": ("--rounds", "1", "--limit", "1", "--settle-s", "0", "--models", str(MODELS_DIR)),
    "latency": ("--calls", "1", "--peers", "--limit", "1", "--settle-s", "0", "--models", str(MODELS_DIR)),
    "capacity": (
        "--calls",
        "1",
        "--lines",
        "2",
        "--listen-s",
        "5",
        "--limit",
        "1",
        "--settle-s",
        "0",
        "--models",
        str(MODELS_DIR),
    ),
    "faults": ("--conditions", "loss-3", "--limit", "1", "--settle-s", "0", "--models", str(MODELS_DIR)),
    "soak": (
        "--minutes",
        "0.2",
        "--rest-s",
        "1",
        "--calls",
        "1",
        "--every-s",
        "5",
        "--settle-s",
        "0",
        "--models",
        str(MODELS_DIR),
    ),
}
CALLING = (
    "latency",
    "barge-in",
    "capacity",
    "faults",
    "soak",
)  # these take the folder of the recordings, others a manifest
NEEDED: dict[str, tuple[str, ...]] = {
    "recogniser": ("whisper-base", "whisper-base-telephone-zh", "trigram-zh"),
    "answers": ("kokoro", "whisper-base-telephone-zh"),
    "voice": ("kokoro", "whisper-base-telephone-zh"),
    "turn-ends": ("whisper-base-telephone-zh",),
} | dict.fromkeys(CALLING, ("kokoro", "whisper-base", "whisper-base-telephone-zh", "trigram-zh"))


def result_of(module: str, *arguments: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments, "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_every_benchmark_has_a_small_run() -> None:
    assert set(SMALL) == set(BENCHMARKS)


@pytest.mark.engine
@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_it_runs(name: str, tmp_path: Path) -> None:
    require_models(*NEEDED.get(name, ()))
    manifest = tmp_path / "manifest.jsonl"
    rows = [
        {"file": str(recording.path), "text": recording.text, "dialect": recording.dialect}
        for recording in read_manifest(FIXTURES)[14:20]
    ]
    manifest.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")
    result = result_of(BENCHMARKS[name][0], str(FIXTURES.parent if name in CALLING else manifest), *SMALL[name])
    assert result
    if name in DRAWINGS:
        assert result["commit"]
        assert DRAWINGS[name](result).count("<rect") > 2


@pytest.mark.parametrize("name", DRAWINGS)
def test_results_that_were_kept_have_a_drawing_of_what_they_say(name: str) -> None:
    folder = ROOT / "benchmarks" / "results"
    result = json.loads((folder / f"{name}.json").read_text("utf-8"))
    assert (folder / f"{name}.svg").read_text("utf-8") == DRAWINGS[name](result)


def test_the_fixtures_are_a_manifest() -> None:
    recordings = read_manifest(FIXTURES)
    assert len(recordings) > 100
    assert all(recording.path.is_file() for recording in recordings)
