"""Strangers that call, as Debian ships them: sipp, baresip and linphone (``sip-tester``, ``baresip-core``,
``linphone-cli``).
"""

import asyncio
import json
import os
import re
import shutil
import socket
import tempfile
import wave
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from telephony.sip.runtime import free_sip_port
from voicebot.audio.g711 import encode_a_law
from voicebot.core.frames import SAMPLE_RATE_HZ

_SCENARIO = Path(__file__).with_name("sipp_caller.xml")
_MODULES = "/usr/lib/baresip/modules"
_ADDRESS = "127.0.0.1"
_BETWEEN_KEYS_S = 0.3
_WITHHELD = "anonymous"
_KEY_S = 0.2
_UNTIL_BYE = '<recv request="BYE" timeout="{ms}" ontimeout="1"/>'
_PAUSE = '<pause milliseconds="{ms}"/>'
_INFO = """<send retrans="500"><![CDATA[

    INFO [next_url] SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
    From: <sip:CALLER@[local_ip]:[local_port]>;tag=[pid]T[call_number]
    To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]
    Call-ID: [call_id]
    CSeq: NUMBER INFO
    Contact: <sip:CALLER@[local_ip]:[local_port]>
    Max-Forwards: 70
    Content-Type: application/dtmf-relay
    Content-Length: [len]

    Signal=KEY
    Duration=160

  ]]></send>
  <recv response="200"/>"""

_BARESIP_CONFIG = """\
sip_listen {address}:{port}
audio_source aufile,{source}
audio_player aufile,{folder}/nowhere.wav
audio_alert aufile,{folder}/alert.wav
ausrc_srate 8000
auplay_srate 8000
net_interface {address}
rtp_ports {rtp_port}-{rtp_port_max}
module_path {modules}
module g711.so
module aufile.so
module sndfile.so
snd_path {folder}
module_app account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen {address}:{control}
"""

_LINPHONE_CONFIG = """\
[sip]
sip_port={port}
sip_tcp_port=0
sip_tls_port=0
bind_address={address}
ipv6_migration_done=1
use_ipv6=0
guess_hostname=0
contact=<sip:{caller}@{address}>

[rtp]
bind_address={address}
audio_rtp_port={rtp_port}
"""


def have_sipp() -> bool:
    return shutil.which("sipp") is not None


def have_baresip() -> bool:
    return shutil.which("baresip") is not None


def have_linphone() -> bool:
    return shutil.which("linphonec") is not None


@dataclass(frozen=True)
class Tape:
    """What a peer that cannot listen says: 8 kHz int16 from the answer on, and keys pressed at some seconds of it."""

    pcm: bytes
    keys: tuple[tuple[float, str], ...] = ()

    @property
    def seconds(self) -> float:
        """Length."""
        return len(self.pcm) / 2 / SAMPLE_RATE_HZ

    def presses(self) -> list[tuple[float, str]]:
        """Each key with the second at which it is pressed."""
        return [(at_s + n * _BETWEEN_KEYS_S, key) for at_s, keys in self.keys for n, key in enumerate(keys)]


@dataclass(frozen=True)
class SippResult:
    """How a sipp run went: its exit status (0: every call went as the scenario says) and what it printed."""

    status: int
    output: str


async def sipp_call(
    target_port: int, tape: Tape, *, caller: str = "1390013[call_number]", calls: int = 1, rate: float = 10
) -> SippResult:
    """Let sipp place calls that send a tape as A-law RTP and its keys in SIP INFO, until its end or the bot's goodbye.

    An empty ``caller`` is a withheld number. sipp does not keep what it hears.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        speech = folder / "speech.alaw"
        speech.write_bytes(encode_a_law(tape.pcm))
        scenario = folder / "caller.xml"
        scenario.write_text(_sipp_scenario(tape, speech, caller or _WITHHELD))
        process = await asyncio.create_subprocess_exec(
            "sipp",
            f"{_ADDRESS}:{target_port}",
            *("-sf", str(scenario), "-i", _ADDRESS, "-mi", _ADDRESS, "-p", str(free_sip_port(_ADDRESS))),
            *("-s", "12345", "-m", str(calls), "-r", str(rate), "-l", str(calls)),
            *("-mp", "32000"),
            *("-nostdin", "-timeout", f"{round(tape.seconds + 20)}s", "-timeout_error", "-trace_err"),
            cwd=folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        errors = await asyncio.to_thread(_read_all, folder, "*_errors.log")
        return SippResult(process.returncode or 0, output.decode(errors="replace")[-3000:] + errors)


def _sipp_scenario(tape: Tape, speech: Path, caller: str) -> str:
    """The call with its pauses: one before each key, and the rest of the tape."""
    steps, at_s = [], 0.0
    for number, (press_s, key) in enumerate(tape.presses(), 2):
        steps.append(_PAUSE.format(ms=max(1, round((press_s - at_s) * 1000))))
        steps.append(_INFO.replace("KEY", key).replace("NUMBER", str(number)))
        at_s = press_s
    steps.append(_UNTIL_BYE.format(ms=round((tape.seconds - at_s) * 1000)))
    text = _SCENARIO.read_text().replace("SPEECH_FILE", str(speech)).replace("TALK", "\n".join(steps))
    return text.replace("CALLER", caller)


class Baresip:
    """A running baresip. Use as ``async with Baresip(pcm) as peer``; speech starts with the answer.

    At the end of its speech it hangs up, so ``silence_s`` follows what is to be said.
    """

    def __init__(self, pcm: bytes, silence_s: float = 30, caller: str = "13800138000"):
        self._caller = caller or _WITHHELD
        self._pcm = pcm + bytes(round(silence_s * SAMPLE_RATE_HZ) * 2)

    async def __aenter__(self) -> "Baresip":
        self._folder = Path(tempfile.mkdtemp(prefix="baresip-peer-"))
        source = self._folder / "speech.wav"
        write_wav(source, self._pcm)
        control = free_tcp_port()
        config = _BARESIP_CONFIG.format(
            address=_ADDRESS,
            port=free_sip_port(_ADDRESS),
            source=source,
            folder=self._folder,
            rtp_port=34000,
            rtp_port_max=34999,
            modules=_MODULES,
            control=control,
        )
        self._log = (self._folder / "log").open("wb")
        (self._folder / "config").write_text(config)
        (self._folder / "accounts").write_text(f"<sip:{self._caller}@{_ADDRESS}>;regint=0;audio_codecs=pcma,pcmu\n")
        (self._folder / "contacts").write_text("")
        self._process = await asyncio.create_subprocess_exec(
            *("baresip", "-f", str(self._folder)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=self._log,
            stderr=asyncio.subprocess.STDOUT,
        )
        for _ in range(100):
            try:
                self._reader, self._writer = await asyncio.open_connection(_ADDRESS, control)
                return self
            except OSError:
                await asyncio.sleep(0.05)
        raise RuntimeError(f"baresip did not start: {self.log()}")

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()
        await asyncio.gather(self._writer.wait_closed(), return_exceptions=True)
        self._process.terminate()
        await self._process.wait()
        self._log.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    async def command(self, command: str, params: str = "") -> None:
        """One of baresip's own commands, such as ``dial``, ``hangup`` or ``sndcode``."""
        message = json.dumps({"command": command, "params": params})
        self._writer.write(f"{len(message)}:{message},".encode())
        await self._writer.drain()

    async def press(self, keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            await self.command("sndcode", key)
            await asyncio.sleep(_KEY_S)

    def log(self) -> str:
        """What it printed."""
        return (self._folder / "log").read_text(errors="replace")

    def heard(self) -> NDArray[np.int16]:
        """Everything it heard, from its first packet on; complete once the call is over."""
        (record,) = self._folder.glob("dump-*-dec.wav")
        return read_wav(record)


async def baresip_call(target: str, tape: Tape, *, caller: str = "13800138000") -> NDArray[np.int16]:
    """Let baresip call, say a tape from the answer on and hang up at its end; returns what it heard."""
    async with Baresip(tape.pcm, caller=caller) as peer:
        await peer.command("dial", target)
        at_s = 0.0
        for press_s, key in tape.presses():
            await asyncio.sleep(press_s - at_s)
            await peer.press(key)
            at_s = press_s + _KEY_S
        await asyncio.sleep(tape.seconds - at_s)
        await peer.command("hangup")
        await asyncio.sleep(0.5)
        return peer.heard()


class Linphone:
    """A running linphonec. Use as ``async with Linphone(pcm) as peer``; speech starts with the answer."""

    def __init__(self, pcm: bytes, caller: str = "13800138000"):
        self._pcm = pcm
        self._caller = caller

    async def __aenter__(self) -> "Linphone":
        self._folder = Path(tempfile.mkdtemp(prefix="linphone-peer-"))
        (self._folder / ".local/share/linphone").mkdir(parents=True)  # without its database it never listens
        write_wav(self._folder / "speech.wav", self._pcm)
        config = _LINPHONE_CONFIG.format(
            address=_ADDRESS, port=free_sip_port(_ADDRESS), rtp_port=free_sip_port(_ADDRESS), caller=self._caller
        )
        (self._folder / "config").write_text(config)
        self._log = (self._folder / "log").open("wb")
        self._process = await asyncio.create_subprocess_exec(
            *("linphonec", "-c", str(self._folder / "config")),
            stdin=asyncio.subprocess.PIPE,
            stdout=self._log,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "HOME": str(self._folder)},
        )
        for _ in range(100):
            await self.command("ports")
            await asyncio.sleep(0.1)
            if re.search(r"sip port = [1-9]", self.log()):
                break
        else:
            raise RuntimeError(f"linphonec did not start: {self.log()}")
        await self.command("soundcard use files")
        await self.command(f"record {self._folder}/heard.wav")
        await self.command(f"play {self._folder}/speech.wav")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.command("quit")
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), 10)
        finally:
            self._log.close()
            shutil.rmtree(self._folder, ignore_errors=True)

    async def command(self, command: str) -> None:
        """One line at its prompt, such as ``call``, ``terminate`` or a key to press."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n".encode())
        await self._process.stdin.drain()

    async def press(self, keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            await self.command(key)
            await asyncio.sleep(_BETWEEN_KEYS_S)

    def log(self) -> str:
        """What it printed."""
        return (self._folder / "log").read_text(errors="replace")

    def heard(self) -> NDArray[np.int16]:
        """Everything it heard; complete once the call is over."""
        return read_wav(self._folder / "heard.wav")


def write_wav(path: Path, pcm: bytes) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes(pcm)


def read_wav(path: Path) -> NDArray[np.int16]:
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getframerate()) == (1, SAMPLE_RATE_HZ)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


def _read_all(folder: Path, pattern: str) -> str:
    return "".join(path.read_text(errors="replace") for path in folder.glob(pattern))


def free_tcp_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind((_ADDRESS, 0))
        return int(probe.getsockname()[1])
