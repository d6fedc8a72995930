"""English callers: is it English, and what is it in the words of a Chinese ticket?

By key phrases alone, so it says little and invents nothing; the caller's own words go into the
summary beside it. Place names are compared in pinyin: Nanchang Road is 南昌路.
"""

import re
import tomllib
from importlib.resources import files

from pypinyin import lazy_pinyin

from dialog.city.nouns import City, PlaceKind, UnitLevel

_WORD = re.compile(r"[a-z']+")
_HAN = re.compile(r"[\u4e00-\u9fff]")
_TAILS = {
    "路": ("road", "lu", "rd"),
    "街": ("street", "jie", "st"),
    "大道": ("avenue", "dadao"),
    "区": ("district", "qu"),
    "县": ("county", "xian"),
    "小区": ("community", "xiaoqu"),
    "广场": ("square", "plaza"),
    "公园": ("park",),
}
_MIN_WORDS = 2
_NUMBER = re.compile(r"\b(?:number|no\.?|building|unit|room)\s*(\d+)", re.IGNORECASE)
_NUMBER_TAILS = {"number": "号", "no": "号", "no.": "号", "building": "号楼", "unit": "单元", "room": "室"}


def is_english(text: str) -> bool:
    """More English words than Chinese characters, and at least two."""
    words = _WORD.findall(text.lower())
    return len(words) >= _MIN_WORDS and len(words) > len(_HAN.findall(text))


class EnglishReader:
    """Puts an English sentence into Chinese key words. Made once per city."""

    def __init__(self, city: City) -> None:
        table = tomllib.loads((files(__package__) / "english.toml").read_text(encoding="utf-8"))
        kinds = ("problem", "question", "time")
        self._tables = [sorted(table[kind].items(), key=lambda pair: -len(pair[0])) for kind in kinds]
        self._places = self._romanised(city)

    def in_chinese(self, text: str) -> str:
        """The place, the matter and the time in Chinese; "" when no key phrase is in the sentence."""
        lower = text.lower()
        clauses = [self._place(lower)]
        clauses += [next((chinese for phrase, chinese in table if phrase in lower), "") for table in self._tables]
        return "，".join(filter(None, clauses))

    def _place(self, lower: str) -> str:
        found = [(lower.index(name), chinese) for name, chinese in self._places.items() if name in lower]
        place = "".join(dict.fromkeys(chinese for _, chinese in sorted(found, key=lambda f: _rank(f[1]))))
        for match in _NUMBER.finditer(lower):
            tail = _NUMBER_TAILS[match[0][: -len(match[1])].strip()]
            place += f"{match[1]}{tail}"
        return place

    @staticmethod
    def _romanised(city: City) -> dict[str, str]:
        names = [p.name for p in city.places if p.kind in {PlaceKind.ROAD, PlaceKind.ESTATE, PlaceKind.STREET}]
        names += [u.name for u in city.units if u.level is UnitLevel.DISTRICT]
        found: dict[str, str] = {}
        for name in names:
            for tail, words in _TAILS.items():
                stem = name.removesuffix(tail)
                if stem != name and len(stem) >= 2:
                    syllables = lazy_pinyin(stem)
                    for word in words:
                        for joined in ("".join(syllables), " ".join(syllables)):
                            found.setdefault(f"{joined} {word}", name)
        return found


def _rank(name: str) -> int:
    return 0 if name.endswith(("区", "县")) else 1
