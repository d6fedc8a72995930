"""Finds the article that answers a spoken question.

Every question, title and portion of an article is a point in the space of meanings; the nearest point wins, helped a
little by the characters and the sounds it shares with what was said (homophones are the recogniser's commonest error).
Brute force: at this size a matrix product is quicker than any index structure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from dialog.city.nouns import Article, City
from dialog.embedding import Embedder
from dialog.knowledge.judge import Evidence, Manner, elsewhere_examples, probability
from dialog.knowledge.overlap import Overlap, Shared
from dialog.ports import KnowledgeHit

Scores = npt.NDArray[np.float32]
# Measured on benchmarks/data/knowledge_questions.jsonl: R@1 .952 by meaning alone, .98 with these two.
_CHARACTER_WEIGHT = 0.04
_SOUND_WEIGHT = 0.04
_BODY_DISCOUNT = (0.98, 0.7)  # a portion answers, it does not ask: its meaning and its words count a little less
_HOPELESS = 0.1  # below this probability there is nothing near


@dataclass(frozen=True, slots=True)
class Likeness:
    """How like a sentence is to each text of a set: in meaning, in characters, in sounds. Each of shape (n,)."""

    meaning: Scores
    characters: Scores
    sounds: Scores

    def joined(self, meaning_weight: Scores | float = 1.0, word_weight: Scores | float = 1.0) -> Scores:
        """One figure for each text."""
        words = _CHARACTER_WEIGHT * self.characters + _SOUND_WEIGHT * self.sounds
        return np.asarray(self.meaning * meaning_weight + words * word_weight, dtype=np.float32)


class TextSet:
    """A fixed set of texts that sentences are compared with."""

    def __init__(self, texts: Sequence[str], embedder: Embedder, name: str) -> None:
        self.vectors = embedder.sentences(texts, name=name)
        self._characters = Overlap(texts, by_sound=False)
        self._sounds = Overlap(texts, by_sound=True)

    def likeness(self, text: str, vector: Scores) -> Likeness:
        """Compare a sentence and its vector with every text."""
        return Likeness(self.vectors @ vector, self._characters.cosines(text), self._sounds.cosines(text))


class KnowledgeIndex:
    """The city's articles, searchable. Immutable once built; build another one when articles change.

    Building embeds about nine texts an article (13 ms each on one core), kept in the embedder's cache folder.
    """

    def __init__(self, city: City, embedder: Embedder) -> None:
        self._embedder = embedder
        self._threshold = city.thresholds.answer
        self.articles = city.articles
        texts, owner, spoken = [], [], []
        for number, article in enumerate(self.articles):
            for text, body in (
                *((t, False) for t in (article.title, *article.questions)),
                *((t, True) for t in article.portions),
            ):
                texts.append(text)
                owner.append(number)
                spoken.append(body)
        self.texts = tuple(texts)
        self.owner = np.array(owner, dtype=np.int64)
        in_body = np.array(spoken, dtype=bool)
        self._meaning_weight = np.where(in_body, _BODY_DISCOUNT[0], 1.0).astype(np.float32)
        self._word_weight = np.where(in_body, _BODY_DISCOUNT[1], 1.0).astype(np.float32)
        self._set = TextSet(self.texts, embedder, f"knowledge-{city.tenant}")
        elsewhere = (*elsewhere_examples(), *(example for rule in city.catalogue for example in rule.examples))
        self.elsewhere = tuple(dict.fromkeys(elsewhere))
        self._elsewhere_set = TextSet(self.elsewhere, embedder, f"elsewhere-{city.tenant}")
        whole = [" ".join((a.title, *a.questions, *a.tags, *a.portions)) for a in self.articles]
        self._whole = (Shared(whole, by_sound=False), Shared(whole, by_sound=True))
        self._manner = Manner()

    def search(self, question: str, day: date) -> KnowledgeHit | None:
        """The best article that may be spoken on ``day`` and whether it is sure; None when nothing comes near."""
        found = self.ranked(question, day, 1)
        return found[0] if found and found[0].score >= _HOPELESS else None

    def ranked(self, question: str, day: date, limit: int = 3) -> tuple[KnowledgeHit, ...]:
        """The best ``limit`` speakable articles, best first; only the first one can be sure."""
        speakable = np.array([article.speakable(day) for article in self.articles], dtype=bool)
        if not question.strip() or not speakable.any():
            return ()
        near = self.nearness(question)
        best = np.argsort(-np.where(speakable, near, -1.0), kind="stable")[: min(limit, int(speakable.sum()))]
        score = probability(self.evidence(question, int(best[0]), float(near[best[0]])))
        return tuple(
            self._hit(self.articles[int(i)], score * float(near[i] / near[best[0]]), rank == 0)
            for rank, i in enumerate(best)
        )

    def nearness(self, question: str, without: npt.NDArray[np.bool_] | None = None) -> Scores:
        """How near a question is to each article, shape (articles,). ``without`` masks texts (for calibration)."""
        joined = self._set.likeness(question, self._embedder.sentence(question)).joined(
            self._meaning_weight, self._word_weight
        )
        if without is not None:
            joined = np.where(without, np.float32(-1.0), joined)
        near = np.full(len(self.articles), -1.0, dtype=np.float32)
        np.maximum.at(near, self.owner, joined)
        return near

    def evidence(self, question: str, article: int, near: float, *, without: str = "") -> Evidence:
        """What speaks for an article; ``without`` leaves one text out of the comparison (for calibration)."""
        likeness = self._elsewhere_set.likeness(question, self._embedder.sentence(question)).joined()
        if without in self.elsewhere:
            likeness[self.elsewhere.index(without)] = -1.0
        shared = max(
            self._whole[0].share(question, article, without), 0.8 * self._whole[1].share(question, article, without)
        )
        return Evidence(
            near=near,
            elsewhere=float(likeness.max()),
            shared=shared,
            asks=self._manner.count("question", question) > 0,
            procedure=self._manner.count("procedure", question) > 0,
            reports=min(self._manner.count("complaint", question), 3),
            other=self._manner.count("other", question) > 0,
        )

    def _hit(self, article: Article, score: float, first: bool) -> KnowledgeHit:
        return KnowledgeHit(
            article_id=article.id,
            title=article.title,
            portions=article.portions,
            source=article.source,
            owner=article.owner,
            score=score,
            sure=first and score >= self._threshold,
        )
