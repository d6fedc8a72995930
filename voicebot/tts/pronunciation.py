"""Text to the sounds that Kokoro knows: Chinese by misaki, English by misaki's word list, letters by name."""

import json
import logging
import re
from functools import cached_property
from importlib import resources
from pathlib import Path

from voicebot.core.errors import ModelError
from voicebot.tts.figures import spell_figures

_LATIN = re.compile(r"[A-Za-z]+(?:'[A-Za-z]+)?")
_LETTER_SOUNDS = (
    "ˈA bˈi sˈi dˈi ˈi ˈɛf ʤˈi ˈAʧ ˈI ʤˈA kˈA ˈɛl ˈɛm ˈɛn ˈO pˈi kjˈu ˈɑɹ ˈɛs tˈi jˈu vˈi dˈʌbᵊlju ˈɛks wˈI zˈi"
)
_LETTER_NAMES = dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", _LETTER_SOUNDS.split(), strict=True))
"""Names of the letters in the phonemes of misaki's English."""


class Pronunciation:
    """Loaded once (about a second: jieba's dictionary), then safe to use from several threads.

    ``vocabulary`` is the model's ``vocab.json``. Raises `ModelError` when it cannot be read.
    """

    def __init__(self, vocabulary: Path):
        try:
            self._ids: dict[str, int] = json.loads(vocabulary.read_text("utf-8"))["vocab"]
        except (OSError, ValueError, KeyError) as error:
            raise ModelError(
                f"语音模型的音素表 {vocabulary} 无法读取。",
                code="model_damaged",
                remedy="请运行：voicebot models pull",
            ) from error
        from misaki.zh import ZHG2P  # half a second of imports that only a running voice needs

        logging.getLogger("jieba").setLevel(logging.WARNING)
        self._chinese = ZHG2P()
        self._chinese("预热")  # jieba reads its dictionary at the first word

    @cached_property
    def _english(self) -> dict[str, object]:
        """American words and their sounds; read when the first English word is spoken."""
        data = resources.files("misaki") / "data"
        words: dict[str, object] = json.loads((data / "us_silver.json").read_text("utf-8"))
        words.update(json.loads((data / "us_gold.json").read_text("utf-8")))
        return words

    def _latin(self, word: str) -> str:
        """An English word as it sounds; an unknown one, or one in capitals, letter by letter."""
        if len(word) == 1 or (word.isupper() and len(word) <= 5):
            return " ".join(_LETTER_NAMES[letter] for letter in word.upper() if letter in _LETTER_NAMES)
        for form in (word, word.lower(), word.capitalize()):
            sound = self._english.get(form)
            if isinstance(sound, dict):  # by part of speech
                sound = sound.get("DEFAULT")
            if isinstance(sound, str):
                return sound
        return " ".join(_LETTER_NAMES[letter] for letter in word.upper() if letter in _LETTER_NAMES)

    def phonemes(self, text: str) -> str:
        """The sounds of a text, with the punctuation that shapes its melody."""
        text = spell_figures(text)
        parts: list[str] = []
        start = 0
        for word in _LATIN.finditer(text):
            parts += [self._mandarin(text[start : word.start()]), self._latin(word[0])]
            start = word.end()
        parts.append(self._mandarin(text[start:]))
        return " ".join(part for part in parts if part).strip()

    def _mandarin(self, text: str) -> str:
        return str(self._chinese(text)[0]) if text.strip() else ""

    def tokens(self, text: str) -> list[int]:
        """The model's numbers of the sounds; what the model has no sound for is left out."""
        return [self._ids[sound] for sound in self.phonemes(text) if sound in self._ids]
