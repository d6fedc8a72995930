"""The house stands as its plan says."""

import ast
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("voicebot", "asr", "dialog", "telephony")
MAY_IMPORT_PIPECAT = ("voicebot/pipeline/", "voicebot/evaluation/", "voicebot/logs.py")
MAY_CATCH_ALL = {
    "voicebot/pipeline/thinking.py": "a call",
    "asr/batching.py": "a worker",
    "asr/streaming.py": "a pass of the recogniser",
    "voicebot/web/refusals.py": "a request",
    "telephony/webrtc/server.py": "a page that wants to call",
    "telephony/transport.py": "a frame of the caller's, as pipecat does in the queues that it does not pass",
    "telephony/sip/line.py": "a line among others on one clock",
    "asr/engines/funasr_models.py": "a library that raises whatever comes up",
    "asr/engines/whisper_decoder.py": "a library that raises plain Exception for a bad file",
}


def sources() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_nobody_reaches_above_his_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert lint_imports(no_cache=True) == 0


def test_the_top_package_is_empty() -> None:
    assert (ROOT / "voicebot/__init__.py").read_text() == ""


def test_our_names_are_ours_alone() -> None:
    owners = packages_distributions()
    for package in PACKAGES:
        assert set(owners.get(package, ["hotline-voicebot"])) == {"hotline-voicebot"}


def test_pipecat_is_met_at_the_pipeline_and_the_transports_only() -> None:
    for path in sources():
        name = name_of(path)
        if name.startswith(MAY_IMPORT_PIPECAT) or name.endswith("/transport.py"):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            modules = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                modules = [node.module or ""]
            assert not any(module.split(".")[0] == "pipecat" for module in modules), name


def test_everything_is_caught_at_the_doors_only() -> None:
    found = set()
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ExceptHandler):
                kind = node.type
                if kind is None or (isinstance(kind, ast.Name) and kind.id in ("Exception", "BaseException")):
                    found.add(name_of(path))
    assert found <= set(MAY_CATCH_ALL), found - set(MAY_CATCH_ALL)


def test_a_file_tells_one_story() -> None:
    long = {name_of(path): lines for path in sources() if (lines := len(path.read_text("utf-8").splitlines())) > 400}
    assert not long


def test_time_is_read_in_one_place() -> None:
    """Nobody reads the time of day but the clock; differences of time are the loop's or the clock's affair."""
    for path in sources():
        if name_of(path) == "voicebot/core/clock.py":
            continue
        text = path.read_text("utf-8")
        assert "datetime.now(" not in text, name_of(path)
        assert "time.time()" not in text, name_of(path)
