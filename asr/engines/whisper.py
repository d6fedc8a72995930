"""The embedded engine: Whisper on this machine's own processor."""

from pathlib import Path

from asr.correction import Corrector
from asr.engines.whisper_model import WhisperModel
from asr.settings import AsrSettings
from asr.streaming import StreamingRecogniser


class WhisperRecogniser(StreamingRecogniser):
    """`Recogniser` on a Whisper folder in CTranslate2's form."""

    def __init__(self, settings: AsrSettings, model_dir: Path, corrector: Corrector | None = None):
        super().__init__(WhisperModel(settings, model_dir), settings, corrector)
