"""Where the models of the tests are."""

import os
from pathlib import Path

import pytest

MODELS_DIR = Path(os.environ.get("VOICEBOT_MODELS_DIR", Path(__file__).resolve().parents[2] / "var" / "models"))


def require_models(*names: str) -> None:
    """Skip the test, saying what to do, when a model is not installed."""
    missing = [name for name in names if not (MODELS_DIR / name).is_dir()]
    if missing:
        pytest.skip(f"models missing: {', '.join(missing)}; run: voicebot models pull")
