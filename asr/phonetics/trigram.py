"""How likely a word is behind the words before it."""

import math
from pathlib import Path
from typing import Any, Protocol

from voicebot.core.errors import ModelError

_LN_10 = math.log(10)


class LanguageModel(Protocol):
    """Scores words from left to right; states are opaque and never changed once handed out."""

    def begin(self) -> Any:
        """State before the first word."""

    def score(self, state: Any, word: str) -> tuple[float, Any]:
        """Natural-log probability of ``word`` behind ``state``, and the state behind it."""

    def boost(self, state: Any, word: str) -> float:
        """How much likelier texts of the domain make ``word`` behind ``state``, in nats; 0 for a general model."""

    def __contains__(self, word: str) -> bool:
        """Whether the model knows the word."""


class TrigramModel:
    """A word trigram model in KenLM's binary form, read with the optional `kenlm` package."""

    def __init__(self, path: Path):
        """Load the model; raises `ModelError` when the package or the file cannot be used."""
        try:
            import kenlm
        except ImportError as error:
            raise ModelError(
                "The trigram model needs the kenlm package.",
                code="kenlm_missing",
                remedy="Install hotline-voicebot[trigram].",
            ) from error
        self._new_state = kenlm.State
        try:
            self._model = kenlm.Model(str(path))
        except OSError as error:
            raise ModelError(
                f"{path}: cannot be read as a KenLM model.",
                code="trigram_damaged",
                remedy="Fetch it again with `voicebot models pull`.",
            ) from error
        self._begin = kenlm.State()
        self._model.NullContextWrite(self._begin)

    def begin(self) -> Any:
        """State without any context: a turn may begin in mid-sentence."""
        return self._begin

    def score(self, state: Any, word: str) -> tuple[float, Any]:
        """Natural-log probability of ``word``, and the state behind it."""
        behind = self._new_state()
        return self._model.BaseScore(state, word, behind) * _LN_10, behind

    def boost(self, state: Any, word: str) -> float:
        """It is general."""
        return 0.0

    def __contains__(self, word: str) -> bool:
        """Whether the word is in the model's vocabulary."""
        return word in self._model


class FlatModel:
    """Knows no words: every word is as likely as any other. Only the city's lexicon can then win."""

    def begin(self) -> None:
        """There is no context."""

    def score(self, state: None, word: str) -> tuple[float, None]:
        """Zero for every word."""
        return 0.0, None

    def boost(self, state: None, word: str) -> float:
        """It knows no domain."""
        return 0.0

    def __contains__(self, word: str) -> bool:
        """Knows every character and no word."""
        return len(word) == 1
