"""Builds the ear: the engine that the settings name, the engines behind it, and the correction by sound."""

from collections.abc import Iterable

from asr.correction import Corrector
from asr.dialects.pack import DialectPack
from asr.engines.funasr_local import FunAsrRecogniser
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


def build_recogniser(
    settings: Settings, models: ModelStore, corrector: Corrector | None, packs: Iterable[DialectPack] = ()
) -> Recogniser:
    """The engine of the settings, with the others behind it when there are any.

    Of the engines that the dialect ``packs`` prefer, those that are set come first in that dialect, with the
    model that the pack names. Raises `ConfigurationError`.
    """
    names = dict.fromkeys((settings.asr.engine, *settings.asr.fallback))
    engines = {(name, ""): build_engine(name, settings, models, corrector) for name in names}
    chain = list(engines.values())
    preferred: dict[str, list[Recogniser]] = {}
    for pack in packs:
        for name in names:
            for model in (preference.model for preference in pack.engines if preference.engine == name):
                other = _with_model(settings, name, model)
                key = (name, "" if other.asr == settings.asr else model)
                if key not in engines:
                    engines[key] = build_engine(name, other, models, corrector)
                preferred.setdefault(pack.name, []).append(engines[key])
    if len(engines) == 1:
        return chain[0]
    return FallbackRecogniser(chain, settings.asr.slow_ms, preferred)


def _with_model(settings: Settings, name: EngineName, model: str) -> Settings:
    setting = {"whisper": "model", "funasr": "funasr_model", "openai": "openai_model"}.get(name)
    if not model or setting is None:  # a FunASR server chooses its own model
        return settings
    return settings.model_copy(update={"asr": settings.asr.model_copy(update={setting: model})})


def build_engine(name: EngineName, settings: Settings, models: ModelStore, corrector: Corrector | None) -> Recogniser:
    """One engine. Raises `ModelError` for a missing model, `ConfigurationError` for a missing address."""
    match name:
        case "whisper":
            return WhisperRecogniser(settings.asr, models.path(settings.asr.model), corrector)
        case "funasr":
            return FunAsrRecogniser(settings.asr, corrector)
        case "openai":
            return OpenAiCompatibleRecogniser(settings.asr, corrector)
        case "funasr_server":
            return FunAsrServerRecogniser(settings.asr, corrector)
