"""Models of the FunASR library on this machine: one that hears while the caller speaks, one that hears it all.

Everything that touches the library (the optional extra ``funasr``, with PyTorch) is here.
"""

import re
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from asr.correction import Hypothesis
from asr.engines.resampling import at_rate
from asr.engines.speech_model import Heard, Samples, Stretch
from asr.invention import is_invented
from asr.loops import most_tokens, runs_away
from asr.settings import AsrSettings
from voicebot.core.errors import ModelError, RecognitionError
from voicebot.core.ports import RecogniserCapabilities

RATE_HZ = 16_000
CHUNK_SAMPLES = 9600  # 600 ms, the step that paraformer-zh-streaming was trained for
_CHUNKS = {"chunk_size": [0, 10, 5], "encoder_chunk_look_back": 4, "decoder_chunk_look_back": 1}  # its model card's
_LANGUAGES = ("zh", "yue", "en")
_SPOKEN_LANGUAGE = {"zh": "中文", "yue": "粤语", "en": "英文"}  # as Fun-ASR-Nano is asked
_TAG = re.compile(r"<\|([^|]*)\|>")
_SPACE = re.compile(r"(?<=[一-鿿，。？！、])\s+|\s+(?=[一-鿿，。？！、])")


class FunAsrLibrary:
    """One loaded model. The library keeps state inside while it works, so that one call at a time may use it."""

    def __init__(self, model: str, settings: AsrSettings):
        """``model`` is a name on the hub of the settings or a folder."""
        self.name = Path(model).name
        self._source = model
        self._settings = settings
        self._model: Any = None
        self._working = threading.Lock()

    @property
    def kind(self) -> str:
        """The library's name for the class of the model, "" before it is loaded."""
        return str(self._model.kwargs["model"]) if self._model is not None else ""

    def load(self) -> None:
        """Fetch the model when it is a name, and read it. Raises `ModelError`."""
        try:
            from funasr import AutoModel
        except ImportError as error:
            raise ModelError(
                "The FunASR engine needs the funasr package and PyTorch.",
                code="funasr_missing",
                remedy="Install hotline-voicebot[funasr].",
            ) from error
        try:
            self._model = AutoModel(
                model=self._source,
                hub=self._settings.funasr_hub,
                device=self._settings.device,
                ncpu=self._settings.cpu_threads,
                disable_update=True,
                disable_pbar=True,
                log_level="ERROR",
            )
        except Exception as error:  # a folder without files, a hub out of reach: the library raises whatever comes up
            raise ModelError(
                f"The FunASR model {self._source} cannot be loaded: {type(error).__name__}: {error}.",
                code="funasr_model_missing",
                remedy="Check the model's name and the hub, or set a folder that holds config.yaml and model.pt.",
            ) from error

    def unload(self) -> None:
        """Give the memory back."""
        self._model = None

    def generate(self, samples: Samples, **options: Any) -> str:
        """The raw text of 16 kHz audio. Raises `RecognitionError`."""
        if self._model is None:
            raise RecognitionError("The model is not loaded.", code="recogniser_stopped", retryable=False)
        sound: Any = samples
        if self.kind == "FunASRNano":  # takes tensors in a list, the others arrays
            import torch

            sound = [torch.from_numpy(samples)]
        try:
            with self._working:
                results = self._model.generate(input=sound, **options)
        except Exception as error:  # PyTorch raises RuntimeError, the library anything
            raise RecognitionError(
                f"The model failed: {type(error).__name__}: {error}.", code="model_failed"
            ) from error
        return str(results[0]["text"]) if results else ""


class FunAsrFinal:
    """`SpeechModel` for whole stretches: SenseVoice, Fun-ASR-Nano, or any Paraformer that is not for streaming."""

    def __init__(self, model: str, settings: AsrSettings):
        self._library = FunAsrLibrary(model, settings)

    @property
    def capabilities(self) -> RecogniserCapabilities:
        """No confidence: the library keeps it to itself."""
        return RecogniserCapabilities(
            name=f"funasr/{self._library.name}",
            languages=_LANGUAGES,
            streaming=True,
            partials=True,
            confidence=False,
            local=True,
        )

    def load(self) -> None:
        """Read the model and hear half a second of noise. Raises `ModelError`."""
        self._library.load()
        try:
            self._library.generate(np.random.default_rng(0).normal(0, 1e-2, RATE_HZ // 2).astype(np.float32))
        except RecognitionError as error:
            raise ModelError(
                f"The FunASR model {self._library.name} cannot hear: {error}",
                code="funasr_model_unfit",
                remedy="Set asr.funasr_model to SenseVoice, Fun-ASR-Nano or a Paraformer that is not for streaming.",
            ) from error

    def unload(self) -> None:
        """Give the memory back."""
        self._library.unload()

    def hear(self, stretches: Sequence[Stretch]) -> list[Heard]:
        """One answer for each stretch, one after the other; raises `RecognitionError`."""
        return [self._hear(stretch) for stretch in stretches]

    def _hear(self, stretch: Stretch) -> Heard:
        asked = stretch.context.language if stretch.context.language in _LANGUAGES else "auto"
        options: dict[str, Any] = {"language": asked}
        if self._library.kind == "FunASRNano":
            longest = most_tokens(stretch.duration_s)
            options = {"language": _SPOKEN_LANGUAGE.get(asked), "itn": False, "max_length": longest}
        raw = self._library.generate(at_rate(stretch, RATE_HZ), **options)
        text, language = plain(raw)
        if not text or is_invented(text) or runs_away(text, len(text), stretch.duration_s):
            return Heard(language=language)
        return Heard((Hypothesis(text),), language)


class FunAsrFirst:
    """A streaming Paraformer: takes 600 ms after 600 ms, each turn with a cache of its own."""

    def __init__(self, model: str, settings: AsrSettings):
        self._library = FunAsrLibrary(model, settings)

    @property
    def name(self) -> str:
        """The model's name."""
        return self._library.name

    def load(self) -> None:
        """Read the model. Raises `ModelError`."""
        self._library.load()
        if self._library.kind != "ParaformerStreaming":
            raise ModelError(
                f"The FunASR model {self._library.name} does not stream.",
                code="funasr_model_unfit",
                remedy="Set asr.funasr_streaming_model to paraformer-zh-streaming, or leave it empty.",
            )

    def unload(self) -> None:
        """Give the memory back."""
        self._library.unload()

    def hear(self, cache: dict[str, Any], samples: Samples, *, last: bool) -> str:
        """The words that these 16 kHz samples add; ``cache`` is the turn's memory, empty at first."""
        return plain(self._library.generate(samples, cache=cache, is_final=last, **_CHUNKS))[0]


def plain(raw: str) -> tuple[str, str]:
    """The text without the tags of SenseVoice and spaces between Chinese characters, and its language."""
    tags = _TAG.findall(raw)
    text = _SPACE.sub("", _TAG.sub("", raw)).strip()
    spoken = next((tag for tag in tags if tag in _LANGUAGES), "")
    if "nospeech" in tags:
        text = ""
    return text, spoken or ("en" if text and text.isascii() else "zh")
