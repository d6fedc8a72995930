"""The embedded voice: made in stretches, heard as one."""

from pathlib import Path

import numpy as np
import pytest

from tests.support.models import MODELS_DIR, require_models
from voicebot.core.errors import ModelError
from voicebot.tts.kokoro import KokoroModel, KokoroSynthesiser, model
from voicebot.tts.kokoro.sound import FRAME_SAMPLES
from voicebot.tts.loudness import speaking_rms
from voicebot.tts.settings import KOKORO_VOICES, TtsSettings

CLAUSE = "小区里的垃圾好几天没有人清理了，"


@pytest.fixture(scope="module")
def kokoro() -> KokoroModel:
    require_models("kokoro")
    loaded = KokoroModel(MODELS_DIR / "kokoro", threads=2)
    loaded.load()
    return loaded


@pytest.mark.engine
def test_stretches_join_to_what_is_made_in_one(kokoro: KokoroModel, monkeypatch: pytest.MonkeyPatch) -> None:
    voice = kokoro.voice("zf_xiaoxiao")
    stretches = list(kokoro.render(CLAUSE, voice, 1.0))
    monkeypatch.setattr(model, "_STRETCHES", (100_000,))
    (whole,) = kokoro.render(CLAUSE, voice, 1.0)
    joined = np.concatenate(stretches)
    assert len(stretches) >= 3
    assert len(stretches[0]) < len(whole) / 4
    assert len(joined) == len(whole)
    # Each run measures the range of its 8-bit input anew: phases move everywhere, at a seam no more than elsewhere.
    error, level = frame_levels(joined - whole), frame_levels(whole)
    missed = error / (level + 0.01)
    seams = np.cumsum([len(stretch) // FRAME_SAMPLES for stretch in stretches[:-1]])
    assert speaking_rms(joined - whole, 24_000) < speaking_rms(whole, 24_000) / 4
    assert max(missed[seam - 1 : seam + 1].max() for seam in seams) < np.quantile(missed, 0.98)


def frame_levels(samples: np.ndarray) -> np.ndarray:
    """Level of each frame."""
    return np.asarray(np.sqrt(np.square(samples.reshape(-1, FRAME_SAMPLES)).mean(axis=1)))


@pytest.mark.engine
@pytest.mark.parametrize("name", KOKORO_VOICES)
def test_every_voice_speaks_at_the_level_it_was_measured_at(kokoro: KokoroModel, name: str) -> None:
    voice = kokoro.voice(name)
    samples = np.concatenate(list(kokoro.render(CLAUSE, voice, 1.0)))
    assert 20 * np.log10(speaking_rms(samples, 24_000) / voice.norms.rms) == pytest.approx(0, abs=3)


@pytest.mark.engine
async def test_a_clause_that_nobody_hears_on_is_not_made_on(
    kokoro: KokoroModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    render = kokoro.render

    def counted(*args: object) -> object:
        for stretch in render(*args):  # type: ignore[arg-type]
            made.append(len(stretch))
            yield stretch

    synthesiser = KokoroSynthesiser(TtsSettings(), MODELS_DIR / "kokoro", model=kokoro)
    await synthesiser.start()
    monkeypatch.setattr(kokoro, "render", counted)
    pieces = synthesiser.speak(CLAUSE)
    assert await anext(pieces)
    await pieces.aclose()  # type: ignore[attr-defined]
    await synthesiser.stop()
    assert len(made) <= 2


@pytest.mark.engine
def test_a_voice_that_nobody_measured_is_named_with_those_that_are(kokoro: KokoroModel) -> None:
    with pytest.raises(ModelError, match="zf_nobody") as caught:
        kokoro.voice("zf_nobody")
    assert "zf_xiaoxiao" in caught.value.remedy


@pytest.mark.parametrize("content", [b"", b"no network", b"\x08\x07"])
def test_a_damaged_network_says_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.onnx").write_bytes(content)
    (tmp_path / "vocab.json").write_text("{}")
    with pytest.raises(ModelError) as caught:
        KokoroModel(tmp_path, threads=1).load()
    assert caught.value.code == "model_damaged"


def test_a_missing_network_says_where_it_should_be(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"model\.onnx"):
        KokoroModel(tmp_path, threads=1).load()
