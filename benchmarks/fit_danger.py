"""Fits the weights of `dialog.understanding.danger_model` and reports them by ten-fold cross-validation.

python -m benchmarks.fit_danger [--data benchmarks/data/emergencies.jsonl] [--cache DIR]
"""

import argparse
import json
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

import dialog.understanding as room
from dialog.embedding import Embedder
from dialog.understanding.danger_model import WEIGHTS, grams
from dialog.understanding.emergencies import THRESHOLD, EmergencyFinder

_C = 100.0  # weak regularisation; chosen among 10 and 100 on sentences that were held back
_FOLDS = 10


def regression() -> LogisticRegression:
    """One unfitted regression; rare danger weighs as much as frequent harmlessness."""
    return LogisticRegression(C=_C, max_iter=3000, class_weight="balanced")


def main() -> None:
    """Cross-validate, then fit on everything and write the weights."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=Path("benchmarks/data/emergencies.jsonl"))
    parser.add_argument("--cache", type=Path, default=None)
    options = parser.parse_args()
    rows = [json.loads(line) for line in options.data.read_text(encoding="utf-8").splitlines()]
    texts, danger = [row["text"] for row in rows], np.array([row["emergency"] for row in rows])
    meaning = Embedder(options.cache).sentences(texts, name="danger")
    scores = np.zeros(len(texts))
    for train, test in StratifiedKFold(_FOLDS, shuffle=True, random_state=1).split(meaning, danger):
        by_meaning, by_sound, vectors = fit(meaning[train], [texts[i] for i in train], danger[train])
        scores[test] = by_meaning.decision_function(meaning[test])
        scores[test] += by_sound.decision_function(vectors.transform([texts[i] for i in test]))
    finder = EmergencyFinder()
    found = np.array([finder.judge(text, score) is not None for text, score in zip(texts, scores, strict=True)])
    print(
        f"held back, threshold {THRESHOLD}: recall {found[danger].mean():.4f}, false alarms {found[~danger].mean():.4f}"
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
