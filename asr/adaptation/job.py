"""One adaptation from clips to an adapter with its card. Needs PyTorch; `voicebot adapt` is the way in."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from asr.adaptation.adapter import Adapter, save_adapter, sha256, squeeze
from asr.adaptation.augment import Augmenter
from asr.adaptation.clips import RATE_HZ, Clip, Signal, load, split_by_speaker
from asr.adaptation.ct2_file import Ct2File
from asr.adaptation.decoder import Decoder
from asr.adaptation.encoded import EncodedSet, Encoder, encode_clips
from asr.adaptation.mixing import Mixing, choose_weight
from asr.adaptation.settings import AdaptationSettings
from asr.adaptation.training import Examples, Progress, Tokens, train
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
        """A weight was tried: losses on the held-out speakers and on other speech."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What an adaptation is made from: recordings, synthesised sentences, speech unlike both, and the model."""

    clips: Sequence[Clip]
    unlike: Sequence[Clip]
    base_dir: Path


def adapt(
    sources: Sources, settings: AdaptationSettings, work_dir: Path, adapter_file: Path, watcher: Watcher | None = None
) -> Adapter:
    """Encode, train, squeeze, choose the weight, write the adapter. Takes minutes to hours.

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
    sets = _encode(training, validation, sources, settings, work_dir, watcher)
    base = Ct2File(sources.base_dir / "model.bin")
    tokens = Tokens(sources.base_dir / "tokenizer.json")
    rng = random.Random(settings.seed)
    prompts = [settings.prompt if rng.random() < settings.prompt_share else "" for _ in sets["training"].texts]
    asked = _asked(sets["validation"], tokens, settings)
    unlike = _asked(sets["unlike"], tokens, settings) if sources.unlike else None
    decoder = Decoder(base)
    before = decoder.state()
    examples = Examples(sets["training"], tokens, prompts, whole_window=False)
    after = train(decoder, examples, asked, settings, watcher.training)
    return finish(
        decoder,
        squeeze({name: after[name] - before[name] for name in before}, settings.adapter_kb * 1000),
        sources,
        settings,
        (asked, unlike),
        adapter_file,
        watcher,
    )


def finish(
    decoder: Decoder,
    adapter: Adapter,
    sources: Sources,
    settings: AdaptationSettings,
    asked_and_unlike: tuple[Examples, Examples | None],
    adapter_file: Path,
    watcher: Watcher,
) -> Adapter:
    """Choose the weight of a squeezed change, write its card, save it."""
    asked, unlike = asked_and_unlike
    base = Ct2File(sources.base_dir / "model.bin")
    before = {name: np.asarray(base.read(name), np.float32) for name in decoder.names}
    mixing = choose_weight(decoder, before, adapter, asked, unlike, batch=settings.batch, report=watcher.mixing)
    adapter = replace(adapter, card=write_card(sources, settings, mixing))
    save_adapter(adapter, adapter_file)
    return adapter


def write_card(sources: Sources, settings: AdaptationSettings, mixing: Mixing) -> dict[str, Any]:
    """What an adapter says of itself: base, weight, data, speakers, licences, settings, figures."""
    human = [clip for clip in sources.clips if not clip.synthesised]
    return {
        "base_sha256": sha256(sources.base_dir / "model.bin"),
        "weight": mixing.weight,
        "clips": len(human),
        "synthesised_clips": len(sources.clips) - len(human),
        "speakers": len({clip.speaker for clip in human}),
        "licences": dict(Counter(clip.licence for clip in sources.clips)),
        "settings": settings.model_dump(),
        "losses_nats_a_token": {
            str(weight): {"held_out_speakers": round(asked, 4), "unlike_speech": round(unlike, 4)}
            for weight, (asked, unlike) in mixing.losses.items()
        },
    }


def _asked(encoded: EncodedSet, tokens: Tokens, settings: AdaptationSettings) -> Examples:
    return Examples(encoded, tokens, [settings.prompt] * len(encoded), whole_window=True)


def _encode(
    training: Sequence[Clip],
    validation: Sequence[Clip],
    sources: Sources,
    settings: AdaptationSettings,
    work_dir: Path,
    watcher: Watcher,
) -> dict[str, EncodedSet]:
    encoder = Encoder(sources.base_dir, settings.threads)
    step = max(1, len(training) // _CROWD)
    crowd = [load(clip) for clip in training[::step][:_CROWD]]
    sets: dict[str, tuple[Sequence[Clip], Callable[[Signal], Signal]]] = {
        "unlike": (sources.unlike, _plain_telephone),
        "validation": (validation, Augmenter(crowd, settings.seed + 1)),
        "training": (training, Augmenter(crowd, settings.seed)),
    }

    def report(name: str) -> Callable[[int, int], None]:
        return lambda done, total: watcher.encoding(name, done, total)

    limits_s = (settings.min_clip_s, settings.max_clip_s)
    return {
        name: encode_clips(clips, encoder, change, work_dir / name, limits_s=limits_s, progress=report(name))
        for name, (clips, change) in sets.items()
    }


def _plain_telephone(signal: Signal) -> Signal:
    return resample(telephone(signal, RATE_HZ), SAMPLE_RATE_HZ, RATE_HZ)
