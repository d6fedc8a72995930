"""Fits the weights of `dialog.understanding.danger_model` and reports them by ten-fold cross-validation.

    python -m benchmarks.fit_danger [--data benchmarks/data/emergencies.jsonl] [--harmless FILE…] [--cache DIR]

``--harmless`` names real messages to a hotline, or what people said elsewhere, that tell of no danger (JSONL, ``text``
and perhaps ``title``): what the project's own list cannot foresee. The title and three sentences of each are learnt as
harmless, unless a phrase of danger is in them: then nobody has said that they are. Parts of one message are never on
both sides of a fold.
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

import dialog.understanding as room
from dialog.embedding import Embedder
from dialog.understanding.danger_model import WEIGHTS, grams
from dialog.understanding.emergencies import MODEL_LENGTHS, THRESHOLD, EmergencyFinder

_C = 100.0  # weak regularisation; chosen among 10 and 100 on sentences that were held back
_FOLDS = 10
_SENTENCE = re.compile(r"[^。！？!?\n；;]+[。！？!?]?")


def regression() -> LogisticRegression:
    """One unfitted regression; rare danger weighs as much as frequent harmlessness."""
    return LogisticRegression(C=_C, max_iter=3000, class_weight="balanced")


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


def main() -> None:
    """Cross-validate, then fit on everything and write the weights."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=Path("benchmarks/data/emergencies.jsonl"))
    parser.add_argument("--harmless", type=Path, nargs="*", default=[])
    parser.add_argument("--cache", type=Path, default=None)
    options = parser.parse_args()
    finder = EmergencyFinder()
    rows = [json.loads(line) for line in options.data.read_text(encoding="utf-8").splitlines()]
    real = [(message, text) for message, text in sentences(options.harmless) if finder.judge(text, None) is None]
    texts = [row["text"] for row in rows] + [text for _, text in real]
    danger = np.array([row["emergency"] for row in rows] + [False] * len(real))
    own = np.arange(len(texts)) < len(rows)
    messages = [*map(str, range(len(rows))), *(message for message, _ in real)]
    meaning = Embedder(options.cache).sentences(texts, name="danger")
    scores = np.zeros(len(texts))
    folds = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=1)
    for train, test in folds.split(meaning, danger, messages):
        by_meaning, by_sound, vectors = fit(meaning[train], [texts[i] for i in train], danger[train])
        scores[test] = by_meaning.decision_function(meaning[test])
        scores[test] += by_sound.decision_function(vectors.transform([texts[i] for i in test]))
    found = np.array([finder.judge(text, score) is not None for text, score in zip(texts, scores, strict=True)])
    print(
        f"held back, threshold {THRESHOLD}: recall {found[danger].mean():.4f}, "
        f"false alarms {found[own & ~danger].mean():.4f}, {found[~own].sum()} in {(~own).sum()} real sentences"
    )
    by_meaning, by_sound, vectors = fit(meaning, texts, danger)
    names = vectors.get_feature_names_out()
    np.savez_compressed(
        Path(room.__path__[0]) / WEIGHTS,
        meaning=by_meaning.coef_[0].astype(np.float16),
        bias=by_meaning.intercept_[0] + by_sound.intercept_[0],
        grams=np.array(names, dtype=str),
        idf=vectors.idf_.astype(np.float16),
        sound=by_sound.coef_[0].astype(np.float16),
    )


def fit(
    meaning: np.ndarray, texts: list[str], danger: np.ndarray
) -> tuple[LogisticRegression, LogisticRegression, TfidfVectorizer]:
    """Two regressions whose log-odds are added."""
    vectors = TfidfVectorizer(analyzer=grams, min_df=2, sublinear_tf=True)
    return regression().fit(meaning, danger), regression().fit(vectors.fit_transform(texts), danger), vectors


if __name__ == "__main__":
    main()
