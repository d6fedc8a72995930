"""Our recogniser in a plain pipecat pipeline: a WAV file in, its text out.

    python docs/examples/pipecat_recogniser.py audio_fixtures/mandarin/street-lamp.wav

Nothing of the hotline is in this pipeline but the recogniser: the voice detector and the pipeline are pipecat's
own. In your bot, replace `listen`'s loop by your transport, and `Printer` by what comes behind the recogniser.
"""

import asyncio
import sys
from pathlib import Path

import soundfile
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.audio.vad.vad_analyzer import VADParams
from pipecat.frames.frames import EndFrame, Frame, InputAudioRawFrame, InterimTranscriptionFrame, TranscriptionFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.audio.vad_processor import VADProcessor
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.workers.runner import WorkerRunner

from asr.engines.whisper import WhisperRecogniser
from asr.settings import AsrSettings
from voicebot.pipeline.recogniser_service import RecogniserService

CHUNK_S = 0.02
SILENCE_S = 1.5  # behind the file, so that the detector sees its end


class Printer(FrameProcessor):
    """Shows what comes by; a language model would sit here."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Print texts, pass everything on."""
        await super().process_frame(frame, direction)
        if isinstance(frame, InterimTranscriptionFrame):
            print(f"… {frame.text}", flush=True)
        elif isinstance(frame, TranscriptionFrame):
            print(frame.text, flush=True)
        await self.push_frame(frame, direction)


async def listen(file: Path, model_dir: Path) -> None:
    """Play a file into the pipeline in real time."""
    samples, rate_hz = soundfile.read(file, dtype="int16")
    recogniser = WhisperRecogniser(AsrSettings(), model_dir)
    await recogniser.start()
    worker = PipelineWorker(
        Pipeline(
            [
                VADProcessor(vad_analyzer=SileroVADAnalyzer(params=VADParams(stop_secs=0.6))),
                RecogniserService(recogniser),
                Printer(),
            ]
        ),
        params=PipelineParams(audio_in_sample_rate=rate_hz),
        enable_rtvi=False,
    )
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    running = asyncio.create_task(runner.run())
    step = round(CHUNK_S * rate_hz)
    audio = samples.tobytes() + bytes(2 * round(SILENCE_S * rate_hz))
    for at in range(0, len(audio), 2 * step):
        await worker.queue_frame(InputAudioRawFrame(audio[at : at + 2 * step], rate_hz, 1))
        await asyncio.sleep(CHUNK_S)
    await worker.queue_frame(EndFrame())
    await running
    await recogniser.stop()


if __name__ == "__main__":
    asyncio.run(listen(Path(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else "var/models/whisper-base")))
