"""Which engines hear a call, as the settings and the dialect packs say."""

from pathlib import Path
from typing import Any

import pytest

from asr.dialects.loader import load_packs
from asr.engines.funasr_local import FunAsrRecogniser
from asr.engines.openai_compatible import OpenAiCompatibleRecogniser
from asr.fallback import FallbackRecogniser
from asr.settings import AsrSettings
from voicebot.app.hearing import build_recogniser
from voicebot.models import ModelStore
from voicebot.settings import Settings

PACKS = load_packs()


def build(tmp_path: Path, *dialects: str, **asr: Any) -> Any:
    settings = Settings(asr=AsrSettings(openai_url="http://127.0.0.1:1/v1", **asr))
    return build_recogniser(settings, ModelStore(tmp_path), None, [PACKS[name] for name in dialects])


def test_one_engine_stands_alone(tmp_path: Path) -> None:
    assert isinstance(build(tmp_path, engine="funasr"), FunAsrRecogniser)
    assert isinstance(build(tmp_path, "henan", engine="openai"), OpenAiCompatibleRecogniser)


def test_an_engine_that_a_pack_prefers_is_the_same_one_when_its_model_is_set_anyway(tmp_path: Path) -> None:
    made = build(tmp_path, "henan", "cantonese", engine="openai", fallback=("funasr",))
    assert isinstance(made, FallbackRecogniser)
    better = made.preferred("cantonese")
    assert [engine.capabilities.name for engine in better] == ["funasr/SenseVoiceSmall", "openai/whisper-1"]
    assert set(map(id, better)) == set(map(id, made.engines))


def test_a_pack_brings_its_own_model_of_an_engine_that_is_set(tmp_path: Path) -> None:
    made = build(tmp_path, "cantonese", engine="funasr", funasr_model="FunAudioLLM/Fun-ASR-Nano-2512")
    names = [engine.capabilities.name for engine in made.preferred("cantonese")]
    assert names == ["funasr/SenseVoiceSmall", "funasr/Fun-ASR-Nano-2512"]
    assert [engine.capabilities.name for engine in made.preferred("mandarin")] == ["funasr/Fun-ASR-Nano-2512"]


@pytest.mark.parametrize("dialect", ["mandarin", "henan"])
def test_engines_that_are_not_set_are_never_built(tmp_path: Path, dialect: str) -> None:
    assert isinstance(build(tmp_path, dialect, engine="openai"), OpenAiCompatibleRecogniser)
