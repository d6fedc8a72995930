"""Corrects what the engine heard: a `Corrector` by sound, language and the city's words."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from pathlib import Path

import structlog

from asr.correction import Corrected, Hypothesis
from asr.dialects.pack import DialectPack
from asr.lexicon import Entry, Lexicon, caller_phrases
from asr.phonetics.change import Change, changes
from asr.phonetics.confusions import Confusions
from asr.phonetics.domain import DomainModel
from asr.phonetics.input_method import read_words
from asr.phonetics.judge import Judge
from asr.phonetics.lattice import Lattice, LatticeCosts
from asr.phonetics.script import simplify
from asr.phonetics.search import Search, SearchSettings, Way, Word
from asr.phonetics.syllables import readings
from asr.phonetics.trigram import FlatModel, LanguageModel, TrigramModel
from asr.phonetics.vocabulary import Vocabulary
from voicebot.core.errors import ModelError
from voicebot.core.speech import Correction, HearingContext

log = structlog.get_logger(__name__)

_LONGEST = 120  # characters; a longer text is no single turn and is left as it is


@dataclass(frozen=True, slots=True)
class CorrectionStatus:
    """What the correction works with; ``problem`` says in one sentence why the trigram model is not there."""

    trigram: bool
    vocabulary_words: int
    lexicon_words: int
    dialects: tuple[str, ...]
    problem: str = ""


class PhoneticCorrector:
    """A `Corrector` over all hypotheses. Without the trigram model only the lexicon's words can win."""

    def __init__(
        self,
        lexicon: Lexicon,
        packs: Mapping[str, DialectPack],
        model_dir: Path | None = None,
        *,
        texts: Iterable[str] = (),
        spoken: Collection[str] = (),
        costs: LatticeCosts | None = None,
        settings: SearchSettings | None = None,
    ):
        """Read the trigram model and its word list from ``model_dir`` (`zh_CN.lm`, `sc.dict`) when they are there.

        ``packs`` by name; a dialect that is not among them is heard as "mandarin", which has to be. ``texts`` are
        what the city writes about its business, ``spoken`` the dialects whose words are expected of any caller.
        Takes about four seconds: build it in a worker thread.
        """
        self._packs = packs
        self._costs = costs or LatticeCosts()
        settings = settings or SearchSettings()
        model, vocabulary, problem = _language(model_dir)
        names = [Entry(name, kind="dialect") for pack in packs.values() for name in pack.called]
        dialect = [entry for name in spoken if name in packs for entry in _words(packs[name])]
        lexicon = lexicon.plus([*names, *dialect])
        if not problem:
            # Topics are put together from words, so that what stands beside them can be counted.
            lexicon = lexicon.without_topics()
            model = DomainModel(model, lexicon, [*texts, *caller_phrases(lexicon)], settings.domain)
        self._judge = None if problem else Judge.load()
        self._status = CorrectionStatus(
            trigram=not problem,
            vocabulary_words=len(vocabulary),
            lexicon_words=len(lexicon),
            dialects=tuple(packs),
            problem=problem,
        )
        self._searches = {
            name: Search(model, vocabulary, lexicon.plus(_words(pack)), _confusions(pack), settings)
            for name, pack in packs.items()
        }

    def status(self) -> CorrectionStatus:
        """What is there to correct with."""
        return self._status

    def correct(self, hypotheses: Sequence[Hypothesis], context: HearingContext) -> Corrected:
        """Correct the first hypothesis with the help of the others; English and long texts stay as they are."""
        raw = hypotheses[0].text
        if not raw or len(raw) > _LONGEST or not context.language.startswith(("zh", "yue", "auto")):
            return Corrected(raw)
        dialect = context.dialect if context.dialect in self._searches else "mandarin"
        search = self._searches[dialect]
        lattice = self._lattice(hypotheses)
        words = self._believed(search, lattice, search.best(lattice), hypotheses[0].confidence)
        text, origins = _translate(*_spell(words), self._packs[dialect])
        return Corrected(text, tuple(_changes(raw, text, origins, search.lexicon)))

    def proposals(self, hypotheses: Sequence[Hypothesis]) -> tuple[list[str], list[Change]]:
        """The tokens of the first hypothesis and every change that the judge is asked about, for fitting it."""
        lattice, search = self._lattice(hypotheses), self._searches["mandarin"]
        confidence = lattice.of_tokens(hypotheses[0].confidence)
        return lattice.tokens, list(changes(search, lattice, search.best(lattice), confidence))

    def _lattice(self, hypotheses: Sequence[Hypothesis]) -> Lattice:
        return Lattice([replace(each, text=simplify(each.text)) for each in hypotheses], self._costs)

    def _believed(self, search: Search, lattice: Lattice, way: Way, confidence: Sequence[float]) -> Sequence[Word]:
        """The words of the way, without the changes that the judge does not believe.

        An engine that gives no confidence leaves nothing to weigh; then the lexicon's guard alone decides, and so it
        does without the trigram model.
        """
        if self._judge is None or not confidence:
            return way.words
        words = list(way.words)
        for change in changes(search, lattice, way, lattice.of_tokens(confidence)):
            if not self._judge.believes(change.signs):
                at = words.index(change.words[0])
                written = Word("".join(lattice.tokens[change.start : change.end]), "heard", change.start, change.end)
                words[at : at + len(change.words)] = [written]
        return words


def _changes(raw: str, text: str, origins: Sequence[Word], lexicon: Lexicon) -> Iterator[Correction]:
    for kind, begin, end, new_begin, new_end in SequenceMatcher(None, raw, text, autojunk=False).get_opcodes():
        if kind != "equal":
            heard, written = raw[begin:end], text[new_begin:new_end]
            origin = origins[min(new_begin, len(origins) - 1)]
            yield Correction(begin, end, heard, written, _reason(heard, written, origin, lexicon))


def _reason(heard: str, written: str, origin: Word, lexicon: Lexicon) -> str:
    if origin.source == "dialect":
        return "dialect word"
    if simplify(heard) == written:
        return "simplified"
    if origin.text in lexicon:
        return f"lexicon: {lexicon.kind(origin.text)}"
    if origin.source == "hypothesis" or len(heard) != len(written):
        return "another hypothesis"
    same = all(set(readings(one)) & set(readings(other)) for one, other in zip(heard, written, strict=True))
    return "same sound" if same else "similar sound"


def _words(pack: DialectPack) -> list[Entry]:
    return [Entry(word.word, kind="dialect") for word in pack.words]


def _language(model_dir: Path | None) -> tuple[LanguageModel, Vocabulary, str]:
    flat = FlatModel()
    try:
        if model_dir is None or not model_dir.is_dir():
            raise ModelError(
                "The trigram model is not there; only the city's own words are corrected.",
                code="trigram_missing",
                remedy="Fetch it with `voicebot models pull`.",
            )
        model = TrigramModel(model_dir / "zh_CN.lm")
        return model, Vocabulary(read_words(model_dir / "sc.dict"), model), ""
    except (ModelError, OSError) as error:
        log.warning("correction works without the trigram model", reason=str(error))
        return flat, Vocabulary((), flat), str(error)


def _confusions(pack: DialectPack) -> Confusions:
    return Confusions(pack.initials, pack.finals, pack.syllables)


def _spell(words: Sequence[Word]) -> tuple[str, list[Word]]:
    """The text, and for each of its characters the word it belongs to."""
    return "".join(word.text for word in words), [word for word in words for _ in word.text]


def _translate(text: str, origins: list[Word], pack: DialectPack) -> tuple[str, list[Word]]:
    """The same with the dialect's words in Mandarin."""
    for start, end, mandarin in reversed(pack.translations(text)):
        text = text[:start] + mandarin + text[end:]
        origins[start:end] = [Word(mandarin, "dialect")] * len(mandarin)
    return text, origins
