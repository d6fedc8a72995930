"""Everything the bot says, from data files: a key, one or several wordings, blanks to fill."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files

from voicebot.core.errors import ConfigurationError
from voicebot.language.spoken_numbers import speak_digits

_SENTENCE = re.compile(r"[^。？！?!.]+[。？！?!.]*\s*")
_BLANK = re.compile(r"\{(\w+)\}")


class Texts:
    """The wordings of one language.

    ``overrides`` (a city's own prompts) replace all wordings of a key; ``constants`` are filled in
    for good (the hotline's name), so that a text with no other blank is fixed. Raises
    `ConfigurationError` for an override whose key or blank does not exist.
    """

    def __init__(self, language: str, overrides: Mapping[str, str] | None = None, **constants: str) -> None:
        self.language = language
        self._wordings = {
            key: tuple(_fill(wording, constants) for wording in wordings) for key, wordings in _read(language).items()
        }
        for key, text in (overrides or {}).items():
            text = _fill(text, constants)
            known = {blank for wording in self._wordings.get(key, ()) for blank in _BLANK.findall(wording)}
            if key not in self._wordings or not known.issuperset(_BLANK.findall(text)):
                raise ConfigurationError(
                    f"城市的提示语 {key} 用不上。", code="prompt_unknown",
                    remedy="请对照 dialog/texts/zh.toml 的键名和花括号里的空格。",
                )  # fmt: skip
            self._wordings[key] = (text,)

    def get(self, key: str, turn: int = 0, **values: str) -> str:
        """The wording of ``key`` for its ``turn``-th use, blanks filled."""
        wordings = self._wordings[key]
        return _fill(wordings[turn % len(wordings)], values)

    def keys(self) -> frozenset[str]:
        """All keys."""
        return frozenset(self._wordings)

    def blanks(self, key: str) -> frozenset[str]:
        """Names of the blanks of a key."""
        return frozenset(blank for wording in self._wordings[key] for blank in _BLANK.findall(wording))

    def joined(self, sentences: Iterable[str]) -> str:
        """Sentences as one text; empty ones are dropped."""
        return ("" if self.language == "zh" else " ").join(filter(None, sentences))

    def digits(self, number: str) -> str:
        """A number as it is read out, in groups."""
        groups = speak_digits(number)
        return groups if self.language == "zh" else groups.translate(_ENGLISH_DIGITS)

    def fixed(self) -> tuple[str, ...]:
        """Every sentence that never changes, each once: worth rendering ahead of the first call."""
        return tuple(dict.fromkeys(self._sentences()))

    def _sentences(self) -> Iterator[str]:
        for wordings in self._wordings.values():
            for wording in wordings:
                for sentence in _SENTENCE.findall(wording):
                    if "{" not in sentence and sentence.rstrip()[-1] in "。？！?!.":
                        yield sentence.strip()


_ENGLISH_DIGITS = {ord(c): f" {d}" for c, d in zip("零一二三四五六七八九", "0123456789", strict=True)} | {
    ord("，"): ","
}


def _fill(wording: str, values: Mapping[str, str]) -> str:
    return _BLANK.sub(lambda blank: values.get(blank[1], blank[0]), wording)


@cache
def _read(language: str) -> Mapping[str, tuple[str, ...]]:
    data = tomllib.loads((files(__package__) / f"{language}.toml").read_text(encoding="utf-8"))
    return {key: (value,) if isinstance(value, str) else tuple(value) for key, value in data.items()}
