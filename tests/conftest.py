"""Who we were tried with: tests that carry the marker ``interop`` can write `docs/interop.md`.

pytest --interop docs/interop.md [-m interop]
"""

import shutil
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
VERSIONS = {
    "sipp": ("sipp -v", "SIPp"),
    "baresip": ("baresip -h", "baresip"),
    "linphone": ("linphonec -v", "version"),
    "Asterisk": (f"{ROOT}/var/asterisk/asterisk -V", "Asterisk"),
    "Kamailio": ("kamailio -v", "version:"),
    "rtpengine": ("dpkg-query -W rtpengine-daemon", "rtpengine-daemon"),
    "coturn": ("dpkg-query -W coturn", "coturn"),
    "Chromium": ("chromium --version", "Chromium"),
    "oidc-provider": ("npm ls --prefix var/peers oidc-provider", "oidc-provider@"),
    "llama.cpp": (f"{sys.executable} -m pip show xllamacpp", "Version:"),
}
HEAD = """# 和谁一起试过

这张表由测试写出（`pytest -m interop --interop docs/interop.md`），不手改。对端是 Debian 或 npm 的软件包
（Asterisk 取自 Debian 的不稳定版，`make asterisk`），或者只照公开的协议写成。
没有试过的不在表里：真的运营商中继、FreeSWITCH。

| 对端 | 版本 | 试了什么 | 结果 | 测试 |
|---|---|---|---|---|
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--interop", metavar="FILE", help="write what the tests marked interop found into this file")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_FOUND] = {}


_FOUND = pytest.StashKey[dict[tuple[str, str, str], str]]()
_WORDS = {"passed": "通过", "failed": "没通过", "skipped": "没试"}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call" or report.outcome != "passed":
        for marker in item.iter_markers("interop"):
            peer, what = marker.args
            test = f"{item.path.relative_to(ROOT / 'tests').as_posix()}::{item.name.partition('[')[0]}"
            found = item.config.stash[_FOUND]
            key = (peer, what, test)
            found[key] = _worse(found.get(key, "passed"), report.outcome)
    return report


def _worse(one: str, other: str) -> str:
    order = ("passed", "skipped", "failed")
    return max(one, other, key=order.index)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if file := session.config.getoption("--interop"):
        rows = [
            f"| {peer} | {_version(peer)} | {what} | {_WORDS[outcome]} | `{test}` |"
            for (peer, what, test), outcome in sorted(session.config.stash[_FOUND].items())
        ]
        Path(file).write_text(HEAD + "\n".join(rows) + "\n", "utf-8")


def _version(peer: str) -> str:
    if peer not in VERSIONS:
        return ""
    command, mark = VERSIONS[peer]
    if shutil.which(command.split()[0]) is None:
        return ""
    done = subprocess.run(command.split(), capture_output=True, text=True, check=False)
    lines = (done.stdout + done.stderr).splitlines()
    line = next((line for line in lines if mark in line), "")
    words = line.replace(mark, " ").replace(".\n", "").split()
    return next((word.strip(",v.") for word in words if word.lstrip("v")[:1].isdigit()), "")
