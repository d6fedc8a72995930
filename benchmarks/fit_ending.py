"""Fits the weights of `voicebot.turns.ending` and says what they are worth on sentences that were held back.

    python -m benchmarks.fit_ending MANIFEST…

The manifests' transcripts (Mozilla Common Voice, CC0, for the shipped weights) stand for Mandarin in general; what
callers say comes from the project: ``benchmarks/data`` and the phrases of ``asr/caller_phrases.toml``. A sentence is
stopped at two word boundaries and, when it has one, at a comma; each of these weighs half as much as an end.
"""

import argparse
import json
import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import jieba
import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

import voicebot.turns as room
from asr.lexicon import Lexicon, caller_phrases
from voicebot.evaluation.speech import read_manifest
from voicebot.turns.completeness import COMPLETE_FROM, UNFINISHED_TO, bare
from voicebot.turns.ending import WEIGHTS, marks

ROOT = Path(__file__).resolve().parent.parent
TEXTS = {"emergencies": "text", "knowledge_questions": "question", "tickets": "text", "dispatch": "text"}
HELD_BACK = 0.15
WEIGHT_OF_A_STOP = 0.5
SMALLEST = 0.02  # weights nearer to zero are left out
C = 0.3  # chosen among 0.1, 0.3 and 1; they differ by less than .01 of area


def sentences(manifests: Sequence[Path]) -> list[tuple[str, str]]:
    """Every sentence with the kind it is reported under."""
    found: list[tuple[str, str]] = []
    for name, key in TEXTS.items():
        lines = (ROOT / "benchmarks" / "data" / f"{name}.jsonl").read_text("utf-8").splitlines()
        found += [(json.loads(line)[key], "spoken") for line in lines]
    found += [(phrase, "spoken") for phrase in dict.fromkeys(caller_phrases(Lexicon([])))]
    for manifest in manifests:
        found += [(recording.text, "general") for recording in read_manifest(manifest)]
    return [(text, kind) for text, kind in found if len(bare(text)) >= 2]


def stops(text: str, rng: random.Random) -> Iterator[str]:
    """The sentence stopped at two word boundaries and at a comma, when it has so many."""
    inner, commas, at = [], [], 0
    for word in list(jieba.cut(text))[:-1]:
        at += len(word)
        if len(bare(text[:at])) >= 2 and bare(text[at:]) and bare(text[at]):
            (inner if bare(word) else commas).append(text[:at])
    rng.shuffle(inner)
    rng.shuffle(commas)
    yield from inner[:2]
    yield from commas[:1]


def main() -> None:
    """Fit on most, report on the rest, then fit on everything and write the weights."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifests", type=Path, nargs="+")
    options = parser.parse_args()
    jieba.setLogLevel(60)
    rng = random.Random(5)
    texts, ends, kinds, sources = [], [], [], []
    for number, (sentence, kind) in enumerate(sentences(options.manifests)):
        for at, text in enumerate([sentence, *stops(sentence, rng)]):
            texts.append(bare(text))
            ends.append(at == 0)
            kinds.append(kind)
            sources.append(number)
    is_end, kind_of = np.array(ends), np.array(kinds)
    held = (np.random.default_rng(0).random(sources[-1] + 1) < HELD_BACK)[sources]
    vectors, model = fit([texts[at] for at in np.flatnonzero(~held)], is_end[~held])
    scores = model.decision_function(vectors.transform([texts[at] for at in np.flatnonzero(held)]))
    for kind in ("spoken", "general"):
        report(kind, scores[kind_of[held] == kind], is_end[held][kind_of[held] == kind])
    vectors, model = fit(texts, is_end)
    keep = np.abs(model.coef_[0]) >= SMALLEST
    np.savez_compressed(
        Path(room.__path__[0]) / WEIGHTS,
        marks=np.array(vectors.get_feature_names_out()[keep], dtype=str),
        weights=model.coef_[0][keep].astype(np.float16),
        bias=model.intercept_[0],
    )
    print(f"{int(keep.sum())} weights from {len(texts)} texts")


def fit(texts: Iterable[str], ends: np.ndarray) -> tuple[CountVectorizer, LogisticRegression]:
    """Marks that occur twice, and a regression over them."""
    vectors = CountVectorizer(analyzer=marks, binary=True, min_df=2)
    model = LogisticRegression(C=C, max_iter=3000)
    return vectors, model.fit(vectors.fit_transform(texts), ends, np.where(ends, 1.0, WEIGHT_OF_A_STOP))


def report(kind: str, scores: np.ndarray, ends: np.ndarray) -> None:
    """What the two thresholds do on sentences that were held back."""
    area = f"area {roc_auc_score(ends, scores):.3f}, " if 0 < ends.sum() < len(ends) else ""
    print(
        f"{kind}: {area}taken for complete: {(scores[ends] >= COMPLETE_FROM).mean():.1%} of ends, "
        f"{(scores[~ends] >= COMPLETE_FROM).mean():.1%} of pauses; for unfinished: "
        f"{(scores[ends] <= UNFINISHED_TO).mean():.1%} of ends, {(scores[~ends] <= UNFINISHED_TO).mean():.1%} of pauses"
    )


if __name__ == "__main__":
    main()
