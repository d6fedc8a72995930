"""The recogniser as a service in a pipecat pipeline that is not ours."""

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from pipecat.frames.frames import (
    EndFrame,
    ErrorFrame,
    Frame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    TranscriptionFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.transcriptions.language import Language
from pipecat.workers.runner import WorkerRunner

from tests.fakes.recogniser import FakeRecogniser
from tests.support.models import MODELS_DIR, require_models
from voicebot.core.errors import RecognitionError
from voicebot.pipeline.recogniser_service import RecogniserService

ROOT = Path(__file__).resolve().parents[2]


class Sink(FrameProcessor):
    """Keeps what comes by."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: list[Frame] = []

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        self.frames.append(frame)
        await self.push_frame(frame, direction)


async def run(recogniser: FakeRecogniser, rate_hz: int, frames: Sequence[Frame]) -> tuple[list[Frame], list[str]]:
    sink, errors = Sink(), []
    worker = PipelineWorker(
        Pipeline([RecogniserService(recogniser), sink]),
        params=PipelineParams(audio_in_sample_rate=rate_hz),
        enable_rtvi=False,
    )

    @worker.event_handler("on_pipeline_error")
    async def on_error(_: PipelineWorker, frame: ErrorFrame) -> None:
        errors.append(frame.error)

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    running = asyncio.create_task(runner.run())
    for frame in frames:
        await worker.queue_frame(frame)
    await worker.queue_frame(EndFrame())
    await running
    return sink.frames, errors


def audio(rate_hz: int, milliseconds: int) -> list[Frame]:
    return [InputAudioRawFrame(bytes(rate_hz // 50 * 2), rate_hz, 1) for _ in range(milliseconds // 20)]


@pytest.mark.parametrize("rate_hz", [8000, 16000, 24000])
async def test_what_lies_between_the_detector_s_frames_is_transcribed(rate_hz: int) -> None:
    recogniser = FakeRecogniser("电梯坏了")
    turn = [VADUserStartedSpeakingFrame(start_secs=0.2), *audio(rate_hz, 400), VADUserStoppedSpeakingFrame()]
    frames, errors = await run(recogniser, rate_hz, [*audio(rate_hz, 2000), *turn, *audio(rate_hz, 200)])
    (final,) = [frame for frame in frames if isinstance(frame, TranscriptionFrame)]
    assert (final.text, final.language, final.finalized) == ("电梯坏了", Language.ZH, True)
    assert any(isinstance(frame, InterimTranscriptionFrame) for frame in frames)
    (stream,) = recogniser.streams
    heard_ms = 20 * len(stream.frames)
    assert 500 <= heard_ms <= 1000  # the turn and a look back to before the detector was sure
    assert stream.closed
    assert errors == []


async def test_every_turn_is_one_text_and_silence_none() -> None:
    recogniser = FakeRecogniser("喂", "电梯坏了")
    turn = [VADUserStartedSpeakingFrame(start_secs=0.2), *audio(8000, 200), VADUserStoppedSpeakingFrame()]
    frames, _ = await run(recogniser, 8000, [*turn, *audio(8000, 400), *turn])
    texts = [frame.text for frame in frames if isinstance(frame, TranscriptionFrame)]
    assert sorted(texts) == ["喂", "电梯坏了"]


async def test_a_failed_turn_is_an_error_frame() -> None:
    recogniser = FakeRecogniser("x", error=RecognitionError("The model failed.", code="model_failed"))
    turn = [VADUserStartedSpeakingFrame(start_secs=0.2), *audio(8000, 200), VADUserStoppedSpeakingFrame()]
    frames, errors = await run(recogniser, 8000, turn)
    assert not [frame for frame in frames if isinstance(frame, TranscriptionFrame)]
    assert errors == ["The model failed."]


@pytest.mark.engine
@pytest.mark.slow
def test_the_example_runs() -> None:
    require_models("whisper-base")
    example, wav = ROOT / "docs/examples/pipecat_recogniser.py", ROOT / "audio_fixtures/mandarin/street-lamp.wav"
    done = subprocess.run(
        [sys.executable, str(example), str(wav), str(MODELS_DIR / "whisper-base")],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "路灯坏了三天了" in done.stdout.splitlines()[-1]
