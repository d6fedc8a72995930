"""Adapting the recogniser: the model in PyTorch is the one in the file, and what is trained is what is merged."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.support.models import MODELS_DIR, require_models
from voicebot.core.errors import ConfigurationError, ModelError

torch = pytest.importorskip("torch", reason="PyTorch is an extra: pip install 'hotline-voicebot[adapt]'")

from asr.adaptation.adapter import Adapter, load_adapter, merge_adapter, save_adapter, sha256  # noqa: E402
from asr.adaptation.augment import Augmenter, trimmed  # noqa: E402
from asr.adaptation.clips import RATE_HZ, Clip, read_manifest, split_by_speaker  # noqa: E402
from asr.adaptation.ct2_file import Ct2File  # noqa: E402
from asr.adaptation.encoded import window_features  # noqa: E402
from asr.adaptation.encoder import Encoder, mel_filters  # noqa: E402
from asr.adaptation.examples import drawn  # noqa: E402
from asr.adaptation.job import Sources, Watcher, adapt, write_card  # noqa: E402
from asr.adaptation.listener import Listener  # noqa: E402
from asr.adaptation.mixing import Mixing  # noqa: E402
from asr.adaptation.settings import AdaptationSettings  # noqa: E402
from asr.window import UNADAPTED, Window  # noqa: E402

FIXTURES = Path(__file__).parents[2] / "audio_fixtures" / "mandarin"


@pytest.fixture(scope="module")
def base_dir() -> Path:
    require_models("whisper-base")
    return MODELS_DIR / "whisper-base"


def sound(name: str) -> np.ndarray:
    samples, rate_hz = soundfile.read(FIXTURES / f"{name}.wav", dtype="float32")
    from voicebot.audio.narrowband import resample

    return resample(samples, rate_hz, RATE_HZ)


@pytest.mark.engine
def test_features_and_encoder_are_those_of_the_service(base_dir: Path) -> None:
    import ctranslate2
    from faster_whisper.feature_extractor import FeatureExtractor

    signal = sound("street-lamp")
    frames = window_features(UNADAPTED, len(signal))
    theirs = FeatureExtractor(feature_size=80)(signal)[:, :frames]
    encoder = Encoder(Ct2File(base_dir / "model.bin"), rank=2)
    samples, lengths = torch.from_numpy(signal)[None], torch.tensor([len(signal)])
    with torch.no_grad():
        ours = encoder.features(samples, lengths, frames)
        assert np.abs(ours[0, :, : theirs.shape[1]].numpy() - theirs).max() < 1e-3
        assert float(ours[0, :, theirs.shape[1] :].std()) < 1e-6
        out = encoder(ours)[0].numpy()
    model = ctranslate2.models.Whisper(str(base_dir), compute_type="float32")
    expected = np.array(model.encode(ctranslate2.StorageView.from_array(ours.numpy())))[0]
    assert np.abs(out - expected).max() < 0.02 * np.abs(expected).max()


def test_the_mel_filters_have_equal_area_and_cover_the_band() -> None:
    filters = mel_filters(80)
    assert filters.shape == (80, 201)
    assert (filters >= 0).all()
    assert (filters.sum(axis=1) > 0).all()


def test_each_call_is_another_telephone_and_a_seed_gives_the_same() -> None:
    signal = np.sin(np.arange(RATE_HZ) / 10).astype(np.float32) * np.float32(0.3)
    augment = Augmenter([signal, signal[::-1].copy()])
    first, again, other = (augment(signal, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert len(first) != len(other) or not np.array_equal(first, other)


def test_silence_around_a_clip_is_cut_and_what_is_said_is_kept() -> None:
    voice = np.sin(np.arange(RATE_HZ) / 10).astype(np.float32)
    silence = np.zeros(RATE_HZ, np.float32)
    cut = trimmed(np.concatenate([silence, voice, silence]), 1600, 3200)
    assert len(cut) == pytest.approx(RATE_HZ + 1600 + 3200, abs=640)
    assert np.square(cut).sum() == pytest.approx(np.square(voice).sum())
    assert len(trimmed(silence, 0, 0)) == RATE_HZ


def test_windows_to_train_with_hold_the_clip_and_reach_from_the_short_to_the_long() -> None:
    service, rng = Window(2.0, 0.5), np.random.default_rng(1)
    windows = [drawn(service, rng) for _ in range(400)]
    frames = [window_features(window, 3 * RATE_HZ) for window in windows]
    assert min(frames) < 350
    assert sum(count >= 1000 for count in frames) > 60
    assert all(300 <= count <= 3000 and count % 2 == 0 for count in frames)
    assert window_features(service, RATE_HZ) == 200
    assert window_features(UNADAPTED, RATE_HZ) == 1000
    assert window_features(UNADAPTED, 40 * RATE_HZ) == 3000


def test_no_speaker_is_on_both_sides() -> None:
    clips = [Clip(str(number), "字", f"speaker-{number % 10}", "CC0") for number in range(200)]
    training, validation = split_by_speaker(clips, 0.2)
    assert len(validation) >= 20
    assert not {clip.speaker for clip in training} & {clip.speaker for clip in validation}


def test_a_wrong_manifest_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "m.jsonl").write_text('{"file": "a.wav", "text": "一"}\n{"file": 1', "utf-8")
    with pytest.raises(ConfigurationError, match=r"m\.jsonl:2"):
        read_manifest(tmp_path / "m.jsonl")


def test_an_adapter_comes_back_as_it_was_written(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    adapter = Adapter(
        {"a/weight": (rng.normal(size=(8, 3)), rng.normal(size=(3, 6)))},
        {"a/bias": rng.normal(size=8)},
        {"weight": 0.5},
    )
    save_adapter(adapter, tmp_path / "a.npz")
    back = load_adapter(tmp_path / "a.npz")
    assert back.card == {"weight": 0.5}
    for name in ("a/weight", "a/bias"):
        wanted, found = adapter.change(name), back.change(name)
        assert wanted is not None
        assert found is not None
        assert np.abs(wanted - found).max() < 0.02 * np.abs(wanted).max()
    (tmp_path / "b.npz").write_bytes(b"nothing")
    with pytest.raises(ModelError, match=r"b\.npz"):
        load_adapter(tmp_path / "b.npz")


@pytest.mark.engine
@pytest.mark.parametrize(
    ("parts", "unlike", "mixing", "window"),
    [
        ("all", True, Mixing(0.85, {0.0: (40.0, 40.0), 0.85: (30.0, 39.0)}), Window(2.0, 0.5)),
        ("all", True, Mixing(0.0, {0.0: (40.0, 40.0), 0.85: (30.0, 60.0)}), UNADAPTED),  # the base is kept
        ("all", True, Mixing(0.5, {}), UNADAPTED),  # stopped before the weight was chosen
        ("all", False, Mixing(0.5, {0.0: (40.0, math.nan)}), UNADAPTED),  # nobody asked other speech
        ("decoder", True, Mixing(0.85, {0.0: (40.0, 40.0), 0.85: (30.0, 39.0)}), UNADAPTED),
    ],
)
def test_a_card_promises_short_windows_only_where_they_were_learnt_and_borne(
    parts: str, unlike: bool, mixing: Mixing, window: Window, base_dir: Path
) -> None:
    clips = [Clip("1", "字", "somebody", "CC0")]
    card = write_card(Sources(clips, clips if unlike else (), base_dir), AdaptationSettings(parts=parts), mixing)
    assert Window(**card["window"]) == window


@pytest.mark.engine
@pytest.mark.slow
@pytest.mark.parametrize("parts", ["decoder", pytest.param("all", marks=pytest.mark.long)])
def test_a_city_adapts_and_the_service_loads_what_came_out(parts: str, base_dir: Path, tmp_path: Path) -> None:
    manifest = tmp_path / "clips.jsonl"
    names = sorted(FIXTURES.glob("*.wav"))[:40]
    manifest.write_text(
        "\n".join(
            json.dumps({"file": str(path), "text": "路灯坏了。", "speaker": f"s{number % 13}"})
            for number, path in enumerate(names)
        ),
        "utf-8",
    )
    clips = read_manifest(manifest)
    settings = AdaptationSettings(parts=parts, passes=1, batch=8, rank=4, validation_share=0.2, minutes=1)
    told: list[float] = []

    class Listening(Watcher):
        def mixing(self, weight: float, asked: float, unlike: float) -> None:
            told.append(asked)

    adapter = adapt(Sources(clips, clips[:4], base_dir), settings, tmp_path / "work", tmp_path / "a.npz", Listening())
    assert len(told) == 7
    assert adapter.card["base_sha256"] == sha256(base_dir / "model.bin")
    assert any(name.startswith("encoder/") for name in adapter.factors) == (parts == "all")
    forced = Adapter(adapter.factors, adapter.vectors, {**adapter.card, "weight": 1.0})
    save_adapter(forced, tmp_path / "a.npz")
    merge_adapter(base_dir, tmp_path / "a.npz", tmp_path / "model")

    import ctranslate2

    merged = ctranslate2.models.Whisper(str(tmp_path / "model"), compute_type="float32")
    model = Listener(Ct2File(base_dir / "model.bin"), 4)
    if parts == "all":
        for part in model.parts:
            part.load(forced)
    signal = sound("street-lamp")
    frames = window_features(Window(2.0, 0.5), len(signal))
    with torch.no_grad():
        mel = model.encoder.features(torch.from_numpy(signal)[None], torch.tensor([len(signal)]), frames)
        ours = model.encoder(mel)[0].numpy()
    theirs = np.array(merged.encode(ctranslate2.StorageView.from_array(mel.numpy())))[0]
    assert np.abs(ours - theirs).max() < 0.03 * np.abs(theirs).max()
