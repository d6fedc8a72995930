"""Finds the article that answers a spoken question.

Every question, title and portion of an article is a point in the space of meanings (`dialog.knowledge.space`); the
nearest point wins, helped a little by the characters and the sounds it shares with what was said (homophones are the
recogniser's commonest error).
Brute force: at this size a matrix product is quicker than any index structure.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from dialog.city.nouns import Article, City
from dialog.embedding import Embedder
from dialog.knowledge.judge import Evidence, Manner, elsewhere_examples, probability
from dialog.knowledge.overlap import Overlap, Shared
from dialog.knowledge.space import MeaningSpace
from dialog.ports import KnowledgeHit

Scores = npt.NDArray[np.float32]
# Small: what they add where homophones stand, they take where callers share no more than their manner of speaking.
_CHARACTER_WEIGHT = 0.05
_SOUND_WEIGHT = 0.05
_HOPELESS = 0.1  # below this probability there is nothing near


@dataclass(frozen=True, slots=True)
class Likeness:
    """How like a sentence is to each text of a set: in meaning, in characters, in sounds. Each of shape (n,)."""

    meaning: Scores
    characters: Scores
    sounds: Scores

    def joined(self) -> Scores:
        """One figure for each text, from about -0.5 to 1.1."""
        words = _CHARACTER_WEIGHT * self.characters + _SOUND_WEIGHT * self.sounds
        return np.asarray(self.meaning + words, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Nearness:
    """How near a question is to each article, shape (articles,): for ranking, and in meaning alone."""

    joined: Scores
    meaning: Scores


class TextSet:
    """A fixed set of texts, with their places in a space of meanings, that sentences are compared with."""

    def __init__(self, texts: Sequence[str], places: Scores) -> None:
        self._places = places
        self._characters = Overlap(texts, by_sound=False)
        self._sounds = Overlap(texts, by_sound=True)

    def likeness(self, text: str, place: Scores) -> Likeness:
        """Compare a sentence and its place with every text."""
        return Likeness(self._places @ place, self._characters.cosines(text), self._sounds.cosines(text))


class KnowledgeIndex:
    """The city's articles, searchable. Immutable once built; build another one when articles change.

    Building embeds some 24 texts an article (13 ms each on one core), kept in the embedder's cache folder.
    """

    def __init__(self, city: City, embedder: Embedder) -> None:
        self._embedder = embedder
        self._threshold = city.thresholds.answer
        self.articles = city.articles
        texts, owner, asked = [], [], []
        for number, article in enumerate(self.articles):
            for text in (*article.questions, article.title, *article.portions):
                texts.append(text)
                owner.append(number)
                asked.append(text in article.questions)
        self.texts = tuple(texts)
        self.owner = np.array(owner, dtype=np.int64)
        examples = (example for rule in city.catalogue for example in rule.examples)
        self.elsewhere = tuple(dict.fromkeys((*elsewhere_examples(), *city.elsewhere, *examples)))
        vectors = embedder.sentences(self.texts, name=f"knowledge-{city.tenant}")
        others = embedder.sentences(self.elsewhere, name=f"elsewhere-{city.tenant}")
        questions = np.array(asked, dtype=bool)
        groups = [vectors[(self.owner == number) & questions] for number in range(len(self.articles))]
        self._space = MeaningSpace([each for each in groups if len(each)], np.vstack([vectors, others]))
        self._set = TextSet(self.texts, self._space.place(vectors))
        self._elsewhere_places = self._space.place(others)
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
        best = np.argsort(-np.where(speakable, near.joined, -1.0), kind="stable")[: min(limit, int(speakable.sum()))]
        score = probability(self.evidence(question, near, int(best[0])))
        behind = near.joined - near.joined[best[0]]
        return tuple(
            self._hit(self.articles[int(i)], score * math.exp(float(behind[i])), rank == 0)
            for rank, i in enumerate(best)
        )

    def nearness(self, question: str, without: npt.NDArray[np.bool_] | None = None) -> Nearness:
        """How near a question is to each article. ``without`` masks texts (for calibration)."""
        likeness = self._set.likeness(question, self._space.place(self._embedder.sentence(question)))
        return Nearness(self._nearest(likeness.joined(), without), self._nearest(likeness.meaning, without))

    def _nearest(self, to_texts: Scores, without: npt.NDArray[np.bool_] | None) -> Scores:
        if without is not None:
            to_texts = np.where(without, np.float32(-1.0), to_texts)
        near = np.full(len(self.articles), -1.0, dtype=np.float32)
        np.maximum.at(near, self.owner, to_texts)
        return near

    def evidence(self, question: str, near: Nearness, article: int, *, without: str = "") -> Evidence:
        """What speaks for an article; ``without`` leaves one text out of the comparison (for calibration)."""
        elsewhere = self._elsewhere_places @ self._space.place(self._embedder.sentence(question))
        if without in self.elsewhere:
            elsewhere[self.elsewhere.index(without)] = -1.0
        shared = max(
            self._whole[0].share(question, article, without), 0.8 * self._whole[1].share(question, article, without)
        )
        return Evidence(
            near=float(near.meaning[article]),
            next_best=float(np.delete(near.meaning, article).max(initial=-1.0)),
            elsewhere=float(elsewhere.max()),
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
