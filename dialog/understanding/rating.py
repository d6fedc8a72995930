"""How satisfied a caller is, 1 (worst) to 5 (best)."""

import re

from voicebot.language.sound import sound_key

_DIGIT = re.compile(r"(?:(?:打|给|评)?(?P<stars>[1-5一二两三四五])(?:分|星|颗星|个星)?[吧。！ ]*)")
_VALUES = {"一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5}
_PHRASES = (
    (1, ("非常不满意", "很不满意", "特别不满意", "太差", "极差", "零分", "very bad", "terrible")),
    (2, ("不满意", "不太满意", "不怎么样", "不好", "差劲", "很差", "not satisfied", "unsatisfied", "bad")),
    (3, ("一般", "还行吧", "凑合", "马马虎虎", "so so", "average")),
    (5, ("非常满意", "很满意", "特别满意", "十分满意", "满分", "挺满意", "非常好", "很好")),
    (5, ("very satisfied", "excellent", "perfect", "very good")),
    (4, ("满意", "比较满意", "还可以", "可以", "不错", "挺好", "好", "satisfied", "good", "fine")),
)  # fmt: skip
_SOUND_WHOLE = 8  # characters; in a longer text other words may sound like a rating
_SOUNDS = tuple(
    (stars, tuple(sound_key(phrase) for phrase in phrases if len(phrase) > 1 and not phrase.isascii()))
    for stars, phrases in _PHRASES
)
_WORDS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5}


def find_stars(text: str) -> int | None:
    """Stars that the caller gave in words or digits; None when there is no rating in ``text``."""
    text = text.strip().lower()
    if match := re.search(r"([1-5一二两三四五])\s*(?:分|星|颗星|个星)", text) or _DIGIT.fullmatch(
        text.strip("，。！？!?. ")
    ):
        value = match[1]
        return _VALUES.get(value) or int(value)
    for word, stars in _WORDS.items():
        if re.search(rf"\b{word}\b", text):
            return stars
    for stars, phrases in _PHRASES:
        if any(phrase in text for phrase in phrases):
            return stars
    if len(text) <= _SOUND_WHOLE:
        key = sound_key(text)
        return next((stars for stars, sounds in _SOUNDS if any(sound in key for sound in sounds)), None)
    return None
