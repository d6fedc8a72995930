"""Sentences that callers of a city's hotline say, made from its own names; to be spoken by synthesised voices."""

import random
import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files

_SIGNS = re.compile(r"[。！？；，、：!?;,:\s]")
_SPOKEN = re.compile(r"[一-鿿]{5,22}")  # nothing that two people would read aloud in two ways
_ALONE = 0.5  # share of the clauses that stand alone; the others come in twos

_DIGITS = "零一二三四五六七八九"
_SPOKEN_DIGITS = "零幺二三四五六七八九"


@dataclass(frozen=True, slots=True)
class CityNames:
    """Places, departments and complaints as a city's data names them."""

    places: Sequence[str]
    departments: Sequence[str]
    complaints: Sequence[str]


def hotline_sentences(names: CityNames, count: int, seed: int) -> list[str]:
    """Up to ``count`` different sentences, the same for the same seed; places are used evenly."""
    data = tomllib.loads(files("asr.adaptation").joinpath("sentences.toml").read_text(encoding="utf-8"))
    rng = random.Random(seed)
    places, said = list(names.places), dict[str, None]()
    rng.shuffle(places)
    frames = [
        frame
        for frame in data["frames"]
        if ("{place}" not in frame or places)
        and ("{department}" not in frame or names.departments)
        and ("{complaint}" not in frame or names.complaints)
    ]
    for turn in range(4 * count):
        if len(said) >= count or not frames:
            break
        sentence = rng.choice(frames).format(
            place=places[turn % len(places)] if places else "",
            department=rng.choice(names.departments) if names.departments else "",
            complaint=rng.choice(names.complaints) if names.complaints else "",
            number=_number(rng.randint(1, 199)),
            building=_number(rng.randint(1, 30)),
            unit=_number(rng.randint(1, 4)),
            room=rng.choice(_SPOKEN_DIGITS[1:]) + "零" + rng.choice(_SPOKEN_DIGITS[1:4]),
            phone="幺" + rng.choice("三五七八九") + "".join(rng.choice(_SPOKEN_DIGITS) for _ in range(9)),
            surname=rng.choice(data["surnames"]),
            month=_number(rng.randint(1, 12)),
            weeks=_number(rng.randint(2, 9)),
        )
        said.setdefault(sentence)
    return list(said)


def clauses(texts: Iterable[str], count: int, seed: int) -> list[str]:
    """Up to ``count`` sentences of one or two clauses out of messages that people wrote, the same for the same seed."""
    rng = random.Random(seed)
    found = sorted({part for text in texts for part in _SIGNS.split(text) if _SPOKEN.fullmatch(part)})
    rng.shuffle(found)
    sentences: list[str] = []
    while found and len(sentences) < count:
        parts = [found.pop()] if rng.random() < _ALONE or len(found) == 1 else [found.pop(), found.pop()]
        sentences.append("，".join(parts) + "。")
    return sentences


def _number(value: int) -> str:
    """1 to 199 as it is read."""
    hundreds, rest = divmod(value, 100)
    tens, ones = divmod(rest, 10)
    text = "一百" if hundreds else ""
    if hundreds and not tens and ones:
        text += "零"
    if tens:
        text += ("" if tens == 1 and not hundreds else _DIGITS[tens]) + "十"
    return text + (_DIGITS[ones] if ones else "")
