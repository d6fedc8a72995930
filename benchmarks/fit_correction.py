"""Fits the judge of corrections (`asr.phonetics.judge`) and reports it on data that was held back.

    python -m benchmarks.fit_correction --speech MANIFEST... --right FILE... [--cache DIR]

Recognised speech shows which changes mend and which break: each recording passes the telephone, plain and in
babble at 10 dB, and is heard by the model without adaptation, so that no adapter's training text flatters it. Right
sentences (JSON Lines with "text") get the confidences of characters that were heard right, in runs as they came;
to them every change is harm. Sentences about places that no list has are made from parts of the city's names.
"""

import argparse
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.preprocessing import StandardScaler

import asr.phonetics as room
from asr.correction import Hypothesis
from asr.engines.speech_model import Stretch
from asr.engines.whisper_model import WhisperModel
from asr.phonetics.corrector import PhoneticCorrector
from asr.phonetics.judge import WEIGHTS, Enough, Judge
from asr.settings import AsrSettings
from dialog.city import load_city
from dialog.city.nouns import City
from voicebot.app.build import build_corrector
from voicebot.core.speech import HearingContext
from voicebot.evaluation.speech import Condition, Recording, comparable, crowd_of, read_manifest, read_recording, spoil
from voicebot.language.edit_distance import edit_distance
from voicebot.models import ModelStore
from voicebot.settings import Settings

ENOUGH = Enough(other=0.85, city=0.8, backed=0.08, backed_city=0.3)
LONGEST_S = 25.0
MOST_WRONG = 0.35  # of the characters; worse recordings say nothing about confidence in right ones
MADE_UP = 1000
FOLDS = 5
FRAMES = ("在{0}，{2}", "{0}这边{2}", "我家住{0}，{2}", "{0}和{1}交叉口{2}", "是{0}，不是{1}", "请问{0}怎么走")


@dataclass(frozen=True, slots=True)
class Example:
    """One change: its signs, how many characters it mends (below 0: breaks), and the sentence it comes from."""

    signs: dict[str, float]
    mended: int
    group: str


Heard = tuple[str, list[Hypothesis]]
"""What was said and what was heard."""
Run = list[float]
"""Confidence in neighbouring characters."""


def hear(manifest: Path, condition: Condition, cache: Path, model: WhisperModel) -> list[Heard]:
    """Every recording of a manifest, from the cache when it has been heard before."""
    if not cache.is_file():
        recordings = read_manifest(manifest)
        with cache.open("w", encoding="utf-8") as out:
            for number, recording in enumerate(recordings):
                hypotheses = _hear_one(recordings, number, recording, condition, model)
                row = {"text": recording.text, "heard": [[h.text, h.score, h.confidence] for h in hypotheses]}
                out.write(json.dumps(row, ensure_ascii=False) + "\n")
    rows = [json.loads(line) for line in cache.read_text("utf-8").splitlines()]
    return [(row["text"], [Hypothesis(t, s, tuple(c)) for t, s, c in row["heard"]]) for row in rows if row["heard"]]


def _hear_one(
    recordings: Sequence[Recording], number: int, recording: Recording, condition: Condition, model: WhisperModel
) -> Sequence[Hypothesis]:
    crowd = crowd_of(recordings, number) if condition.babble_db is not None else []
    signal, rate_hz = spoil(*read_recording(recording.path), condition, crowd)
    if len(signal) > LONGEST_S * rate_hz:
        return ()
    heard = model.hear([Stretch(signal, rate_hz, HearingContext())])[0]
    return heard.hypotheses if heard.language == "zh" else ()


def from_speech(corrector: PhoneticCorrector, heard: Sequence[Heard], name: str) -> Iterator[Example]:
    """The changes of recognised sentences."""
    for number, (said, hypotheses) in enumerate(heard):
        before, proposed = corrector.proposals(hypotheses)
        said = comparable(said)
        wrong = edit_distance(said, comparable("".join(before)))
        for change in proposed:
            tokens = list(before)
            tokens[change.start : change.end] = ["".join(word.text for word in change.words)]
            mended = wrong - edit_distance(said, comparable("".join(tokens)))
            yield Example(dict(change.signs), mended, f"{name}{number}")


def from_right(
    corrector: PhoneticCorrector, sentences: Sequence[str], runs: Sequence[Run], name: str
) -> Iterator[Example]:
    """The changes of right sentences."""
    rng = random.Random(1)
    for number, sentence in enumerate(sentences):
        confidence: list[float] = []
        while len(confidence) < len(sentence):
            confidence += rng.choice(runs)
        _, proposed = corrector.proposals([Hypothesis(sentence, 0.0, tuple(confidence[: len(sentence)]))])
        for change in proposed:
            yield Example(dict(change.signs), -1, f"{name}{number}")


def right_runs(heard: Sequence[Heard]) -> list[Run]:
    """Runs of characters that were heard right."""
    runs = []
    for said, hypotheses in heard:
        first = hypotheses[0]
        at = [place for place, character in enumerate(first.text) if "一" <= character <= "鿿"]
        text, said = "".join(first.text[place] for place in at), comparable(said)
        if len(first.confidence) != len(first.text) or edit_distance(said, text) > MOST_WRONG * len(said):
            continue
        blocks = SequenceMatcher(None, text, said, autojunk=False).get_matching_blocks()
        runs += [[first.confidence[at[b.a + place]] for place in range(b.size)] for b in blocks]
    return [run for run in runs if len(run) > 1]


def made_up(city: City) -> list[str]:
    """Sentences about places that no list has."""
    rng = random.Random(4)
    names = [place.name for place in city.places]
    letters, ends = [letter for name in names for letter in name[:-1]], [name[-1] for name in names]
    matters = [keyword for rule in city.catalogue for keyword in rule.keywords]

    def name() -> str:
        return "".join(rng.choice(letters) for _ in range(rng.choice((2, 2, 2, 3)))) + rng.choice(ends)

    return [rng.choice(FRAMES).format(name(), name(), rng.choice(matters)) for _ in range(MADE_UP)]


def fit(examples: Sequence[Example], names: Sequence[str]) -> tuple[np.ndarray, float]:
    """Weights of the signs and the bias."""
    signs, labels, importance = _arrays(examples, names)
    scale = StandardScaler().fit(signs)
    model = LogisticRegression(C=0.3, max_iter=5000).fit(scale.transform(signs), labels, sample_weight=importance)
    weights = model.coef_[0] / scale.scale_
    return weights, float(model.intercept_[0] - weights @ scale.mean_)


def _arrays(examples: Sequence[Example], names: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    signs = np.array([[example.signs[name] for name in names] for example in examples])
    labels = np.array([example.mended > 0 for example in examples])
    importance = np.array([float(max(1, abs(example.mended))) for example in examples])
    return signs, labels, importance


def held_back(examples: Sequence[Example], names: Sequence[str]) -> np.ndarray:
    """The probability of each example, from weights that never saw its sentence."""
    found = np.zeros(len(examples))
    groups = [example.group for example in examples]
    for train, test in GroupKFold(FOLDS).split(groups, groups=groups):
        weights, bias = fit([examples[at] for at in train], names)
        signs, _, _ = _arrays([examples[at] for at in test], names)
        found[test] = 1 / (1 + np.exp(-(signs @ weights + bias)))
    return found


def write(weights: np.ndarray, bias: float, names: Sequence[str]) -> None:
    """The weights as the product reads them."""
    lines = ["# Made by `python -m benchmarks.fit_correction`. Do not edit.", f"bias = {bias:.5f}", "", "[enough]"]
    lines += [f"{kind} = {value}" for kind, value in asdict(ENOUGH).items()]
    lines += ["", "[weights]", *(f"{name} = {weight:.5f}" for name, weight in zip(names, weights, strict=True))]
    (Path(room.__path__[0]) / WEIGHTS).write_text("\n".join(lines) + "\n", "utf-8")


def main() -> None:
    """Hear, fit, report, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--speech", type=Path, nargs="+", required=True)
    parser.add_argument("--right", type=Path, nargs="+", default=[Path("benchmarks/data/emergencies.jsonl")])
    parser.add_argument("--cache", type=Path, default=Path("var/fit_correction"))
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    settings = Settings()
    models, city = ModelStore(settings.models_dir), load_city(settings.city_dir)
    corrector = build_corrector(models, city)
    model = WhisperModel(AsrSettings(), models.path(settings.asr.base_model))
    model.load()
    examples: list[Example] = []
    runs: list[Run] = []
    for number, manifest in enumerate(options.speech):
        for condition in (Condition(narrowband=True), Condition(narrowband=True, babble_db=10.0)):
            name = f"{number}-{'babble' if condition.babble_db else 'plain'}"
            heard = hear(manifest, condition, options.cache / f"{name}.jsonl", model)
            examples += from_speech(corrector, heard, f"{name}:")
            if condition.babble_db is None:
                runs += right_runs(heard)
    right: dict[str, Sequence[str]] = {"made up": made_up(city)}
    right |= {str(path): sorted({row["text"] for row in _rows(path)}) for path in options.right}
    right |= {str(path): sorted({recording.text for recording in read_manifest(path)}) for path in options.speech}
    for name, sentences in right.items():
        examples += from_right(corrector, sentences, runs, f"right {name}:")
    names = sorted(examples[0].signs)
    probable = held_back(examples, names)
    spoken = np.array([not example.group.startswith("right") for example in examples])
    mended = np.array([example.mended for example in examples])
    total = sum(map(len, right.values()))
    for enough in (0.0, 0.3, 0.5, 0.7, 0.8, 0.85, 0.9):
        _report(f"all changes from {enough} on", probable >= enough, spoken, mended, examples, total)
    judged = [_believed(e, p) for e, p in zip(examples, probable, strict=True)]
    _report("as the product decides", np.array(judged), spoken, mended, examples, total)
    write(*fit(examples, names), names)


def _believed(example: Example, probability: float) -> bool:
    """What a judge of this probability says."""
    odds = float(np.log(probability / (1 - probability)))
    return Judge({}, odds, ENOUGH).believes(example.signs)


def _report(
    what: str, made: np.ndarray, spoken: np.ndarray, mended: np.ndarray, examples: Sequence[Example], total: int
) -> None:
    harmed = len({e.group for e, one in zip(examples, made & ~spoken, strict=True) if one})
    gained = mended[made & spoken]
    print(
        f"{what}: {1000 * harmed / total:.2f} of 1,000 right sentences harmed; in speech "
        f"{gained[gained > 0].sum()} characters mended, {-gained[gained < 0].sum()} broken"
    )


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


if __name__ == "__main__":
    main()
