"""Short answers over the telephone: how many are understood when the recogniser knows what was asked, and when not.

    python -m benchmarks.answers MANIFEST [--voices zf_xiaobei ...] [--models DIR] [--json]

Twenty answers in the voices of the product, 8 kHz A-law; ``understood`` when the dialog takes from what was heard what
it takes from what was said (yes or no, or how many stars). ``turned`` counts short recordings of the manifest, about
anything else, that become an answer once a yes or no is asked for: a caller who has words put into the mouth.
"""

import argparse
import asyncio
import json
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from asr.engines.speech_model import Samples, Stretch
from asr.engines.whisper_model import WhisperModel
from asr.settings import AsrSettings
from benchmarks.provenance import provenance
from dialog.understanding.intents import Intent, IntentFinder
from dialog.understanding.rating import find_stars
from voicebot.audio.g711 import decode_a_law, encode_a_law
from voicebot.audio.narrowband import from_pcm, telephone
from voicebot.core.frames import SAMPLE_RATE_HZ
from voicebot.core.speech import Expect, HearingContext
from voicebot.evaluation.speech import comparable, read_manifest, read_recording
from voicebot.tts.kokoro import KokoroModel, KokoroSynthesiser
from voicebot.tts.settings import KOKORO_VOICES, TtsSettings

YES_NO = (
    "对。", "对，可以。", "可以。", "是的。", "不对。", "没有了。", "没有了，谢谢。", "没了。", "对，没错。",
    "对，是的。", "不用了，谢谢。", "好的。", "不是。", "行。", "需要。", "不需要。",
)  # fmt: skip
RATINGS = ("满意。", "不满意。", "非常满意。", "一般。")
TAIL = np.zeros(SAMPLE_RATE_HZ // 5, np.float32)
SHORT = 6  # characters of a recording that could be taken for an answer
MOST = 150


async def spoken(models: Path, voices: Sequence[str]) -> list[tuple[str, Samples]]:
    """Every answer in every voice, as the telephone carries it."""
    network, clips = KokoroModel(models / "kokoro", threads=2), []
    for voice in voices:
        synthesiser = KokoroSynthesiser(TtsSettings(voice=voice), models / "kokoro", model=network)
        await synthesiser.start()
        for text in (*YES_NO, *RATINGS):
            pcm = b"".join([piece async for piece in synthesiser.speak(text)])
            clips.append((text, np.concatenate([from_pcm(decode_a_law(encode_a_law(pcm))), TAIL])))
        await synthesiser.stop()
    network.close()
    return clips


def measure(models: Path, voices: Sequence[str], manifest: Path) -> dict[str, object]:
    """Counts."""
    ear = WhisperModel(AsrSettings(), models / "whisper-base-telephone-zh")
    ear.load()
    intents = IntentFinder()

    def hear(samples: Samples, expects: Expect) -> str:
        (heard,) = ear.hear([Stretch(samples, SAMPLE_RATE_HZ, HearingContext(expects=expects))])
        return heard.hypotheses[0].text if heard.hypotheses else ""

    def meant(text: str, expects: Expect) -> object:
        return find_stars(text) if expects is Expect.RATING else intents.find(text) & {Intent.YES, Intent.NO}

    clips = asyncio.run(spoken(models, voices))
    understood = {"asked": 0, "not asked": 0}
    for text, samples in clips:
        expects = Expect.RATING if text in RATINGS else Expect.YES_NO
        for way, told in (
            ("asked", expects),
            ("not asked", Expect.NAME),
        ):  # a name can be anything: nothing is proposed
            understood[way] += meant(hear(samples, told), expects) == meant(text, expects)
    short = (each for each in read_manifest(manifest) if len(comparable(each.text)) <= SHORT)
    others = (each for each in short if not meant(each.text, Expect.YES_NO))
    turned = count = 0
    for recording in islice(others, MOST):
        samples = telephone(*read_recording(recording.path))
        turned += hear(samples, Expect.YES_NO) != hear(samples, Expect.NAME)
        count += 1
    return {"understood": understood, "n": len(clips), "turned": turned, "others": count}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--models", type=Path, default=Path("var/models"))
    parser.add_argument("--voices", nargs="+", default=KOKORO_VOICES)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    report = measure(arguments.models, arguments.voices, arguments.manifest)
    if arguments.json:
        print(json.dumps({**report, **provenance(arguments.manifest)}))
        return
    for name, value in report.items():
        print(f"{name:10} {value}")


if __name__ == "__main__":
    main()
