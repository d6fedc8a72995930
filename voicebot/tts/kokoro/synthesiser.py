"""Many calls, one voice: clauses wait their turn, and each is heard while it is being made."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from functools import partial
from pathlib import Path

from voicebot.core.errors import SynthesisError
from voicebot.tts.ahead import Source, spoken_in_order
from voicebot.tts.kokoro.model import KokoroModel, Voice
from voicebot.tts.kokoro.sound import RATE_HZ
from voicebot.tts.loudness import Narrowed
from voicebot.tts.sentences import split_clauses
from voicebot.tts.settings import TtsSettings
from voicebot.tts.turnstile import Turnstile

_TAIL_MS = {"。": 260, "！": 260, "？": 260, "；": 220, "，": 130, "：": 160, "、": 100}
"""Silence left after a clause, by its last mark, so that clauses made apart follow each other as in one breath."""


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
        self._voice: Voice | None = None

    @property
    def name(self) -> str:
        """Engine and voice."""
        return f"kokoro/{self._settings.voice}"

    async def start(self) -> None:
        """Load the model and say two words. Raises `ModelError`."""
        self._executor = ThreadPoolExecutor(self._settings.parallel, thread_name_prefix="voice")
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._executor, self._model.load)
        self._voice = await loop.run_in_executor(self._executor, self._model.voice, self._settings.voice)
        async with aclosing(self._source("您好。", 0)()) as pieces:
            async for _ in pieces:
                pass

    async def stop(self) -> None:
        """Release threads and memory; a stretch being made is finished and thrown away."""
        executor, self._executor = self._executor, None
        if executor is not None:
            await asyncio.to_thread(partial(executor.shutdown, cancel_futures=True))
        if self._owns_model:
            self._model.close()

    async def speak(self, text: str) -> AsyncIterator[bytes]:
        """8 kHz int16 PCM, as it is made; later clauses are made while earlier ones are spoken."""
        sources = [self._source(clause, number) for number, clause in enumerate(split_clauses(text))]
        async with aclosing(spoken_in_order(sources, self._settings.clauses_ahead)) as pieces:
            async for piece in pieces:
                yield piece

    def _source(self, clause: str, number: int) -> Source:
        async def pieces() -> AsyncGenerator[bytes]:
            if self._voice is None:
                raise _not_started()
            narrowed = Narrowed(
                RATE_HZ, self._settings.level_dbfs, self._voice.norms.rms, tail_ms=_TAIL_MS.get(clause[-1:], 80)
            )
            stretches = self._model.render(clause, self._voice, self._settings.speed)
            urgency = number
            while True:
                # What is being heard has a second in hand; a clause that nobody hears yet goes first.
                async with self._turnstile.enter(urgency, begun=urgency > number):
                    if self._executor is None:
                        raise _not_started()
                    stretch = await asyncio.get_running_loop().run_in_executor(self._executor, next, stretches, None)
                if stretch is None:
                    break
                if pcm := narrowed.push(stretch):
                    yield pcm
                urgency = number + 1
            if pcm := narrowed.finish():
                yield pcm

        return pieces


def _not_started() -> SynthesisError:
    return SynthesisError("语音合成没有启动。", code="voice_stopped", remedy="请重启服务。", retryable=False)
