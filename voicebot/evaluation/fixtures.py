"""Callers for tests, made from a list of texts: voices, noises and broken lines, each with its pedigree.

The list is ``callers.toml`` in the folder of the fixtures; what comes out is described by ``manifest.toml``
beside it. A recording whose text, voice and speed have not changed is kept.
"""

import hashlib
import json
import tomllib
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Literal

import numpy as np
import soundfile
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from voicebot.audio.narrowband import Signal, from_pcm, mix, telephone, to_pcm
from voicebot.core.errors import ConfigurationError
from voicebot.core.frames import SAMPLE_RATE_HZ
from voicebot.evaluation.fixture_noise import NoiseKind, make_noise
from voicebot.evaluation.fixture_packets import late_packets, lost_packets
from voicebot.tts.kokoro import KokoroModel, KokoroSynthesiser
from voicebot.tts.settings import TtsSettings

SOURCE = "callers.toml"
MANIFEST = "manifest.toml"
LICENCE = "Apache-2.0"
_LEAD_S, _TAIL_S = 0.25, 0.35
_ROOM_DBFS = -62.0
"""A telephone is never digitally silent: a faint hiss lies under every recording."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Utterance(_Strict):
    """One sentence of one caller."""

    id: str
    kind: str
    voice: str
    text: str
    speed: float = Field(default=1.0, ge=0.5, le=2.0)
    dialect: str = "mandarin"
    language: str = "zh"


class Conversation(_Strict):
    """All turns of one caller, and how the call should end."""

    id: str
    voice: str
    outcome: Literal["answer", "ticket", "handoff"]
    turns: tuple[str, ...]
    speed: float = Field(default=1.0, ge=0.5, le=2.0)


class Noise(_Strict):
    """A noise of a kind."""

    id: str
    kind: NoiseKind
    seconds: float = Field(gt=0, le=60)


class Mix(_Strict):
    """Utterances with a noise behind them."""

    noise: str
    snr_db: tuple[float, ...]
    utterances: tuple[str, ...]


class Packets(_Strict):
    """A broken line: packets lost (percent, in bursts) or late (ms)."""

    id: str
    loss_percent: float = Field(default=0, ge=0, le=50)
    mean_burst: float = Field(default=1.0, ge=1)
    jitter_ms: float = Field(default=0, ge=0)
    seed: int


class Callers(_Strict):
    """The whole list."""

    utterance: tuple[Utterance, ...]
    conversation: tuple[Conversation, ...]
    noise: tuple[Noise, ...]
    mix: tuple[Mix, ...]
    packets: tuple[Packets, ...]


def read_callers(folder: Path) -> Callers:
    """The list of a folder. Raises `ConfigurationError` that names what is wrong."""
    path = folder / SOURCE
    try:
        return Callers.model_validate(tomllib.loads(path.read_text("utf-8")))
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"没有找到 {path}。", code="fixtures_missing", remedy="请在项目根目录运行，或用 --dir 指明目录。"
        ) from error
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise ConfigurationError(f"{path} 有误：{error}", code="fixtures_invalid", remedy="请改正后重试。") from error


def read_manifest(folder: Path) -> list[dict[str, Any]]:
    """The entries of a folder's manifest; empty when there is none yet."""
    try:
        return list(tomllib.loads((folder / MANIFEST).read_text("utf-8")).get("file", []))
    except FileNotFoundError:
        return []


def sha256(path: Path) -> str:
    """Digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


class FixtureMaker:
    """Makes everything that the list of ``folder`` asks for. ``model_dir`` is Kokoro's folder."""

    def __init__(self, folder: Path, model_dir: Path, say: Callable[[str], None]):
        self._folder = folder
        self._model_dir = model_dir
        self._say = say
        self._known = {entry["path"]: entry for entry in read_manifest(folder)}
        self._entries: list[dict[str, Any]] = []

    async def make(self) -> int:
        """Make what is new, remove what is no longer asked for, write the manifest; returns the number of files."""
        callers = read_callers(self._folder)
        model = KokoroModel(self._model_dir, threads=1)
        async with AsyncExitStack() as voices:
            speakers: dict[tuple[str, float], KokoroSynthesiser] = {}
            for path, entry in _recordings(callers):
                if not self._keep(path, entry):
                    key = entry["voice"], entry["speed"]
                    if key not in speakers:
                        settings = TtsSettings(voice=key[0], speed=key[1], parallel=1)
                        speakers[key] = KokoroSynthesiser(settings, self._model_dir, model=model)
                        await speakers[key].start()
                        voices.push_async_callback(speakers[key].stop)
                    pcm = b"".join([piece async for piece in speakers[key].speak(entry["text"])])
                    self._write(path, _as_a_caller(from_pcm(pcm), path), entry)
        self._make_noises(callers)
        self._make_packets(callers)
        self._remove_others()
        _write_manifest(self._folder / MANIFEST, self._entries)
        return len(self._entries)

    def _keep(self, path: str, entry: dict[str, Any]) -> bool:
        """Take over a recording that is already there, whole, and made from the same words."""
        known = self._known.get(path)
        file = self._folder / path
        if known is None or not file.exists() or sha256(file) != known["sha256"]:
            return False
        if {key: value for key, value in known.items() if key in entry} != entry:
            return False
        self._entries.append(known)
        return True

    def _write(self, path: str, signal: Signal, entry: dict[str, Any]) -> None:
        file = self._folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        samples = np.frombuffer(to_pcm(signal), "<i2")
        soundfile.write(file, samples, SAMPLE_RATE_HZ, format="WAV", subtype="ALAW")
        self._entries.append(
            {
                **entry,
                "seconds": round(len(samples) / SAMPLE_RATE_HZ, 2),
                "rate_hz": SAMPLE_RATE_HZ,
                "coding": "A-law",
                "licence": LICENCE,
                "sha256": sha256(file),
            }
        )
        self._say(path)

    def _read(self, path: str) -> Signal:
        samples: Signal = soundfile.read(self._folder / path, dtype="float32")[0]
        return samples

    def _make_noises(self, callers: Callers) -> None:
        paths = {entry["id"]: entry["path"] for entry in self._entries if "id" in entry}
        talkers = [self._read(paths[item.id]) for item in callers.utterance if item.kind == "complaint"][:6]
        noises: dict[str, Signal] = {}
        for item in callers.noise:
            path = f"noise/{item.id}.wav"
            noises[item.id] = make_noise(item.kind, item.seconds, talkers)
            entry = {"path": path, "id": item.id, "kind": item.kind, "source": "computed"}
            if not self._keep(path, entry):
                self._write(path, noises[item.id], entry)
        for mixture in callers.mix:
            for name in mixture.utterances:
                for snr_db in mixture.snr_db:
                    path = f"noise/{name}-{mixture.noise}-{snr_db:g}db.wav"
                    speech = next(item for item in callers.utterance if item.id == name)
                    entry = _spoken(path, speech) | {"noise": mixture.noise, "snr_db": snr_db}
                    del entry["id"]
                    if not self._keep(path, entry):
                        self._write(path, mix(self._read(paths[name]), noises[mixture.noise], snr_db), entry)

    def _make_packets(self, callers: Callers) -> None:
        for item in callers.packets:
            path = f"packets/{item.id}.toml"
            file = self._folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            if item.jitter_ms:
                line = f"late_ms = {late_packets(item.jitter_ms, item.seed)}"
            else:
                line = f"lost = {lost_packets(item.loss_percent, item.mean_burst, item.seed)}"
            file.write_text(f"packets = 3000\n{line}\n", "utf-8")
            entry: dict[str, Any] = {"path": path, "kind": "packets", "source": "computed"}
            self._entries.append(entry | {"licence": LICENCE, "sha256": sha256(file)})

    def _remove_others(self) -> None:
        wanted = {entry["path"] for entry in self._entries}
        for path in set(self._known) - wanted:
            (self._folder / path).unlink(missing_ok=True)


def _spoken(path: str, item: Utterance) -> dict[str, Any]:
    return {
        "path": path,
        "id": item.id,
        "kind": item.kind,
        "text": item.text,
        "voice": item.voice,
        "speed": item.speed,
        "dialect": item.dialect,
        "language": item.language,
        "source": "Kokoro-82M v1.0",
    }


def _recordings(callers: Callers) -> list[tuple[str, dict[str, Any]]]:
    """Path and pedigree of everything that is spoken."""
    recordings = []
    for item in callers.utterance:
        folder = "mandarin" if item.dialect == "mandarin" else "dialects"
        path = f"{folder}/{item.id}.wav"
        recordings.append((path, _spoken(path, item)))
    for call in callers.conversation:
        for turn, text in enumerate(call.turns, 1):
            path = f"mandarin/{call.id}/{turn:02}.wav"
            line = Utterance(id=f"{call.id}/{turn}", kind="conversation", voice=call.voice, text=text, speed=call.speed)
            entry = _spoken(path, line) | {"conversation": call.id, "turn": turn, "outcome": call.outcome}
            recordings.append((path, entry))
    return recordings


def _as_a_caller(voice: Signal, path: str) -> Signal:
    """The voice as it leaves a telephone, with a breath of line before and after it."""
    narrow = telephone(voice, SAMPLE_RATE_HZ)
    lead, tail = (np.zeros(int(seconds * SAMPLE_RATE_HZ), np.float32) for seconds in (_LEAD_S, _TAIL_S))
    whole = np.concatenate((lead, narrow, tail))
    seed = int.from_bytes(hashlib.sha256(path.encode()).digest()[:8], "big")  # the same hiss whenever it is made
    hiss = np.random.default_rng(seed).standard_normal(len(whole)) * 10 ** (_ROOM_DBFS / 20)
    return (whole + hiss).astype(np.float32)


def _write_manifest(path: Path, entries: list[dict[str, Any]]) -> None:
    """TOML, one table a file; strings here hold no control characters, so JSON's quoting is TOML's."""
    lines = ["# Made by `voicebot fixtures make` from callers.toml. Do not edit.", ""]
    for entry in entries:
        lines.append("[[file]]")
        lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in entry.items()]
        lines.append("")
    path.write_text("\n".join(lines), "utf-8")
