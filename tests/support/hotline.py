"""The whole service as users run it: its own process, its own database and ports, the repository's models."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from telephony.sip.runtime import free_sip_port
from tests.support.models import MODELS_DIR
from tests.support.sip_peers import free_tcp_port
from voicebot.app.workers import ports_of
from voicebot.settings import Settings, load_settings

ROOT = Path(__file__).resolve().parent.parent.parent
ADDRESS = "127.0.0.1"
_READY_WITHIN_S = 900  # a first start renders every fixed sentence, and the machine may be busy
_STOP_WITHIN_S = 30


@dataclass
class Hotline:
    """A running service; `stop` or `kill` ends it, `start` begins it again on the same database."""

    folder: Path
    config: Path
    settings: Settings
    process: subprocess.Popen[bytes] | None = None

    @classmethod
    def make(cls, folder: Path, models_dir: Path = MODELS_DIR, more: str = "", sip: str = "") -> "Hotline":
        """Write the settings of a service in ``folder``; the caches of the repository are shared.

        ``more`` is TOML behind all the rest, ``sip`` goes into its section.
        """
        config = folder / "voicebot.toml"
        config.write_text(
            f'var_dir = "{ROOT / "var"}"\nmodels_dir = "{models_dir}"\nlog_json = true\ndrain_s = 5\n'
            # Rendering what nobody has asked for yet would take a core from the callers of the tests.
            f"[tts]\nrender_ahead = false\n"
            f'[sip]\nport = {free_sip_port(ADDRESS)}\nlisten_address = "{ADDRESS}"\n{sip}'
            f'[storage]\nurl = "sqlite:///{folder / "hotline.db"}"\nrecordings_folder = "{folder / "recordings"}"\n'
            f"[web]\nport = {free_tcp_port()}\n{more}"
        )
        return cls(folder, config, load_settings(config))

    @property
    def command_line(self) -> list[str]:
        """What starts it."""
        return [sys.executable, "-m", "voicebot.cli", "--config", str(self.config), "serve"]

    @property
    def target(self) -> str:
        """What to dial."""
        return f"sip:12345@{ADDRESS}:{self.settings.sip.port}"

    def start(self) -> float:
        """Start the service and wait until it is ready; returns the seconds that took."""
        began = time.monotonic()
        with (self.folder / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command_line,
                stderr=log,
                stdout=log,
                env={**os.environ, "NO_COLOR": "1"},
            )
        while not self.ready():
            assert self.process.poll() is None, self.log()[-3000:]
            assert time.monotonic() - began < _READY_WITHIN_S, self.log()[-3000:]
            time.sleep(0.2)
        return time.monotonic() - began

    def ready(self, worker: int = 0) -> bool:
        """Does /readyz say so?"""
        try:
            with urllib.request.urlopen(self.url("/readyz", worker), timeout=5) as answer:  # noqa: S310
                return bool(json.load(answer)["ready"])
        except (urllib.error.URLError, OSError):
            return False

    def url(self, path: str, worker: int = 0) -> str:
        """A page of the service."""
        return f"http://{ADDRESS}:{ports_of(self.settings, worker)['web__port']}{path}"

    def log(self) -> str:
        """What the service printed so far."""
        return (self.folder / "serve.log").read_text(errors="replace")

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(_STOP_WITHIN_S)

    def kill(self) -> None:
        """SIGKILL."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def command(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run ``voicebot`` with this service's settings."""
        return subprocess.run(
            [sys.executable, "-m", "voicebot.cli", "--config", str(self.config), *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=280,
        )

    async def call(self, scenario: Path, line: str = "sip") -> dict[str, Any]:
        """Our own client places a call over a line; its report."""
        done = await asyncio.to_thread(self.command, "call", str(scenario), "--line", line, "--json")
        assert done.stdout, done.stderr[-3000:]
        report: dict[str, Any] = json.loads(done.stdout)
        return report
