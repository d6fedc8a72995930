"""Traditional characters, which recognisers write now and then, as simplified ones."""

from functools import lru_cache

from opencc import OpenCC


@lru_cache(maxsize=1)
def _converter() -> OpenCC:
    return OpenCC("t2s")


def simplify(text: str) -> str:
    """The text in simplified characters, one for each character; unchanged where that cannot be kept."""
    simplified: str = _converter().convert(text)
    return simplified if len(simplified) == len(text) else text
