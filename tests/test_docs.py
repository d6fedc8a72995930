"""What the documents say is so."""

import json
import re
from pathlib import Path

import pytest

from benchmarks import tables
from voicebot.cli import COMMANDS
from voicebot.cli.settings import markdown

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def test_every_setting_is_in_the_docs_as_it_is() -> None:
    document = (ROOT / "docs/settings.md").read_text("utf-8")
    assert markdown() in document, "run: voicebot settings, and put the tables into docs/settings.md"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", document.read_text("utf-8")):
        assert (document.parent / target).exists(), target


def test_the_readme_names_commands_that_exist() -> None:
    for readme in ("README.md", "README.en.md"):
        for command in re.findall(r"voicebot ([a-z]+)", (ROOT / readme).read_text("utf-8")):
            assert command in COMMANDS, command


def test_the_readme_names_make_targets_that_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for readme in ("README.md", "README.en.md"):
        for target in re.findall(r"make ([a-z]+)", (ROOT / readme).read_text("utf-8")):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_figures_of_the_readme_are_those_of_the_result_files() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    results = {path.stem: json.loads(path.read_text("utf-8")) for path in (ROOT / "benchmarks/results").glob("*.json")}
    for name in ("product", "ours", "faster_whisper_transcribe", "pipecat_whisper_service"):
        row = results["recogniser"]["contenders"][name]
        assert f"| {row['cer']} | {row['cpu_rtf']} | {row['p50_ms']} | {row['p95_ms']} |" in readme
    for condition in ("clean", "pink 10 dB"):
        row = results["vad"]["conditions"][condition]["GatedDetector"]
        assert f"{row['miss']}/{row['false_alarm']}" in readme
    assert f"{results['audio-core']['frame_us']['all']} 微秒" in readme
    for block in results["latency"]["calls_at_once"].values():
        for row in (block, block["peer"]):
            known, new = row["reply_ms"], row["new_text_ms"]
            assert f"| {known['p50']} | {known['p95']} | {new['p50']} | {new['p95']} |" in readme
    latency = results["latency"]["calls_at_once"]
    assert f"同一次运行，提交 {results['latency']['commit']}）" in readme
    for calls, block in latency.items():
        times = block["peer"]["reply_ms"]["p50"] / block["reply_ms"]["p50"]
        assert f"{calls} 路 p50 {block['text_ms']['p50']}、p95 {block['text_ms']['p95']}" in readme
        assert f"{calls} 路 {times:.1f}" in readme
    assert f"每路占处理器 {latency['1']['cpu_of_a_core_per_call']} 核" in readme
    silent, asides = results["barge-in"]["silent_ms"], results["barge-in"]["asides"]
    assert f"从开口到机器人安静 p50 {silent['p50']} 毫秒、p95 {silent['p95']} 毫秒" in readme
    assert f"{asides['n']} 例，误停 {asides['stopped']} 例" in readme
    capacity, soak = results["capacity"], results["soak"]
    assert f"同时 {capacity['conversations_held']} 路对话撑得住" in readme
    assert f"头十分钟之后内存每小时增长 {soak['growth_mb_per_h']} MB" in readme
    paused = results["turn-ends"]["wait_ms"]["650"]
    with_words, without = (paused[way]["inside_cut"] for way in ("with_words", "without_words"))
    assert f"被当成说完的 {with_words}%，不看文字和语气时 {without}%" in readme
    lead_ms = results["turn-ends"]["lulls"]["lead_ms_p50"]
    assert f"早约 {lead_ms:.0f} 毫秒" in (ROOT / "docs/turns.md").read_text("utf-8")
    made, whole = (results["voice"]["contenders"][name] for name in ("heard while it is made", "published network"))
    assert f"p50 {made['first_ms_p50']} 毫秒、p95 {made['first_ms_p95']} 毫秒" in readme
    assert f"{whole['first_ms_p50']} 与 {whole['first_ms_p95']} 毫秒" in readme
    assert f"{made['rtf']} 与 {whole['rtf']}" in readme
    answers = results["answers"]
    asked, not_asked = (answers["understood"][way] for way in ("asked", "not asked"))
    assert f"{answers['n']} 条听懂 {asked} 条；不知道时 {not_asked} 条" in readme
    assert f"{answers['others']} 条与问题无关的真人短句，被当成回答的 {answers['turned']} 条" in readme


@pytest.mark.parametrize("name", tables.DOCUMENTS)
def test_the_tables_of_the_documents_are_those_of_the_result_files(name: str) -> None:
    text = (ROOT / "docs" / tables.DOCUMENTS[name]).read_text("utf-8")
    assert tables.block(name) in text, "run: python -m benchmarks.tables"


@pytest.mark.parametrize("document", ["security.md", "faults.md"])
def test_every_line_of_threats_and_faults_has_its_test(document: str) -> None:
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", (ROOT / "docs" / document).read_text("utf-8"))
    assert named
    for file, test in named:
        assert re.search(rf"def {test}\(", (ROOT / "tests" / file).read_text("utf-8")), f"{file}::{test}"


def test_the_interop_table_has_every_test_that_writes_it_and_says_that_it_passed() -> None:
    table = (ROOT / "docs" / "interop.md").read_text("utf-8")
    marked = re.compile(r'mark\.interop\("([^"]+)", "([^"]+)"\)(?:\s*@[^\n]+)*\s*(?:async )?def (\w+)')
    found = 0
    for path in (ROOT / "tests").rglob("test_*.py"):
        for peer, what, test in marked.findall(path.read_text("utf-8")):
            row = next((line for line in table.splitlines() if f"::{test}`" in line and what in line), "")
            assert row.startswith(f"| {peer} |"), test
            assert "| 通过 |" in row, test
            found += 1
    assert found == table.count("`") // 2 - 2  # two more in the head
