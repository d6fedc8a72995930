"""Fits the weights of `dialog.understanding.danger_model` and reports them by five-fold cross-validation.

    python -m benchmarks.fit_danger [--data benchmarks/data/emergencies.jsonl] [--harmless FILE…] [--cache DIR]

Harmless besides: what callers of every hotline say (benchmarks/data/caller_sentences.txt) and ask (the questions of the
city that is set). ``--harmless`` names real messages to a hotline, or what people said elsewhere, that tell of no
danger (JSONL, ``text`` and perhaps ``title``): what the project's own list cannot foresee. The title and three
sentences of each are learnt. None of them is, when a phrase of danger is in it: then nobody has said that it is
harmless. Parts of one message are never on both sides of a fold.
"""

import argparse
import json
import random
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.svm import SVC

import dialog.understanding as room
from dialog.city import load_city
from dialog.city.nouns import City
from dialog.embedding import Embedder
from dialog.understanding.danger_model import WEIGHTS, grams
from dialog.understanding.emergencies import MODEL_LENGTHS, SPOKEN_DOUBT, THRESHOLD, EmergencyFinder
from voicebot.settings import load_settings

# Chosen on two lists by other authors that took no part in the fitting.
_SOUND_C = 30.0
_MEANING_C, _GAMMA = 10.0, 5.0
_FOLDS = 5
_INT8 = 127  # the largest number of the form that vectors are kept in
_SENTENCE = re.compile(r"[^。！？!?\n；;]+[。！？!?]?")


def sentences(files: Sequence[Path]) -> list[tuple[str, str]]:
    """(message, sentence): the title, the first and last sentence and one between them of every message."""
    shortest, longest = MODEL_LENGTHS
    rng, found = random.Random(0), []
    for file in files:
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines()):
            row = json.loads(line)
            said = [s.strip()[:longest] for s in _SENTENCE.findall(row["text"]) if len(s.strip()) >= shortest]
            picked = said if len(said) <= 3 else [said[0], said[-1], rng.choice(said[1:-1])]
            title = str(row.get("title") or "").strip()[:longest]
            parts = dict.fromkeys([title, *picked] if title else picked)
            found += [(f"{file.name}:{number}", part) for part in parts]
    return found


def everyday(city: City) -> list[tuple[str, str]]:
    """(message, sentence) of ordinary calls: what is said to every hotline, and the city's questions."""
    lines = (Path(__file__).parent / "data" / "caller_sentences.txt").read_text(encoding="utf-8").splitlines()
    place, office = city.places[0].name, city.departments[0].name
    said = [line.format(place=place, department=office) for line in lines if not line.startswith("#")]
    asked = [question for article in city.articles for question in article.questions]
    return [(f"everyday:{number}", text) for number, text in enumerate([*said, *asked, *city.elsewhere])]


def main() -> None:
    """Cross-validate, then fit on everything and write the weights."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=Path("benchmarks/data/emergencies.jsonl"))
    parser.add_argument("--harmless", type=Path, nargs="*", default=[])
    parser.add_argument("--cache", type=Path, default=None)
    options = parser.parse_args()
    finder = EmergencyFinder()
    rows = [json.loads(line) for line in options.data.read_text(encoding="utf-8").splitlines()]
    others = [*sentences(options.harmless), *everyday(load_city(load_settings().city_dir))]
    real = [(message, text) for message, text in others if finder.judge(text, None) is None]
    texts = [row["text"] for row in rows] + [text for _, text in real]
    danger = np.array([row["emergency"] for row in rows] + [False] * len(real))
    own = np.arange(len(texts)) < len(rows)
    origin = np.array([""] * len(rows) + [message.partition(":")[0] for message, _ in real])
    messages = [*map(str, range(len(rows))), *(message for message, _ in real)]
    meaning = Embedder(options.cache).sentences(texts, name="danger")
    opinions = np.zeros((len(texts), 2))
    folds = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=1)
    for train, test in folds.split(meaning, danger, messages):
        means, sounds, vectors = fit(meaning[train], [texts[i] for i in train], danger[train])
        opinions[test, 0] = means.decision_function(meaning[test])
        opinions[test, 1] = sounds.decision_function(vectors.transform([texts[i] for i in test]))
    weigh = LogisticRegression(C=1.0, class_weight="balanced").fit(opinions, danger)
    scores = weigh.decision_function(opinions)
    found = np.array([finder.judge(text, score) is not None for text, score in zip(texts, scores, strict=True)])
    print(
        f"held back, threshold {THRESHOLD}: recall {found[danger].mean():.4f}, "
        f"false alarms {found[own & ~danger].mean():.4f}, of other sentences "
        + ", ".join(
            f"{name} {found[origin == name].sum()} of {(origin == name).sum()}" for name in dict.fromkeys(origin[~own])
        )
    )
    phrase = np.array([finder.judge(text, None) is not None for text in texts])
    for what, those in (("cries", danger), ("harmless sentences", ~danger)):
        doubted = (scores < SPOKEN_DOUBT)[phrase & those]
        print(f"{what} with a phrase, below {SPOKEN_DOUBT}: {doubted.sum()} of {len(doubted)}")
    means, sounds, vectors = fit(meaning, texts, danger)
    weight_of_means, weight_of_sounds = weigh.coef_[0]
    step = float(np.abs(means.support_vectors_).max()) / _INT8
    np.savez_compressed(
        Path(room.__path__[0]) / WEIGHTS,
        known=np.round(means.support_vectors_ / step).astype(np.int8),
        step=step,
        says=means.dual_coef_[0].astype(np.float16),
        gamma=_GAMMA,
        weigh=[
            weight_of_means,
            weight_of_sounds,
            weigh.intercept_[0] + weight_of_means * means.intercept_[0] + weight_of_sounds * sounds.intercept_[0],
        ],
        grams=np.array(vectors.get_feature_names_out(), dtype=str),
        idf=vectors.idf_.astype(np.float16),
        sound=sounds.coef_[0].astype(np.float16),
    )


def fit(meaning: np.ndarray, texts: list[str], danger: np.ndarray) -> tuple[SVC, LogisticRegression, TfidfVectorizer]:
    """The judge of meaning, the judge of sound and what makes its features; rare danger weighs as much as the rest."""
    vectors = TfidfVectorizer(analyzer=grams, min_df=2, sublinear_tf=True)
    means = SVC(C=_MEANING_C, gamma=_GAMMA, class_weight="balanced", cache_size=500).fit(meaning, danger)
    sounds = LogisticRegression(C=_SOUND_C, max_iter=3000, class_weight="balanced")
    return means, sounds.fit(vectors.fit_transform(texts), danger), vectors


if __name__ == "__main__":
    main()
