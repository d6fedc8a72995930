"""Wrong input gets one sentence that says what to do, an exit code that is not 0, and leaves nothing behind."""

import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.support.logs import logs_put_back
from voicebot.cli import main

ROOT = Path(__file__).parents[3]
YES = ROOT / "audio_fixtures" / "mandarin" / "yes.wav"


@dataclass(frozen=True)
class Outcome:
    code: int
    output: str


Run = Callable[..., Outcome]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """The command as a shell calls it, in an empty folder, with no models there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VOICEBOT_VAR_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("VOICEBOT_MODELS_DIR", str(tmp_path / "no-models"))

    def invoke(*arguments: str) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["voicebot", *arguments])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        return Outcome(code, "".join(capfd.readouterr()))

    with logs_put_back():
        yield invoke


def refused(outcome: Outcome, *words: str) -> None:
    lines = [line for line in outcome.output.splitlines() if "[warning" not in line and "[info" not in line]
    assert outcome.code != 0, outcome.output
    assert len(lines) == 1, outcome.output
    assert lines[0].startswith("错误［"), outcome.output
    for word in words:
        assert word in lines[0]
    assert not Path("var").exists(), "something was written"


def test_a_misspelt_variable_is_named(run, monkeypatch):
    monkeypatch.setenv("VOICEBOT_MODEL_DIR", "x")
    refused(run("settings"), "VOICEBOT_MODEL_DIR", "docs/settings.md")


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("[sipp]\nport = 1\n", ("sipp", "没有这一项")),
        ("[sip]\nport = 'abc'\n", ("sip.port", "应是整数")),
        ("[sip]\nport = 80000\n", ("sip.port", "不能大于")),
        ("[tts]\nvoice = 'zf_nobody'\n", ("tts.voice", "zf_nobody", "zf_xiaoxiao")),
        ("[tts\n", ("TOML",)),
    ],
)
def test_a_wrong_setting_is_named(run, tmp_path, toml, words):
    (tmp_path / "wrong.toml").write_text(toml, "utf-8")
    refused(run("--config", "wrong.toml", "serve"), "wrong.toml", *words)


def test_a_missing_recording_a_text_and_an_empty_one_are_told_apart(run, tmp_path):
    (tmp_path / "text.wav").write_text("hello", "utf-8")
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), 8000)
    refused(run("transcribe", "nothing.wav"), "nothing.wav", "没有这个文件")
    refused(run("transcribe", "text.wav"), "text.wav", "不是能读的音频格式", "WAV")
    refused(run("transcribe", "empty.wav"), "empty.wav", "是空的")


def test_a_call_with_a_recording_of_the_wrong_kind_never_loads_a_model(run, tmp_path):
    (tmp_path / "text.wav").write_text("hello", "utf-8")
    for line in ("wav", "sip"):
        refused(run("call", "text.wav", "--line", line), "不是能读的音频格式")


def test_a_scenario_that_is_wrong_is_told_where(run, tmp_path):
    refused(run("call", "nothing.toml"), "nothing.toml", "检查路径")
    (tmp_path / "a.toml").write_text("title = [", "utf-8")
    refused(run("call", "a.toml"), "a.toml", "TOML")
    (tmp_path / "b.toml").write_text("title = 'x'\n[[turn]]\nsay = '你好'\nvoise = 'x'\n", "utf-8")
    refused(run("call", "b.toml"), "turn.0.voise", "没有这一项")
    (tmp_path / "c.toml").write_text("title = 'x'\n[[turn]]\nsay = '你好'\nvoice = 'zf_nobody'\n", "utf-8")
    refused(run("call", "c.toml"), "zf_nobody", "zf_xiaoxiao")
    (tmp_path / "d.toml").write_text("title = 'x'\n[[turn]]\nwav = 'gone.wav'\n", "utf-8")
    refused(run("call", "d.toml"), "gone.wav")


def test_missing_models_are_fetched_by_a_command_that_is_named(run):
    for arguments in (("transcribe", str(YES)), ("call", str(YES)), ("serve",)):
        refused(run(*arguments), "voicebot models pull")


def test_a_city_folder_that_is_not_there_or_broken_is_told_with_file_and_line(run, tmp_path, monkeypatch):
    monkeypatch.setenv("VOICEBOT_CITY_DIR", str(tmp_path / "nowhere"))
    refused(run("call", str(YES)), "nowhere", "city_dir")
    shutil.copytree(ROOT / "cities" / "luoyang", tmp_path / "city")
    with (tmp_path / "city" / "gazetteer.csv").open("a", encoding="utf-8") as file:
        file.write("one,two,three,four,five,six,seven,eight,nine,ten,eleven,twelve\n")
    monkeypatch.setenv("VOICEBOT_CITY_DIR", str(tmp_path / "city"))
    lines = len((tmp_path / "city" / "gazetteer.csv").read_text("utf-8").splitlines())
    for arguments in (("serve",), ("city", "check")):
        refused(run(*arguments), f"gazetteer.csv:{lines}")


def test_a_database_that_cannot_be_used_is_told_without_its_password(run, tmp_path, monkeypatch):
    (tmp_path / "text.db").write_text("not a database " * 100, "utf-8")
    for url, word in (
        ("mysql://root:geheim@h/x", "postgresql://"),
        ("postgresql://hotline:geheim@127.0.0.1:1/hotline", "storage.url"),
        (f"sqlite:///{tmp_path}/text.db", "text.db"),
    ):
        monkeypatch.setenv("VOICEBOT_STORAGE__URL", url)
        result = run("db", "check")
        refused(result, word)
        assert "geheim" not in result.output


def test_a_locked_database_is_told_in_time(run, tmp_path, monkeypatch):
    monkeypatch.setenv("VOICEBOT_STORAGE__URL", f"sqlite:///{tmp_path}/locked.db")
    monkeypatch.setenv("VOICEBOT_STORAGE__DEADLINE_MS", "300")
    assert run("db", "upgrade").code == 0
    holder = sqlite3.connect(tmp_path / "locked.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        refused(run("db", "check"), "locked.db", "锁住")
    finally:
        holder.close()
