"""The peer of two benchmarks: pipecat's stock pipeline behind the same SIP line, as its examples build it.

    python -m benchmarks.stock_pipeline --port 5070 --models var/models [--reply ready|long]

Silero and smart-turn through pipecat's default turn strategies, its `WhisperSTTService` with the same Whisper base in
int8, its `KokoroTTSService` with the same network and voice. There is no language model, which would only make it
slower: every turn of the caller is answered with one short sentence. ``--reply ready`` plays that sentence from memory
instead of synthesising it; ``--reply long`` is a sentence long enough to be interrupted. What had to be added: its
Whisper service does not resample, so the telephone's 8 kHz are brought to 16 kHz before it, and it drops whatever
Whisper takes for silence with 0.4, which loses answers over a telephone line, so that threshold is the library's own
0.6.
"""

import argparse
import asyncio
import signal
import sys
import tempfile
from pathlib import Path
from typing import Literal

import numpy as np
from kokoro_onnx import Kokoro
from loguru import logger
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    OutputAudioRawFrame,
    TTSSpeakFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair, LLMUserAggregatorParams
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.kokoro.tts import KokoroTTSService
from pipecat.services.whisper.stt import WhisperSTTService
from pipecat.transcriptions.language import Language
from pipecat.workers.runner import WorkerRunner

from benchmarks.recogniser import PROMPT, WIDE_HZ
from telephony.settings import TelephonySettings
from telephony.sip.server import SipLineServer
from telephony.transport import LineTransport
from voicebot.audio.narrowband import resample, to_pcm
from voicebot.audio.resample import Resampler
from voicebot.core.clock import SystemClock
from voicebot.core.frames import FRAME_BYTES, SAMPLE_RATE_HZ
from voicebot.core.ports import Line
from voicebot.models import ModelStore

VOICE = "zf_xiaoxiao"
GREETING = "您好，这里是政务服务热线。请问您有什么需要帮助的？"
REPLY = "好的，已经记下来了。请问还有别的情况要补充吗？"
LONG_REPLY = (
    "新生儿办理户口需要带上出生医学证明和父母双方的身份证还有户口本以及结婚证到父亲或者母亲户口所在地的派出所办理，"
    "材料齐全的话当场就能办好不收取任何费用，工作日上午九点到十二点下午一点半到五点都可以去，周六上午也可以办理，"
    "您也可以先在网上预约再去窗口这样不用排队。"
)
Reply = Literal["spoken", "ready", "long"]


class Widened(FrameProcessor):
    """8 kHz in, 16 kHz out, by a stateful resampler."""

    def __init__(self) -> None:
        super().__init__()
        self._resampler = Resampler(SAMPLE_RATE_HZ, WIDE_HZ)

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Replace the audio, pass the rest on."""
        await super().process_frame(frame, direction)
        if isinstance(frame, InputAudioRawFrame):
            frame = InputAudioRawFrame(self._resampler.push(frame.audio), WIDE_HZ, 1)
        await self.push_frame(frame, direction)


class Answering(FrameProcessor):
    """Stands where the language model would: answers each turn of the caller at once, and always the same."""

    def __init__(self, text: str, ready: bytes | None):
        super().__init__()
        self._text = text
        self._ready = ready

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Answer a context."""
        await super().process_frame(frame, direction)
        if not isinstance(frame, LLMContextFrame):
            await self.push_frame(frame, direction)
        elif self._ready is None:
            for part in (LLMFullResponseStartFrame(), LLMTextFrame(self._text), LLMFullResponseEndFrame()):
                await self.push_frame(part)
        else:
            await self.push_frame(OutputAudioRawFrame(self._ready, SAMPLE_RATE_HZ, 1))


class Peer:
    """Everything that calls share, and a pipeline for each of them."""

    def __init__(self, whisper: Path, kokoro: Path, folder: Path, text: str, ready: bytes | None):
        self._whisper = whisper
        self._kokoro = kokoro
        self._voices = voices_file(kokoro, folder)
        self._text = text
        self._ready = ready

    async def serve(self, line: Line) -> None:
        """One call, from the greeting to the end of the line."""
        hearing, speaking = await asyncio.to_thread(self._services)
        transport = LineTransport(
            line, lambda audio: transport.input().push_frame(InputAudioRawFrame(audio.pcm, SAMPLE_RATE_HZ, 1))
        )
        pair = LLMContextAggregatorPair(
            LLMContext(), user_params=LLMUserAggregatorParams(vad_analyzer=SileroVADAnalyzer())
        )
        worker = PipelineWorker(
            Pipeline(
                [
                    transport.input(),
                    Widened(),
                    hearing,
                    pair.user(),
                    Answering(self._text, self._ready),
                    speaking,
                    transport.output(),
                    pair.assistant(),
                ]
            ),
            params=PipelineParams(audio_in_sample_rate=WIDE_HZ, audio_out_sample_rate=SAMPLE_RATE_HZ),
            idle_timeout_secs=None,
            enable_rtvi=False,
        )
        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(worker)
        running = asyncio.create_task(runner.run())
        await worker.queue_frame(TTSSpeakFrame(GREETING))
        await running

    def _services(self) -> tuple[WhisperSTTService, KokoroTTSService]:
        hearing = WhisperSTTService(
            device="cpu",
            compute_type="int8",
            settings=WhisperSTTService.Settings(
                model=str(self._whisper), language=Language.ZH, no_speech_prob=0.6, initial_prompt=PROMPT
            ),
        )
        speaking = KokoroTTSService(
            model_path=str(self._kokoro / "model.onnx"),
            voices_path=str(self._voices),
            settings=KokoroTTSService.Settings(voice=VOICE, language=Language.ZH),
        )
        return hearing, speaking


def voices_file(kokoro: Path, folder: Path) -> Path:
    """The voice in the form that kokoro-onnx reads, written into ``folder``."""
    path = folder / "voices.npz"
    np.savez(path, **{VOICE: np.fromfile(kokoro / "voices" / f"{VOICE}.bin", "<f4").reshape(-1, 1, 256)})
    return path


def ready_reply(kokoro: Path, folder: Path) -> bytes:
    """The reply as 8 kHz int16, by the same package as the service's."""
    voice = Kokoro(str(kokoro / "model.onnx"), str(voices_file(kokoro, folder)))
    samples, rate_hz = voice.create(REPLY, voice=VOICE, lang="cmn")
    pcm = to_pcm(resample(samples.astype(np.float32), rate_hz, SAMPLE_RATE_HZ))
    return pcm[: len(pcm) // FRAME_BYTES * FRAME_BYTES]


async def serve(port: int, models: ModelStore, reply: Reply) -> None:
    """Take calls until a signal; says ``ready`` on stdout when the first can come."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    settings = TelephonySettings(listen_address="127.0.0.1", port=port)
    server = SipLineServer(settings, SystemClock())
    with tempfile.TemporaryDirectory() as name:
        kokoro = models.path("kokoro")
        ready = await asyncio.to_thread(ready_reply, kokoro, Path(name)) if reply == "ready" else None
        text = LONG_REPLY if reply == "long" else REPLY
        peer = Peer(models.path("whisper-base"), kokoro, Path(name), text, ready)
        calls: set[asyncio.Task[None]] = set()

        async def take() -> None:
            async for line in server.calls():
                task = asyncio.create_task(peer.serve(line))
                calls.add(task)
                task.add_done_callback(calls.discard)

        await server.start()
        taking = asyncio.create_task(take())
        print("ready", flush=True)
        await stop.wait()
        await server.stop()
        taking.cancel()
        await asyncio.wait([taking, *calls], timeout=10)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--reply", choices=("spoken", "ready", "long"), default="spoken")
    options = parser.parse_args()
    logger.remove()
    logger.add(sys.stderr, level="WARNING")
    asyncio.run(serve(options.port, ModelStore(options.models), options.reply))


if __name__ == "__main__":
    main()
