"""Fits the weights of `dialog.knowledge.judge` to a city's own articles: ``python benchmarks/fit_knowledge_judge.py``.

Answerable: every question of every article, left out of its article (every third one also with characters replaced by
homophones, as a recogniser writes them), where the right article comes first. Unanswerable: the examples of
``elsewhere.toml``, of the city's ``elsewhere.txt`` and of the duty catalogue, each compared with the others only, and
article questions whose whole article is taken away (with little weight, since a neighbouring article often answers). No
question of ``benchmarks/data`` is used.
"""

import random

import numpy as np
from pypinyin import lazy_pinyin
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from dialog.city.loader import load_city
from dialog.embedding import Embedder
from dialog.knowledge.index import KnowledgeIndex
from voicebot.settings import load_settings

# How much a row of each kind counts: chosen on two lists of questions by other authors. Were the city's near misses to
# count as much as the rest, too many questions close to them would go unanswered.
_PLAIN, _HARD, _ANSWERABLE, _TAKEN_AWAY = 2.0, 0.6, 1.5, 0.05


def homophones(text: str, alphabet: dict[str, list[str]], chance: random.Random) -> str:
    """Replace one character in six by another of the same sound."""
    out = list(text)
    for i in chance.sample(range(len(text)), max(1, len(text) // 6)):
        others = [c for c in alphabet.get(lazy_pinyin(text[i])[0], []) if c != text[i]]
        out[i] = chance.choice(others) if others else out[i]
    return "".join(out)


def main() -> None:
    """Print the weights."""
    settings = load_settings()
    city = load_city(settings.city_dir)
    index = KnowledgeIndex(city, Embedder(settings.var_dir / "embeddings"))
    alphabet: dict[str, list[str]] = {}
    for character in sorted(set("".join(index.texts))):
        alphabet.setdefault(lazy_pinyin(character)[0], []).append(character)
    chance = random.Random(1)
    rows, labels, weights = [], [], []
    right_alone, right_misheard = [], []

    def add(question: str, mask: np.ndarray | None, without: str, right: int | None, weight: float) -> bool:
        near = index.nearness(question, mask)
        best = int(near.joined.argmax())
        rows.append(index.evidence(question, near, best, without=without).features())
        labels.append(best == right)
        weights.append(weight)
        return best == right

    hard = set(city.elsewhere)
    for text in index.elsewhere:
        add(text, None, text, None, _HARD if text in hard else _PLAIN)
    questions = {q for article in city.articles for q in article.questions}
    for number, text in enumerate(index.texts):
        if text not in questions:
            continue
        alone = np.zeros(len(index.texts), dtype=bool)
        alone[number] = True
        right = int(index.owner[number])
        right_alone.append(add(text, alone, text, right, _ANSWERABLE))
        if number % 3 == 0:
            right_misheard.append(add(homophones(text, alphabet, chance), alone, text, right, _ANSWERABLE))
        add(text, index.owner == right, "", None, _TAKEN_AWAY)
    print(f"R@1 of questions left out: {np.mean(right_alone):.3f}, with homophones {np.mean(right_misheard):.3f}")
    scaler = StandardScaler().fit(rows)
    model = LogisticRegression(C=1.0).fit(scaler.transform(rows), labels, sample_weight=weights)
    scaled = model.coef_[0] / scaler.scale_
    print("WEIGHTS =", tuple(round(float(w), 3) for w in scaled))
    print("INTERCEPT =", round(float(model.intercept_[0] - scaled @ scaler.mean_), 3))


if __name__ == "__main__":
    main()
