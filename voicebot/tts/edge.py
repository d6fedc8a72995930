"""An online trial voice: Microsoft Edge's read-aloud endpoint, unofficial, so never the only voice."""

import asyncio
from collections.abc import AsyncGenerator

import aiohttp
import av
import edge_tts
import numpy as np
import soxr
from edge_tts.exceptions import EdgeTTSException

from voicebot.core.errors import SynthesisError
from voicebot.core.frames import SAMPLE_RATE_HZ
from voicebot.tts.settings import TtsSettings

MP3_RATE_HZ = 24_000


class Mp3Decoder:
    """MP3 bytes in as they come, 8 kHz int16 PCM out as early as the frames allow."""

    def __init__(self) -> None:
        self._codec = av.CodecContext.create("mp3", "r")
        self._resampler = soxr.ResampleStream(MP3_RATE_HZ, SAMPLE_RATE_HZ, 1, dtype="int16")
        self._to_mono = av.AudioResampler(format="s16", layout="mono", rate=MP3_RATE_HZ)

    def push(self, data: bytes) -> bytes:
        """PCM that is complete with ``data``. Raises `SynthesisError` for what is not MP3."""
        try:
            frames = [frame for packet in self._codec.parse(data) for frame in self._codec.decode(packet)]
        except av.FFmpegError as error:
            raise SynthesisError(f"在线语音的数据无法解码：{error}。", code="voice_undecodable") from error
        return b"".join(self._convert(frame) for frame in frames)

    def finish(self) -> bytes:
        """What is left in the filters."""
        tail = self.push(b"") + b"".join(self._convert(frame) for frame in self._codec.decode(None))
        return tail + bytes(self._resampler.resample_chunk(np.zeros(0, np.int16), last=True).tobytes())

    def _convert(self, frame: av.AudioFrame) -> bytes:
        pcm = b""
        for mono in self._to_mono.resample(frame):
            pcm += bytes(self._resampler.resample_chunk(mono.to_ndarray().reshape(-1)).tobytes())
        return pcm


class EdgeSynthesiser:
    """`Synthesiser` over edge-tts, with a deadline for the first byte and for every one after it."""

    def __init__(self, settings: TtsSettings):
        self._settings = settings

    @property
    def name(self) -> str:
        """Engine and voice."""
        return f"edge/{self._settings.edge_voice}"

    async def start(self) -> None:
        """Nothing to load; whether the endpoint answers is known with the first sentence."""

    async def stop(self) -> None:
        """Nothing to release."""

    async def speak(self, text: str) -> AsyncGenerator[bytes]:
        """8 kHz int16 PCM as it arrives; raises `SynthesisError` on a refusal or a stall."""
        rate = f"{round((self._settings.speed - 1) * 100):+d}%"
        proxy = self._settings.edge_proxy or None
        decoder = Mp3Decoder()
        chunks = edge_tts.Communicate(text, self._settings.edge_voice, rate=rate, proxy=proxy).stream()
        try:
            while True:
                async with asyncio.timeout(self._settings.stall_ms / 1000):
                    chunk = await anext(chunks, None)
                if chunk is None:
                    break
                if chunk["type"] == "audio" and (pcm := decoder.push(chunk["data"])):
                    yield pcm
            yield decoder.finish()
        except (EdgeTTSException, aiohttp.ClientError, TimeoutError, OSError) as error:
            raise SynthesisError(
                f"在线语音没有应答（{type(error).__name__}）。", code="voice_unreachable", remedy="已改用本机语音。"
            ) from error
        finally:
            await chunks.aclose()
