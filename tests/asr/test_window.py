"""How much the encoder sees: as little as the model was trained with."""

from pathlib import Path

import numpy as np
import pytest

from asr.adaptation.adapter import Adapter, load_adapter, merge_adapter, save_adapter, sha256
from asr.engines.whisper_model import window_for
from asr.settings import AsrSettings
from asr.window import UNADAPTED, Window, window_of
from tests.support.models import MODELS_DIR, require_models
from voicebot.core.errors import ModelError
from voicebot.models.derived import ADAPTERS


def test_a_window_holds_what_was_said_and_its_margin() -> None:
    assert Window(2.0, 0.5).seconds(1.0) == 2.0
    assert Window(2.0, 0.5).seconds(4.0) == 4.5


def test_a_folder_that_says_nothing_needs_ten_seconds(tmp_path: Path) -> None:
    assert window_of(tmp_path) == UNADAPTED
    Window(2.0, 0.5).write(tmp_path)
    assert window_of(tmp_path) == Window(2.0, 0.5)
    assert window_for(AsrSettings(), tmp_path) == Window(2.0, 0.5)
    assert window_for(AsrSettings(window_min_s=10), tmp_path) == Window(10.0, 0.5)


@pytest.mark.parametrize("told", ["", "[]", '{"min_s": 2}', '{"min_s": "short", "margin_s": 1}'])
def test_a_damaged_folder_is_told_with_what_to_do(told: str, tmp_path: Path) -> None:
    (tmp_path / "window.json").write_text(told, "utf-8")
    with pytest.raises(ModelError, match=r"window\.json"):
        window_of(tmp_path)


@pytest.mark.engine
def test_an_adapters_window_comes_with_the_merged_model(tmp_path: Path) -> None:
    require_models("whisper-base")
    base = MODELS_DIR / "whisper-base"
    card = {"base_sha256": sha256(base / "model.bin"), "weight": 0.5, "window": {"min_s": 3.0, "margin_s": 0.4}}
    save_adapter(Adapter({}, {"encoder/layer_norm/beta": np.zeros(512, np.float32)}, card), tmp_path / "a.npz")
    merge_adapter(base, tmp_path / "a.npz", tmp_path / "model")
    assert window_of(tmp_path / "model") == Window(3.0, 0.4)


def test_the_shipped_adapter_was_trained_with_short_windows() -> None:
    assert Window(**load_adapter(ADAPTERS / "telephone-zh.npz").card["window"]).seconds(1.0) <= 2.0
