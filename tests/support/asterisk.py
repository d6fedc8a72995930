"""A real Asterisk (`make asterisk`) between a SIP caller and our doors, with the dialplan that `docs/pbx.md` shows."""

import asyncio
import re
import shutil
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from telephony.sip.runtime import free_sip_port
from tests.support.sip_peers import free_tcp_port

ROOT = Path(__file__).resolve().parent.parent.parent
AGENT_HZ = 1004  # Asterisk's test tone: what a caller hears from the agent of the queue
_UNPACKED = ROOT / "var" / "asterisk"
_ADDRESS = "127.0.0.1"
_READY_WITHIN_S = 20
_MODULES = (
    "pbx_config",
    "app_dial",
    "app_queue",
    "app_milliwatt",
    "app_exec",
    "app_stack",
    "res_speech",
    "res_agi",
    "app_audiosocket",
    "res_audiosocket",
    "chan_websocket",
    "res_websocket_client",
    "res_http_websocket",
    "chan_pjsip",
    "res_pjproject",
    "res_pjsip",
    "res_pjsip_session",
    "res_pjsip_pubsub",
    "res_pjsip_sdp_rtp",
    "res_pjsip_caller_id",
    "res_pjsip_endpoint_identifier_ip",
    "res_rtp_asterisk",
    "res_sorcery_config",
    "res_sorcery_memory",
    "res_sorcery_astdb",
    "res_timing_timerfd",
    "bridge_simple",
    "bridge_softmix",
    "codec_alaw",
    "codec_ulaw",
    "codec_a_mu",
    "func_callerid",
    "func_uri",
)

_ASTERISK = """\
[directories]
astetcdir = {folder}
astmoddir = {modules}
astvarlibdir = {folder}
astdbdir = {folder}
astkeydir = {folder}
astdatadir = {data}
astagidir = {folder}
astspooldir = {folder}
astrundir = {folder}
astlogdir = {folder}
"""
_LOGGER = "[logfiles]\nconsole = notice,warning,error,verbose\n"
_PJSIP = """\
[loopback]
type = transport
protocol = udp
bind = {address}:{port}

[caller]
type = endpoint
context = hotline
disallow = all
allow = alaw,ulaw
direct_media = no
trust_id_inbound = yes

[caller]
type = identify
endpoint = caller
match = {address}
"""
_RTP = "[general]\nrtpstart = 36000\nrtpend = 36999\n"
_QUEUES = "[12345-agents]\nstrategy = ringall\nmember = Local/8001@agents\n"
_EXTENSIONS = """\
[agents]
exten => 8001,1,Answer()
 same => n,Milliwatt()
exten => 8002,1,Busy(5)
exten => 8003,1,Ringing()
 same => n,Wait(60)
exten => 8004,1,Congestion(5)
exten => 8005,1,Answer()
 same => n,Wait(1)
 same => n,Hangup()

[hotline]
{dialplan}
"""


def have_asterisk() -> bool:
    return (_UNPACKED / "asterisk").exists()


@dataclass(frozen=True)
class Documented:
    """What `docs/pbx.md` tells to write into which file, for one of the doors."""

    files: dict[str, str]

    @classmethod
    def read(cls, door: str) -> "Documented":
        """The section of a door, by its heading."""
        text = (ROOT / "docs" / "pbx.md").read_text("utf-8")
        section = re.split(r"(?m)^## ", text.partition(f"\n## {door}\n")[2])[0]
        found = re.findall(r"`([\w.]+)`[^`]*(?:`[^`]+`[^`]*)*?：\n\n```\w+\n(.*?)```", section, re.DOTALL)
        assert found, f"docs/pbx.md shows nothing for {door}"
        return cls(dict(found))

    @property
    def settings(self) -> dict[str, Any]:
        """The section of ``voicebot.toml``."""
        (section,) = tomllib.loads(self.files["voicebot.toml"]).values()
        return dict(section)

    def at_port(self, port: int) -> "Documented":
        """The same with another port of ours, and another one for a dialplan's questions."""
        files = self.files
        for own, other in ((self.settings["port"], port), (self.settings.get("agi_port"), free_tcp_port())):
            files = {name: re.sub(rf"\b{own}\b", str(other), text) for name, text in files.items()}
        return Documented(files)

    def changed(self, shown: str, other: str) -> "Documented":
        """The same with something else in the place of what the dialplan shows."""
        dialplan = self.files["extensions.conf"]
        assert shown in dialplan
        return Documented(self.files | {"extensions.conf": dialplan.replace(shown, other)})


class Asterisk:
    """A running Asterisk; ``port`` is where its callers come by SIP. Use as ``async with Asterisk(documented)``."""

    def __init__(self, documented: Documented):
        self._files = documented.files
        self.port = free_sip_port(_ADDRESS)

    async def __aenter__(self) -> "Asterisk":
        self._folder = Path(tempfile.mkdtemp(prefix="asterisk-"))
        (modules,) = _UNPACKED.glob("usr/lib/*/asterisk/modules")
        files = {
            "asterisk.conf": _ASTERISK.format(
                folder=self._folder, modules=modules, data=_UNPACKED / "usr/share/asterisk"
            ),
            "modules.conf": "[modules]\nautoload = no\n" + "".join(f"load = {name}.so\n" for name in _MODULES),
            "logger.conf": _LOGGER,
            "pjsip.conf": _PJSIP.format(address=_ADDRESS, port=self.port),
            "rtp.conf": _RTP,
            "queues.conf": _QUEUES,
            "extensions.conf": _EXTENSIONS.format(dialplan=self._files["extensions.conf"]),
            "websocket_client.conf": self._files.get("websocket_client.conf", ""),
        }
        for name, text in files.items():
            (self._folder / name).write_text(text, "utf-8")
        self._log = (self._folder / "log").open("wb")
        self._process = await self._run("-f", "-n", "-vvvv", stdout=self._log)
        for _ in range(_READY_WITHIN_S * 10):
            if "Asterisk Ready" in self.log():
                return self
            await asyncio.sleep(0.1)
        await self._stop()
        raise RuntimeError(f"Asterisk did not start: {self.log()[-3000:]}")

    async def __aexit__(self, *_: object) -> None:
        await self._stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def log(self) -> str:
        """What it printed."""
        return (self._folder / "log").read_text(errors="replace")

    async def command(self, command: str) -> str:
        """The answer of its console."""
        process = await self._run("-rx", command, stdout=asyncio.subprocess.PIPE)
        output, _ = await process.communicate()
        return output.decode(errors="replace")

    async def _run(self, *words: str, stdout: Any) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(str(_UNPACKED / "asterisk"), "-C", str(self._folder / "asterisk.conf"), *words),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=stdout,
            stderr=asyncio.subprocess.STDOUT,
        )

    async def _stop(self) -> None:
        if self._process.returncode is None:
            self._process.terminate()
        await self._process.wait()
        self._log.close()
