"""The network, loaded once: a clause comes out in stretches, while the rest of it is being made."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as native

from voicebot.core.errors import ModelError, SynthesisError
from voicebot.tts.kokoro.graphs import cut
from voicebot.tts.kokoro.norms import Norms, measured, norms_of
from voicebot.tts.kokoro.sound import FRAME_SAMPLES, buzz, harmonic_phases, samples_of
from voicebot.tts.pronunciation import Pronunciation

Array = NDArray[np.float32]

_STYLE_WIDTH = 256
_UNREADABLE = (ValueError, KeyError, StopIteration, DecodeError, native.Fail, native.InvalidArgument,
               native.InvalidGraph, native.InvalidProtobuf)  # fmt: skip
_PULL = "请运行：voicebot models pull"
_CONTEXT = 8  # frames that the generator's convolutions see to each side: 100 ms
_STRETCHES = (24, 48, 96)  # frames (12.5 ms): the first is heard soon, the last size goes on
_FRAMES_PER_DURATION = 2
_LEAD_FRAMES = 6  # kept of the silence before the first sound: consonants begin early


@dataclass(frozen=True, slots=True)
class Voice:
    """One speaker: a style for each length of a text in sounds, shape (lengths, 256), and how channels are levelled."""

    style: Array
    norms: Norms


class KokoroModel:
    """The network and its sounds, shared by every voice. ``folder`` as `voicebot models pull` lays it.

    Its methods take long: call them from a thread. Rendering is safe from several threads.
    """

    def __init__(self, folder: Path, threads: int):
        self._folder = folder
        self._threads = threads
        self._loading = threading.Lock()
        self._loaded: _Loaded | None = None

    def load(self) -> None:
        """Read network and dictionaries, unless that was done; about three seconds. Raises `ModelError`."""
        with self._loading:
            if self._loaded is not None:
                return
            model = self._folder / "model.onnx"
            if not model.exists():
                raise ModelError(f"缺少语音模型 {model}。", code="model_missing", remedy=_PULL)
            try:
                self._loaded = _Loaded(model.read_bytes(), self._threads, Pronunciation(self._folder / "vocab.json"))
            except _UNREADABLE as error:
                raise ModelError(f"语音模型 {model} 已损坏。", code="model_damaged", remedy=_PULL) from error

    def voice(self, name: str) -> Voice:
        """A voice of the folder; raises `ModelError`."""
        path = self._folder / "voices" / f"{name}.bin"
        if not path.exists() or name not in measured():
            known = "、".join(sorted({other.stem for other in path.parent.glob("*.bin")} & measured()))
            remedy = f"可选：{known}。" if known else _PULL
            raise ModelError(f"没有名为 {name} 的声音。", code="voice_unknown", remedy=remedy)
        try:
            return Voice(np.fromfile(path, "<f4").reshape(-1, _STYLE_WIDTH), norms_of(name))
        except ValueError as error:
            raise ModelError(f"声音文件 {path} 已损坏。", code="model_damaged", remedy=_PULL) from error

    def render(self, clause: str, voice: Voice, speed: float) -> Iterator[Array]:
        """One clause as float samples at 24 kHz, stretch by stretch; nothing when it makes no sound.

        The silence before the first sound is left out; each ``next`` works for one stretch.
        """
        loaded = self._loaded
        if loaded is None:
            raise SynthesisError("语音合成没有启动。", code="voice_stopped", remedy="请重启服务。", retryable=False)
        tokens = loaded.pronunciation.tokens(clause)[: len(voice.style) - 1]
        if tokens:
            yield from loaded.stretches(tokens, voice, speed)

    def close(self) -> None:
        """Free the memory; `load` brings it back."""
        self._loaded = None


class _Loaded:
    def __init__(self, published: bytes, threads: int, pronunciation: Pronunciation):
        self.pronunciation = pronunciation
        parts = cut(published)
        self._mix, self._bias = parts.mix, parts.bias
        self._front = _session(parts.front, threads)
        self._generator = _session(parts.generator, threads)

    def stretches(self, tokens: list[int], voice: Voice, speed: float) -> Iterator[Array]:
        hidden, pitch, durations, *levels = self._front.run(
            None,
            {
                "tokens": np.array([[0, *tokens, 0]], np.int64),
                "style": voice.style[len(tokens)][None],
                "speed": np.array([speed], np.float32),
            },
        )
        hidden, pitch = hidden[0].T, pitch.reshape(-1)
        frames = len(hidden)
        gain, offset = (np.concatenate([level.reshape(-1) for level in levels[half::2]]) for half in (0, 1))
        scale, shift = (each[None, None] for each in voice.norms.scale_and_shift(frames, gain, offset))
        phases = harmonic_phases(pitch)
        begin = max(0, int(durations.reshape(-1)[0]) * _FRAMES_PER_DURATION - _LEAD_FRAMES)
        for end in _ends(begin, frames):
            left, right = max(0, begin - _CONTEXT), min(frames, end + _CONTEXT)
            (spectrum,) = self._generator.run(
                None,
                {
                    "hidden": hidden[None, left:right],
                    "buzz": buzz(pitch, phases, self._mix, self._bias, left, right)[None],
                    "scale": scale,
                    "shift": shift,
                },
            )
            yield samples_of(spectrum[0])[(begin - left) * FRAME_SAMPLES :][: (end - begin) * FRAME_SAMPLES]
            begin = end


def _ends(begin: int, frames: int) -> Iterator[int]:
    """Where the stretches end; a rest that is not worth a run of its own goes with the last."""
    number = 0
    while begin < frames:
        size = _STRETCHES[min(number, len(_STRETCHES) - 1)]
        begin = frames if frames - begin < size + _CONTEXT else begin + size
        number += 1
        yield begin


def _session(network: bytes, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # A spinning pool burns the cores that the recogniser needs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
