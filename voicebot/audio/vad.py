"""Is somebody speaking? A cheap gate, a good judge, and the two together, for 20 ms frames at 8 kHz.

webrtcvad costs a few microseconds and lets noise through; Silero costs some 250 µs for each 32 ms and is
right far more often. So the judge sleeps while the gate and the level agree that nothing is going on, and
is woken with the last windows before the frame that woke it, so that no first syllable is lost.
Figures: `benchmarks/vad.py`.
"""

from collections import deque
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import webrtcvad
from numpy.typing import NDArray

from voicebot.audio.level import NoiseFloor, rms_dbfs
from voicebot.core.errors import ModelError
from voicebot.core.frames import FRAME_BYTES, SAMPLE_RATE_HZ

_WINDOW_SAMPLES = 256  # what Silero takes at 8 kHz: 32 ms, with the 32 samples before it as context
_CONTEXT_SAMPLES = 32
_SILERO_IN_PIPECAT = Path("audio", "vad", "data", "silero_vad.onnx")


class WebrtcGate:
    """The voice detector of WebRTC, a Gaussian mixture over six bands; 0.0 or 1.0."""

    def __init__(self, aggressiveness: int = 2):
        self._aggressiveness = aggressiveness
        self._vad = webrtcvad.Vad(aggressiveness)

    def push(self, pcm: bytes) -> float:
        """1.0 when the frame sounds like a voice, else 0.0."""
        return 1.0 if self._vad.is_speech(pcm, SAMPLE_RATE_HZ) else 0.0

    def reset(self) -> None:
        """Begin again with an untrained mixture."""
        self._vad = webrtcvad.Vad(self._aggressiveness)


@lru_cache(maxsize=1)
def silero_session() -> Any:
    """The one ONNX session that all calls share (its state is handed in and out). Raises `ModelError`."""
    package = find_spec("pipecat")
    places = package.submodule_search_locations if package else None
    path = Path(next(iter(places))) / _SILERO_IN_PIPECAT if places else None
    if path is None or not path.is_file():
        raise ModelError(
            "The Silero voice detector is not there.",
            code="silero_missing",
            remedy="Install pipecat-ai again; its wheel carries silero_vad.onnx.",
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class SileroDetector:
    """Silero VAD at 8 kHz. Frames are gathered into windows of 32 ms, so its answer lags by up to 32 ms."""

    def __init__(self) -> None:
        self._session = silero_session()
        self._rate = np.array(SAMPLE_RATE_HZ, np.int64)
        self._waiting: NDArray[np.float32]
        self._context: NDArray[np.float32]
        self._state: NDArray[np.float32]
        self.windows = 0  # how many windows were judged; what the CPU time goes into
        self.reset()

    def push(self, pcm: bytes) -> float:
        """Probability of speech in the newest complete window."""
        self._waiting = np.concatenate((self._waiting, np.frombuffer(pcm, "<i2").astype(np.float32) / 32768))
        while len(self._waiting) >= _WINDOW_SAMPLES:
            self._probability = self._judge(self._waiting[:_WINDOW_SAMPLES])
            self._waiting = self._waiting[_WINDOW_SAMPLES:]
        return self._probability

    def _judge(self, window: NDArray[np.float32]) -> float:
        heard = np.concatenate((self._context, window))[None, :]
        out, self._state = self._session.run(None, {"input": heard, "state": self._state, "sr": self._rate})
        self._context = window[-_CONTEXT_SAMPLES:]
        self.windows += 1
        return float(out[0, 0])

    def reset(self) -> None:
        """Forget the call: recurrent state, context and the frames not yet judged."""
        self._state = np.zeros((2, 1, 128), np.float32)
        self._context = np.zeros(_CONTEXT_SAMPLES, np.float32)
        self._waiting = np.zeros(0, np.float32)
        self._probability = 0.0


@dataclass(frozen=True, slots=True)
class GateSettings:
    """When the judge may sleep, and what it is given when it wakes."""

    aggressiveness: int = 3
    sleep_after_ms: float = 600.0
    margin_db: float = 6.0
    wake_with_ms: float = 160.0


class GatedDetector:
    """`VoiceDetector`: webrtcvad and the level decide whether to ask, Silero decides."""

    def __init__(self, settings: GateSettings | None = None):
        self._settings = settings or GateSettings()
        self._gate = WebrtcGate(self._settings.aggressiveness)
        self._judge = SileroDetector()
        self._floor = NoiseFloor()
        # the newest frames, for waking; the oldest goes
        self._recent: deque[bytes] = deque(maxlen=max(1, round(self._settings.wake_with_ms / 20)))
        self._quiet_ms = 0.0
        self._asleep = False

    @property
    def windows(self) -> int:
        """How many windows Silero has judged for this call."""
        return self._judge.windows

    def push(self, pcm: bytes) -> float:
        """Probability in [0, 1] that this 20 ms frame is speech; exactly 0.0 while the judge sleeps."""
        if len(pcm) != FRAME_BYTES:
            raise ValueError(f"a frame has {FRAME_BYTES} bytes, not {len(pcm)}")
        level = rms_dbfs(pcm)
        stirring = self._gate.push(pcm) > 0 or level > self._floor.dbfs + self._settings.margin_db
        self._floor.push(level)
        if self._asleep:
            if not stirring:
                self._recent.append(pcm)
                return 0.0
            return self._wake(pcm)
        probability = self._judge.push(pcm)
        quiet = not stirring and probability < 0.2
        self._quiet_ms = self._quiet_ms + 20 if quiet else 0.0
        if self._quiet_ms >= self._settings.sleep_after_ms:
            self._asleep = True
        self._recent.append(pcm)
        return probability

    def _wake(self, pcm: bytes) -> float:
        # A fresh state: long silence makes Silero under-report the speech that follows it at 8 kHz.
        self._judge.reset()
        self._asleep, self._quiet_ms = False, 0.0
        for frame in self._recent:
            self._judge.push(frame)
        self._recent.append(pcm)
        return self._judge.push(pcm)

    def reset(self) -> None:
        """Forget everything heard so far."""
        self._gate.reset()
        self._judge.reset()
        self._floor.reset()
        self._recent.clear()
        self._quiet_ms, self._asleep = 0.0, False
