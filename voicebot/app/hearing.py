"""Builds the ear: the engine that the settings name, the engines behind it, and the correction by sound."""

from asr.correction import Corrector
from asr.engines.funasr_server import FunAsrServerRecogniser
from asr.engines.openai_compatible import OpenAiCompatibleRecogniser
from asr.engines.whisper import WhisperRecogniser
from asr.fallback import FallbackRecogniser
from asr.settings import EngineName
from voicebot.core.ports import Recogniser
from voicebot.models import ModelStore
from voicebot.settings import Settings


def require_models(settings: Settings, models: ModelStore) -> None:
    """Look for what the engines need before anything slow is begun. Raises `ModelError` with the remedy."""
    if "whisper" in (settings.asr.engine, *settings.asr.fallback):
        models.path(settings.asr.model)


def build_recogniser(settings: Settings, models: ModelStore, corrector: Corrector | None) -> Recogniser:
    """The engine of the settings, with the others behind it when there are any. Raises `ConfigurationError`."""
    names = (settings.asr.engine, *settings.asr.fallback)
    engines = [build_engine(name, settings, models, corrector) for name in dict.fromkeys(names)]
    return engines[0] if len(engines) == 1 else FallbackRecogniser(engines, settings.asr.slow_ms)


def build_engine(name: EngineName, settings: Settings, models: ModelStore, corrector: Corrector | None) -> Recogniser:
    """One engine. Raises `ModelError` for a missing model, `ConfigurationError` for a missing address."""
    match name:
        case "whisper":
            return WhisperRecogniser(settings.asr, models.path(settings.asr.model), corrector)
        case "openai":
            return OpenAiCompatibleRecogniser(settings.asr, corrector)
        case "funasr_server":
            return FunAsrServerRecogniser(settings.asr, corrector)
