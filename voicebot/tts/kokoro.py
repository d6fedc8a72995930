"""The embedded voice: Kokoro-82M (Apache-2.0) on onnxruntime, Mandarin, on any CPU."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
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


class KokoroSynthesiser:
    """A voice for many calls. ``model_dir`` holds ``model.onnx``, ``vocab.json`` and ``voices/*.bin``."""

    def __init__(self, settings: TtsSettings, model_dir: Path):
        self._settings = settings
        self._model_dir = model_dir
        self._turnstile = Turnstile(settings.parallel, settings.max_waiting)
        self._executor: ThreadPoolExecutor | None = None
        self._session: onnxruntime.InferenceSession | None = None
        self._pronunciation: Pronunciation | None = None
        self._styles: NDArray[np.float32] = np.zeros((0, _STYLE_WIDTH), np.float32)

    @property
    def name(self) -> str:
        """Engine and voice."""
        return f"kokoro/{self._settings.voice}"

    async def start(self) -> None:
        """Load the model and say one word; about two seconds. Raises `ModelError`."""
        self._executor = ThreadPoolExecutor(self._settings.parallel, thread_name_prefix="voice")
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._executor, self._load)
        await loop.run_in_executor(self._executor, self._render, "您好。")

    async def stop(self) -> None:
        """Release threads and memory; a clause being made is finished and thrown away."""
        executor, self._executor = self._executor, None
        if executor is not None:
            await asyncio.to_thread(partial(executor.shutdown, cancel_futures=True))
        self._session = None

    async def speak(self, text: str) -> AsyncIterator[bytes]:
        """8 kHz int16 PCM, a clause at a time; later clauses are made while earlier ones are spoken."""
        sources = [self._source(clause, urgency) for urgency, clause in enumerate(split_clauses(text))]
        pieces = spoken_in_order(sources, self._settings.clauses_ahead)
        try:
            async for piece in pieces:
                yield piece
        finally:
            await pieces.aclose()  # type: ignore[attr-defined]

    def _source(self, clause: str, urgency: int) -> Source:
        async def pieces() -> AsyncIterator[bytes]:
            async with self._turnstile.enter(urgency):
                if self._executor is None:
                    raise SynthesisError(
                        "语音合成没有启动。", code="voice_stopped", remedy="请重启服务。", retryable=False
                    )
                pcm = await asyncio.get_running_loop().run_in_executor(self._executor, self._render, clause)
            if pcm:
                yield pcm

        return pieces

    def _load(self) -> None:
        model, voice = self._model_dir / "model.onnx", self._model_dir / "voices" / f"{self._settings.voice}.bin"
        if not model.exists():
            raise ModelError(f"缺少语音模型 {model}。", code="model_missing", remedy=_PULL)
        if not voice.exists():
            known = "、".join(sorted(path.stem for path in voice.parent.glob("*.bin")))
            raise ModelError(
                f"没有名为 {self._settings.voice} 的声音。",
                code="voice_unknown",
                remedy=f"可选：{known}。" if known else _PULL,
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._settings.threads
        options.inter_op_num_threads = 1
        # A spinning pool burns the cores that the recogniser needs.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
            self._styles = np.fromfile(voice, "<f4").reshape(-1, _STYLE_WIDTH)
        except _UNREADABLE as error:
            raise ModelError(f"语音模型 {self._model_dir} 已损坏。", code="model_damaged", remedy=_PULL) from error
        self._pronunciation = Pronunciation(self._model_dir / "vocab.json")

    def _render(self, clause: str) -> bytes:
        """One clause, whole, in a thread of the executor."""
        if self._session is None or self._pronunciation is None:
            raise SynthesisError("语音合成没有启动。", code="voice_stopped", remedy="请重启服务。", retryable=False)
        tokens = self._pronunciation.tokens(clause)[: len(self._styles) - 1]
        if not tokens:
            return b""
        audio = self._session.run(
            None,
            {
                "tokens": np.array([[0, *tokens, 0]], np.int64),
                "style": self._styles[len(tokens)][None],
                "speed": np.array([self._settings.speed], np.float32),
            },
        )[0].reshape(-1)
        voice = trim(audio, MODEL_RATE_HZ, tail_ms=_TAIL_MS.get(clause[-1:], 80))
        narrow = soxr.resample(voice, MODEL_RATE_HZ, SAMPLE_RATE_HZ)
        levelled = at_level(narrow, SAMPLE_RATE_HZ, self._settings.level_dbfs)
        return (levelled * 32767).astype("<i2").tobytes()
