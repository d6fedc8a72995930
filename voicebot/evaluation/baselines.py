"""What a classifier has to beat: always the commonest label, counted keywords, TF-IDF with a linear SVC."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

_RULES = 30  # keywords a label


def majority(train_labels: Sequence[str], texts: Sequence[str]) -> list[str]:
    """The commonest label for every text."""
    return [Counter(train_labels).most_common(1)[0][0]] * len(texts)


def keyword_rules(train_texts: Sequence[str], train_labels: Sequence[str], texts: Sequence[str]) -> list[str]:
    """Vote of each label's most telling two-character words; the commonest label when none is said."""
    shares: dict[str, Counter[str]] = {label: Counter() for label in sorted(set(train_labels))}
    for text, label in zip(train_texts, train_labels, strict=True):
        shares[label].update({text[i : i + 2] for i in range(len(text) - 1)})
    sizes = Counter(train_labels)
    total = sum(shares.values(), Counter())
    words = {
        label: {
            word
            for word, _ in sorted(
                (
                    (w, n / sizes[label] - (total[w] - n) / max(1, len(train_labels) - sizes[label]))
                    for w, n in counts.items()
                ),
                key=lambda item: (-item[1], item[0]),
            )[:_RULES]
        }
        for label, counts in shares.items()
    }
    usual = sizes.most_common(1)[0][0]
    votes = [Counter({label: sum(word in text for word in known) for label, known in words.items()}) for text in texts]
    return [max(vote, key=lambda label: (vote[label], label == usual)) for vote in votes]


def linear_svc(train_texts: Sequence[str], train_labels: Sequence[str], texts: Sequence[str]) -> list[str]:
    """Character 1- to 3-grams, sublinear TF-IDF, linear support vector classifier with default settings."""
    vectoriser = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True, min_df=2)
    model = LinearSVC().fit(vectoriser.fit_transform(train_texts), np.array(train_labels))
    return [str(label) for label in model.predict(vectoriser.transform(texts))]
