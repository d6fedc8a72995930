"""Text that nobody said: what a model trained on subtitles writes over silence, noise and music."""

import re
import tomllib
from functools import lru_cache
from importlib.resources import files

_IGNORED = re.compile(r"[\W_]+")


@lru_cache(maxsize=1)
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    data = tomllib.loads(files("asr").joinpath("invented.toml").read_text("utf-8"))
    whole, aside = (
        re.compile("(?:" + "|".join(f"(?:{each})" for each in data[kind]) + ")+", re.IGNORECASE)
        for kind in ("whole", "english_aside")
    )
    anywhere = re.compile("|".join(f"(?:{each})" for each in data["anywhere"]), re.IGNORECASE)
    return whole, anywhere, aside


def is_invented(text: str) -> bool:
    """True when the text is nothing but credits, farewells of a video, or marks without words."""
    bare = _IGNORED.sub("", text)
    whole, anywhere, _ = _patterns()
    return whole.fullmatch(anywhere.sub("", bare)) is not None or not anywhere.sub("", bare)


def is_english_aside(text: str) -> bool:
    """True for the English that a model writes for a murmur in a Chinese call."""
    return _patterns()[2].fullmatch(_IGNORED.sub("", text)) is not None
