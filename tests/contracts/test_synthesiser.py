"""What every voice promises, over a fake and the real ones."""

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from tests.support.calls import ToneVoice
from tests.support.models import MODELS_DIR, require_models
from voicebot.core.ports import Synthesiser
from voicebot.tts.cached import CachedSynthesiser
from voicebot.tts.kokoro import KokoroSynthesiser
from voicebot.tts.settings import TtsSettings


@pytest.fixture(params=["fake", *(pytest.param(kind, marks=pytest.mark.engine) for kind in ("kokoro", "cached"))])
async def voice(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Synthesiser]:
    made: Synthesiser = ToneVoice()
    if request.param != "fake":
        require_models("kokoro")
        made = KokoroSynthesiser(TtsSettings(), MODELS_DIR / "kokoro")
    if request.param == "cached":
        made = CachedSynthesiser(made, tmp_path)
    await made.start()
    yield made
    await made.stop()


async def test_a_text_becomes_audible_telephone_audio(voice: Synthesiser) -> None:
    pieces = [piece async for piece in voice.speak("您好，请讲。")]
    assert all(len(piece) % 2 == 0 for piece in pieces)
    samples = np.frombuffer(b"".join(pieces), "<i2")
    assert 2000 < len(samples) < 5 * 8000
    assert 1000 < np.abs(samples.astype(int)).max() < 32768


async def test_the_same_text_can_be_said_again(voice: Synthesiser) -> None:
    first, second = [b"".join([piece async for piece in voice.speak("好的。")]) for _ in range(2)]
    assert len(first) == pytest.approx(len(second), rel=0.05)


async def test_nobody_has_to_listen_to_the_end(voice: Synthesiser) -> None:
    pieces = voice.speak("这是一句比较长的话，后面还有好几个分句，没有人听完它。")
    assert await anext(pieces)
    await pieces.aclose()  # type: ignore[attr-defined]
    assert b"".join([piece async for piece in voice.speak("好的。")])


async def test_a_voice_has_a_name(voice: Synthesiser) -> None:
    assert voice.name
