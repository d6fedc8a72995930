"""``voicebot adapt``: teach the embedded recogniser a city's telephones, voices and words."""

import asyncio
import json
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click
import numpy as np

from asr.adaptation.adapter import merge_adapter
from asr.adaptation.clips import RATE_HZ, Clip, read_manifest
from asr.adaptation.sentences import CityNames, clauses, hotline_sentences
from asr.adaptation.settings import AdaptationSettings
from dialog.city import load_city
from voicebot.audio.narrowband import from_pcm, resample
from voicebot.core.errors import ConfigurationError
from voicebot.core.frames import SAMPLE_RATE_HZ
from voicebot.models import ModelStore
from voicebot.settings import Settings
from voicebot.tts.cached import CachedSynthesiser
from voicebot.tts.kokoro import KokoroModel, KokoroSynthesiser
from voicebot.tts.settings import KOKORO_VOICES, TtsSettings

if TYPE_CHECKING:
    from asr.adaptation.job import Watcher

_VOICE_LICENCE = "Apache-2.0 (Kokoro-82M)"


@click.command(help="用本地录音（JSON 行清单：file、text、speaker）适配识别模型，得到几 MB 的适配文件和合并后的模型。")
@click.argument("manifests", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--base", type=click.Path(file_okay=False, path_type=Path), help="在哪个模型上适配；缺省为正在用的。")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("var/adapted"), show_default=True)
@click.option("--unlike", type=click.Path(exists=True, path_type=Path), help="与训练文本不同的清单，用来防止遗忘。")
@click.option("--minutes", type=float, default=20, show_default=True, help="训练最长时间（不含编码），分钟。")
@click.option(
    "--sentences", type=int, default=0, show_default=True, help="用本市地名、单位合成多少句来电话语一起训练。"
)
@click.option(
    "--texts",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="群众来信（JSON 行，含 text）：从中取同样多的句子一起合成。",
)
@click.option(
    "--spoken",
    type=click.Path(file_okay=False, path_type=Path),
    help="合成的句子放在这里，下次不再合成；缺省在 --out 的 spoken 里。",
)
@click.option("--threads", type=int, default=2, show_default=True, help="线程数。")
@click.option(
    "--parts",
    type=click.Choice(["decoder", "encoder", "all"]),
    default="decoder",
    show_default=True,
    help="训练哪些部分：decoder 解码器（处理器即可）；encoder 编码器；all 两者（后两种每遍换一种电话，需要显卡）。",
)
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True, help="在哪里训练。")
@click.option("--passes", type=int, default=4, show_default=True, help="最多训练几遍。")
@click.option("--rank", type=int, default=24, show_default=True, help="每个矩阵改动的秩，决定适配文件大小。")
@click.option("--learning-rate", type=float, default=6e-4, show_default=True, help="最高学习率。")
@click.pass_obj
def command(
    settings: Settings,
    manifests: tuple[Path, ...],
    base: Path | None,
    out: Path,
    unlike: Path | None,
    minutes: float,
    sentences: int,
    texts: Path | None,
    spoken: Path | None,
    threads: int,
    parts: Literal["decoder", "encoder", "all"],
    device: Literal["cpu", "cuda"],
    passes: int,
    rank: int,
    learning_rate: float,
) -> None:
    """Train, write ``adapter.npz`` and the merged model into ``out``."""
    if find_spec("torch") is None:
        raise ConfigurationError(
            "适配需要 PyTorch。", code="torch_missing", remedy="请安装：pip install 'hotline-voicebot[adapt]'"
        )
    from asr.adaptation.job import Sources, adapt  # PyTorch is imported here and nowhere else

    models = ModelStore(settings.models_dir)
    base_dir = base or models.path(settings.asr.model)
    clips = [clip for manifest in manifests for clip in read_manifest(manifest)]
    if sentences:
        said = _sentences(settings, sentences, texts)
        clips += asyncio.run(_speak(said, models.path("kokoro"), spoken or out / "spoken"))
    chosen = AdaptationSettings(
        minutes=minutes, threads=threads, parts=parts, device=device, passes=passes, rank=rank,
        learning_rate=learning_rate,
    )  # fmt: skip
    out.mkdir(parents=True, exist_ok=True)
    adapter_file = out / "adapter.npz"
    sources = Sources(clips, read_manifest(unlike) if unlike else (), base_dir)
    with tempfile.TemporaryDirectory(dir=out) as work_dir:
        adapter = adapt(sources, chosen, Path(work_dir), adapter_file, _teller())
    merge_adapter(base_dir, adapter_file, out / "model")
    size_mb = adapter_file.stat().st_size / 1e6
    click.echo(
        f"适配文件 {adapter_file}（{size_mb:.1f} MB，权重 {adapter.card['weight']}）；合并后的模型 {out / 'model'}"
    )


def _sentences(settings: Settings, count: int, texts: Path | None) -> list[str]:
    """So many sentences with the city's names, and so many out of what people wrote."""
    city = load_city(settings.city_dir)
    names = CityNames(
        places=[place.name for place in city.places],
        departments=[department.name for department in city.departments],
        complaints=[example for rule in city.catalogue for example in rule.examples],
    )
    seed = AdaptationSettings().seed
    made = hotline_sentences(names, count, seed)
    if texts is None:
        return made
    try:
        written = [json.loads(line)["text"] for line in texts.read_text("utf-8").splitlines() if line.strip()]
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"{texts} 不是逐行的 JSON：{error}。", code="texts_invalid", remedy='每行应为 {"text": "……"}。'
        ) from error
    return made + clauses(written, count, seed)


async def _speak(texts: list[str], kokoro: Path, folder: Path) -> list[Clip]:
    """Every sentence in one of the voices, in turn; what is kept in ``folder`` already is not made again."""
    model = KokoroModel(kokoro, threads=1)
    voices = [
        CachedSynthesiser(KokoroSynthesiser(TtsSettings(voice=voice), kokoro, model=model), folder)
        for voice in KOKORO_VOICES
    ]
    for voice in voices:
        await voice.start()
    clips = []
    for number, text in enumerate(texts):
        voice = voices[number % len(voices)]
        voice.declare([text])
        pcm = b"".join([piece async for piece in voice.speak(text)])
        signal = np.asarray(resample(from_pcm(pcm), SAMPLE_RATE_HZ, RATE_HZ), np.float32)
        clips.append(Clip(f"sentence-{number}", text, voice.name, _VOICE_LICENCE, signal=signal, synthesised=True))
        click.echo(f"\r合成 {number + 1}/{len(texts)}", nl=number + 1 == len(texts), err=True)
    for voice in voices:
        await voice.stop()
    return clips


def _teller() -> "Watcher":
    """Tells progress and remaining time on stderr."""
    from asr.adaptation.job import Watcher
    from asr.adaptation.training import Progress

    names = {"unlike": "对照", "validation": "验证", "training": "训练"}
    began: dict[str, float] = {}

    class Teller(Watcher):
        def encoding(self, name: str, done: int, total: int) -> None:
            spent_s = time.monotonic() - began.setdefault(name, time.monotonic())
            left_s = spent_s / done * (total - done)
            click.echo(f"\r编码{names[name]}录音 {done}/{total}，约余 {left_s:.0f} 秒", nl=done == total, err=True)

        def training(self, progress: Progress) -> None:
            held = "" if progress.validation is None else f"，验证 {progress.validation:.3f}"
            if not (held or progress.step % 10 == 0):
                return
            click.echo(
                f"\r训练 {progress.step}/{progress.steps}，损失 {progress.loss:.3f}{held}，"
                f"约余 {progress.remaining_s:.0f} 秒",
                nl=bool(held),
                err=True,
            )

        def mixing(self, weight: float, asked: float, unlike: float) -> None:
            click.echo(f"权重 {weight:.2f}：字错率 验证 {asked:.2f}%，对照 {unlike:.2f}%", err=True)

    return Teller()
