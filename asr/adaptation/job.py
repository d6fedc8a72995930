"""One adaptation from clips to an adapter with its card. Needs PyTorch; `voicebot adapt` is the way in."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from asr.adaptation.adapter import Adapter, save_adapter, sha256
from asr.adaptation.augment import Augmenter, coloured_noise
from asr.adaptation.clips import RATE_HZ, Clip, Signal, load, split_by_speaker
from asr.adaptation.ct2_file import Array, Ct2File
from asr.adaptation.encoded import EncodedSet, Encoder, encode_clips
from asr.adaptation.examples import Change, EncodedExamples, HeardExamples
from asr.adaptation.listener import Listener, Reader
from asr.adaptation.mixing import UNTRIED_WEIGHT, Mixing, choose_weight
from asr.adaptation.settings import AdaptationSettings
from asr.adaptation.tokens import Tokens
from asr.adaptation.training import Examples, Progress, train
from asr.window import Window, window_of
from voicebot.audio.narrowband import resample, telephone
from voicebot.core.errors import ConfigurationError
from voicebot.core.frames import SAMPLE_RATE_HZ

_CROWD = 60  # voices kept in memory for babble
_FEWEST_CLIPS = 20


class Watcher:
    """What a long job tells of itself; every method may be overridden."""

    def encoding(self, name: str, done: int, total: int) -> None:
        """So many clips of a set are encoded."""

    def training(self, progress: Progress) -> None:
        """A step was made."""

    def mixing(self, weight: float, asked: float, unlike: float) -> None:
        """A weight was tried: error rates (%) on the held-out speakers and on other speech."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What an adaptation is made from: recordings, synthesised sentences, speech unlike both, and the model."""

    clips: Sequence[Clip]
    unlike: Sequence[Clip]
    base_dir: Path


def adapt(
    sources: Sources, settings: AdaptationSettings, work_dir: Path, adapter_file: Path, watcher: Watcher | None = None
) -> Adapter:
    """Encode, train, choose the weight, write the adapter. Takes minutes to hours.

    Raises `ConfigurationError` for too few or unreadable clips and `ModelError` for a base that is not there.
    """
    watcher = watcher or Watcher()
    training, validation = split_by_speaker(sources.clips, settings.validation_share)
    if len(training) < _FEWEST_CLIPS or not validation:
        raise ConfigurationError(
            f"{len(training)} clips to train on and {len(validation)} of held-out speakers are too few.",
            code="clips_too_few",
            remedy=f"Give at least {_FEWEST_CLIPS} clips of several speakers, and name the speakers in the manifest.",
        )
    base = Ct2File(sources.base_dir / "model.bin")
    tokens = Tokens(sources.base_dir / "tokenizer.json")
    device = torch.device(settings.device)
    model: Reader | Listener
    if settings.parts == "decoder":
        sets = _encoded(training, validation, sources, settings, work_dir, tokens, watcher)
        model = Reader(base, settings.rank)
    else:
        sets = _heard(training, validation, sources, settings, tokens, watcher)
        model = Listener(base, settings.rank, with_decoder=settings.parts == "all").to(device)
    train(model, sets.training, sets.validation, settings, watcher.training)
    factors: dict[str, tuple[Array, Array]] = {}
    vectors: dict[str, Array] = {}
    for part in model.parts:
        matrices, whole = part.changes()
        factors |= matrices
        vectors |= whole
    adapter = Adapter(factors, vectors, {})
    untried = replace(adapter, card=write_card(sources, settings, Mixing(UNTRIED_WEIGHT, {})))
    save_adapter(untried, adapter_file)  # whoever stops while the weight is chosen keeps what was learnt
    for part in model.parts:  # the weight is chosen for the adapter as it is shipped, rounded
        part.load(adapter)
    mixing = choose_weight(
        model, sets.validation, sets.unlike, sets.before, tokens, batch=settings.batch, report=watcher.mixing
    )
    adapter = replace(adapter, card=write_card(sources, settings, mixing))
    save_adapter(adapter, adapter_file)
    return adapter


def write_card(sources: Sources, settings: AdaptationSettings, mixing: Mixing) -> dict[str, Any]:
    """What an adapter says of itself: base, weight, data, speakers, licences, settings, figures."""
    human = [clip for clip in sources.clips if not clip.synthesised]
    return {
        "base_sha256": sha256(sources.base_dir / "model.bin"),
        "weight": mixing.weight,
        "window": asdict(_window(sources, settings, mixing)),
        "clips": len(human),
        "synthesised_clips": len(sources.clips) - len(human),
        "speakers": len({clip.speaker for clip in human}),
        "licences": dict(Counter(clip.licence for clip in sources.clips)),
        "settings": settings.model_dump(),
        "error_rate_percent": {
            str(weight): {"held_out_speakers": round(asked, 2), "unlike_speech": round(unlike, 2)}
            for weight, (asked, unlike) in mixing.errors.items()
        },
    }


def _window(sources: Sources, settings: AdaptationSettings, mixing: Mixing) -> Window:
    """Shorter windows than the base's are promised where the encoder learnt them and speech unlike it bore them."""
    borne = settings.parts != "decoder" and sources.unlike and mixing.errors and mixing.weight
    return Window(settings.window_min_s, settings.window_margin_s) if borne else window_of(sources.base_dir)


@dataclass(frozen=True, slots=True)
class _Sets:
    training: Examples
    validation: Examples
    unlike: Examples | None
    before: Examples | None = None


def _crowd(training: Sequence[Clip]) -> list[Signal]:
    step = max(1, len(training) // _CROWD)
    return [load(clip) for clip in training[::step][:_CROWD]]


def _prompts(settings: AdaptationSettings, count: int) -> list[str]:
    """The service asks with a prompt; some clips are trained without one, so that it is not needed."""
    rng = random.Random(settings.seed)
    return [settings.prompt if rng.random() < settings.prompt_share else "" for _ in range(count)]


def _encoded(
    training: Sequence[Clip],
    validation: Sequence[Clip],
    sources: Sources,
    settings: AdaptationSettings,
    work_dir: Path,
    tokens: Tokens,
    watcher: Watcher,
) -> _Sets:
    """Every clip once through the int8 encoder and one telephone."""
    encoder = Encoder(sources.base_dir, settings.threads, window_of(sources.base_dir))
    augment = Augmenter(_crowd(training))
    limits_s = (settings.min_clip_s, settings.max_clip_s)

    def encode(name: str, clips: Sequence[Clip], change: Change) -> EncodedSet:
        def report(done: int, total: int) -> None:
            watcher.encoding(name, done, total)

        return encode_clips(
            clips, encoder, change, work_dir / name, limits_s=limits_s, seed=settings.seed, progress=report
        )

    def asked(encoded: EncodedSet) -> EncodedExamples:
        return EncodedExamples(encoded, tokens, [settings.prompt] * len(encoded), whole_window=True)

    unlike = encode("unlike", sources.unlike, _plain_telephone)
    held = encode("validation", validation, augment)
    trained = encode("training", training, augment)
    prompts = _prompts(settings, len(trained))
    return _Sets(
        EncodedExamples(trained, tokens, prompts, whole_window=False), asked(held), asked(unlike) if unlike else None
    )


def _heard(
    training: Sequence[Clip],
    validation: Sequence[Clip],
    sources: Sources,
    settings: AdaptationSettings,
    tokens: Tokens,
    watcher: Watcher,
) -> _Sets:
    """Every clip as sound, in memory (an hour is 230 MB)."""
    augment = Augmenter(_crowd(training))
    window = Window(settings.window_min_s, settings.window_margin_s)

    def examples(name: str, clips: Sequence[Clip], change: Change, *, prompt: bool) -> HeardExamples:
        signals, texts = [], []
        for done, clip in enumerate(clips, 1):
            signal = load(clip)
            if settings.min_clip_s <= len(signal) / RATE_HZ <= settings.max_clip_s:
                signals.append(signal)
                texts.append(clip.text)
            watcher.encoding(name, done, len(clips))
        prompts = [settings.prompt] * len(texts) if prompt else _prompts(settings, len(texts))
        return HeardExamples(
            signals, texts, tokens, prompts, change, window,
            seed=settings.seed, workers=settings.threads, device=torch.device(settings.device),
        )  # fmt: skip

    unlike = examples("unlike", sources.unlike, _plain_telephone, prompt=True) if sources.unlike else None
    return _Sets(
        examples("training", [*training, *_noises(settings, len(training))], augment, prompt=False),
        examples("validation", validation, augment, prompt=True),
        unlike,
        unlike.behind(window_of(sources.base_dir)) if unlike else None,
    )


def _noises(settings: AdaptationSettings, clips: int) -> list[Clip]:
    """Sound in which nobody speaks, and no text for it."""
    rng = np.random.default_rng(settings.seed)
    longest = min(6.0, settings.max_clip_s)
    return [
        Clip(
            f"noise-{number}", "", "noise", "CC0", synthesised=True,
            signal=coloured_noise(
                round(rng.uniform(settings.min_clip_s, longest) * RATE_HZ), exponent=float(rng.uniform(0, 2)), rng=rng
            ),
        )
        for number in range(round(settings.noises * clips))
    ]  # fmt: skip


def _plain_telephone(signal: Signal, _: np.random.Generator) -> Signal:
    return resample(telephone(signal, RATE_HZ), SAMPLE_RATE_HZ, RATE_HZ)
