"""Strangers that call: sipp and baresip as Debian ships them (packages ``sip-tester`` and ``baresip-core``)."""

import asyncio
import json
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


def have_sipp() -> bool:
    return shutil.which("sipp") is not None


def have_baresip() -> bool:
    return shutil.which("baresip") is not None


@dataclass(frozen=True)
class SippResult:
    """How a sipp run went: its exit status (0: every call went as the scenario says) and what it printed."""

    status: int
    output: str


async def sipp_call(
    target_port: int, pcm: bytes, talk_s: float, *, calls: int = 1, rate: float = 10, dialled: str = "12345"
) -> SippResult:
    """Let sipp place calls that send ``pcm`` (8 kHz int16) as A-law RTP and hang up ``talk_s`` after the answer.

    sipp does not keep what it hears.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        speech = folder / "speech.alaw"
        speech.write_bytes(encode_a_law(pcm))
        scenario = folder / "caller.xml"
        scenario.write_text(_SCENARIO.read_text().replace("SPEECH_FILE", str(speech)))
        process = await asyncio.create_subprocess_exec(
            "sipp",
            f"{_ADDRESS}:{target_port}",
            *("-sf", str(scenario), "-i", _ADDRESS, "-mi", _ADDRESS, "-p", str(free_sip_port(_ADDRESS))),
            *("-s", dialled, "-m", str(calls), "-r", str(rate), "-l", str(calls)),
            *("-d", str(round(talk_s * 1000)), "-mp", "32000"),
            *("-nostdin", "-timeout", f"{round(talk_s + 20)}s", "-timeout_error", "-trace_err"),
            cwd=folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        errors = await asyncio.to_thread(_read_all, folder, "*_errors.log")
        return SippResult(process.returncode or 0, output.decode(errors="replace")[-3000:] + errors)


class Baresip:
    """A running baresip. Use as ``async with Baresip(pcm) as peer``; speech starts with the answer.

    At the end of its speech it hangs up, so ``silence_s`` follows what is to be said.
    """

    def __init__(self, pcm: bytes, silence_s: float = 30):
        self._pcm = pcm + bytes(round(silence_s * SAMPLE_RATE_HZ) * 2)

    async def __aenter__(self) -> "Baresip":
        self._folder = Path(tempfile.mkdtemp(prefix="baresip-peer-"))
        source = self._folder / "speech.wav"
        write_wav(source, self._pcm)
        control = _free_tcp_port()
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
        (self._folder / "accounts").write_text(f"<sip:13800138000@{_ADDRESS}>;regint=0;audio_codecs=pcma,pcmu\n")
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
            await asyncio.sleep(0.2)

    def log(self) -> str:
        """What it printed."""
        return (self._folder / "log").read_text(errors="replace")

    def heard(self) -> NDArray[np.int16]:
        """Everything it heard, from its first packet on; complete once the call is over."""
        (record,) = self._folder.glob("dump-*-dec.wav")
        return read_wav(record)


async def baresip_call(target: str, pcm: bytes, talk_s: float, *, keys: str = "") -> NDArray[np.int16]:
    """Let baresip call, say ``pcm`` from the answer on and hang up after ``talk_s``; returns what it heard."""
    async with Baresip(pcm) as peer:
        await peer.command("dial", target)
        await asyncio.sleep(talk_s / 2)
        await peer.press(keys)
        await asyncio.sleep(talk_s / 2)
        await peer.command("hangup")
        await asyncio.sleep(0.5)
        return peer.heard()


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


def _free_tcp_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind((_ADDRESS, 0))
        return int(probe.getsockname()[1])
