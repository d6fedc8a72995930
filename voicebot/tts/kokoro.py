"""The embedded voice: Kokoro-82M (Apache-2.0) on onnxruntime, Mandarin, on any CPU."""

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime
import soxr
import structlog
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as native

from voicebot.core.errors import ModelError, SynthesisError
from voicebot.core.frames import SAMPLE_RATE_HZ
from voicebot.tts.ahead import Source, spoken_in_order
from voicebot.tts.loudness import at_level, trim
from voicebot.tts.pronunciation import Pronunciation
from voicebot.tts.sentences import split_clauses
from voicebot.tts.settings import TtsSettings
from voicebot.tts.turnstile import Turnstile

log = structlog.get_logger(__name__)

MODEL_RATE_HZ = 24_000
_STYLE_WIDTH = 256
_UNREADABLE = (ValueError, native.Fail, native.InvalidArgument, native.InvalidGraph, native.InvalidProtobuf)
_PULL = "请运行：voicebot models pull"
_TAIL_MS = {"。": 260, "！": 260, "？": 260, "；": 220, "，": 130, "：": 160, "、": 100}
"""Silence left after a clause, by its last mark, so that clauses made apart follow each other as in one breath."""


class KokoroModel:
    """The network and its sounds, loaded once and shared by every voice. ``folder`` as `voicebot models pull` lays it.

    Its methods take long: call them from a thread. Rendering is safe from several threads.
    """

    def __init__(self, folder: Path, threads: int):
        self._folder = folder
        self._threads = threads
        self._session: onnxruntime.InferenceSession | None = None
        self._pronunciation: Pronunciation | None = None
        self._loading = threading.Lock()

    def load(self) -> None:
        """Read network and dictionaries, unless that was done; about two seconds. Raises `ModelError`."""
        with self._loading:
            if self._session is not None:
                return
            model = self._folder / "model.onnx"
            if not model.exists():
                raise ModelError(f"缺少语音模型 {model}。", code="model_missing", remedy=_PULL)
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = self._threads
            options.inter_op_num_threads = 1
            # A spinning pool burns the cores that the recogniser needs.
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
            options.log_severity_level = 3
            try:
                session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
            except _UNREADABLE as error:
                raise ModelError(f"语音模型 {model} 已损坏。", code="model_damaged", remedy=_PULL) from error
            self._pronunciation = Pronunciation(self._folder / "vocab.json")
            self._session = session

    def style(self, voice: str) -> NDArray[np.float32]:
        """A voice: one row of 256 numbers for each length of a text in sounds. Raises `ModelError`."""
        path = self._folder / "voices" / f"{voice}.bin"
        if not path.exists():
            known = "、".join(sorted(other.stem for other in path.parent.glob("*.bin")))
            remedy = f"可选：{known}。" if known else _PULL
            raise ModelError(f"没有名为 {voice} 的声音。", code="voice_unknown", remedy=remedy)
        try:
            return np.fromfile(path, "<f4").reshape(-1, _STYLE_WIDTH)
        except ValueError as error:
            raise ModelError(f"声音文件 {path} 已损坏。", code="model_damaged", remedy=_PULL) from error

    def render(self, clause: str, style: NDArray[np.float32], speed: float) -> NDArray[np.float32]:
        """One clause as float samples at 24 kHz; empty when it makes no sound."""
        if self._session is None or self._pronunciation is None:
            raise _not_started()
        tokens = self._pronunciation.tokens(clause)[: len(style) - 1]
        if not tokens:
            return np.zeros(0, np.float32)
        inputs = {
            "tokens": np.array([[0, *tokens, 0]], np.int64),
            "style": style[len(tokens)][None],
            "speed": np.array([speed], np.float32),
        }
        audio: NDArray[np.float32] = self._session.run(None, inputs)[0].reshape(-1)
        return audio

    def close(self) -> None:
        """Free the memory; `load` brings it back."""
        self._session = None


def _not_started() -> SynthesisError:
    return SynthesisError("语音合成没有启动。", code="voice_stopped", remedy="请重启服务。", retryable=False)


class KokoroSynthesiser:
    """One voice for many calls.

    ``model_dir`` holds ``model.onnx``, ``vocab.json`` and ``voices/*.bin``. Several voices may share a
    ``model``; each has its own threads.
    """

    def __init__(self, settings: TtsSettings, model_dir: Path, *, model: KokoroModel | None = None):
        self._settings = settings
        self._model = model or KokoroModel(model_dir, settings.threads)
        self._owns_model = model is None
        self._turnstile = Turnstile(settings.parallel, settings.max_waiting)
        self._executor: ThreadPoolExecutor | None = None
        self._style: NDArray[np.float32] = np.zeros((0, _STYLE_WIDTH), np.float32)

    @property
    def name(self) -> str:
        """Engine and voice."""
        return f"kokoro/{self._settings.voice}"

    async def start(self) -> None:
        """Load the model and say two words. Raises `ModelError`."""
        self._executor = ThreadPoolExecutor(self._settings.parallel, thread_name_prefix="voice")
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._executor, self._model.load)
        self._style = await loop.run_in_executor(self._executor, self._model.style, self._settings.voice)
        await loop.run_in_executor(self._executor, self._render, "您好。")

    async def stop(self) -> None:
        """Release threads and memory; a clause being made is finished and thrown away."""
        executor, self._executor = self._executor, None
        if executor is not None:
            await asyncio.to_thread(partial(executor.shutdown, cancel_futures=True))
        if self._owns_model:
            self._model.close()

    async def speak(self, text: str) -> AsyncIterator[bytes]:
        """8 kHz int16 PCM, a clause at a time; later clauses are made while earlier ones are spoken."""
        sources = [self._source(clause, urgency) for urgency, clause in enumerate(split_clauses(text))]
        async with aclosing(spoken_in_order(sources, self._settings.clauses_ahead)) as pieces:
            async for piece in pieces:
                yield piece

    def _source(self, clause: str, urgency: int) -> Source:
        async def pieces() -> AsyncGenerator[bytes]:
            async with self._turnstile.enter(urgency):
                if self._executor is None:
                    raise _not_started()
                pcm = await asyncio.get_running_loop().run_in_executor(self._executor, self._render, clause)
            if pcm:
                yield pcm

        return pieces

    def _render(self, clause: str) -> bytes:
        """One clause as 8 kHz int16 PCM, in a thread of the executor."""
        audio = self._model.render(clause, self._style, self._settings.speed)
        voice = trim(audio, MODEL_RATE_HZ, tail_ms=_TAIL_MS.get(clause[-1:], 80))
        narrow = soxr.resample(voice, MODEL_RATE_HZ, SAMPLE_RATE_HZ)
        return (at_level(narrow, SAMPLE_RATE_HZ, self._settings.level_dbfs) * 32767).astype("<i2").tobytes()
