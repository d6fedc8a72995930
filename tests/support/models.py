"""Where the models of the tests are."""

import os
from pathlib import Path

MODELS_DIR = Path(os.environ.get("VOICEBOT_MODELS_DIR", Path(__file__).resolve().parents[2] / "var" / "models"))
