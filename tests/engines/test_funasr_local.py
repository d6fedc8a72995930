"""FunASR on this machine, on small folders: SenseVoice knows one sentence, the streaming model none."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import soxr

from asr.engines.funasr_local import FunAsrRecogniser
from asr.engines.funasr_models import CHUNK_SAMPLES, RATE_HZ, FunAsrFinal, plain
from asr.engines.resampling import at_rate
from asr.engines.speech_model import Stretch
from asr.loops import most_tokens
from asr.settings import AsrSettings
from asr.streaming import to_samples
from tests.support.caller_audio import FIXTURES, framed, over_the_telephone
from voicebot.core.errors import ConfigurationError, ModelError
from voicebot.core.frames import SAMPLE_RATE_HZ
from voicebot.core.speech import HearingContext

SPEECH = over_the_telephone(FIXTURES / "mandarin" / "elevator-broken.wav")
SAID = "电梯坏了没人管"


@pytest.mark.parametrize(
    ("raw", "text", "language"),
    [
        ("<|zh|><|NEUTRAL|><|Speech|><|woitn|>路灯 坏 了", "路灯坏了", "zh"),
        ("<|yue|><|EMO_UNKNOWN|><|Speech|><|withitn|>几时有水", "几时有水", "yue"),
        ("<|nospeech|><|EMO_UNKNOWN|><|Event_UNK|><|woitn|>", "", "zh"),
        ("路 灯 坏 了 ， wifi 也 没 有", "路灯坏了，wifi也没有", "zh"),
        ("hello there", "hello there", "en"),
    ],
)
def test_tags_and_spaces_of_the_library_go(raw: str, text: str, language: str) -> None:
    assert plain(raw) == (text, language)


def test_without_a_model_there_is_nothing_to_hear_with() -> None:
    with pytest.raises(ConfigurationError, match="no model"):
        FunAsrRecogniser(AsrSettings(funasr_model="", funasr_streaming_model=""))


async def test_without_the_library_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "funasr", None)
    with pytest.raises(ModelError, match=r"hotline-voicebot\[funasr\]"):
        await FunAsrRecogniser(AsrSettings()).start()


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    pytest.importorskip("torch", reason="needs PyTorch: pip install 'hotline-voicebot[funasr]'")
    pytest.importorskip("funasr", reason="needs FunASR: pip install 'hotline-voicebot[funasr]'")
    from tests.engines import funasr_folders

    made = tmp_path_factory.mktemp("funasr")
    for name in ("streaming", "whole", "nano"):
        (made / name).mkdir()
    wide = soxr.resample(to_samples(SPEECH), SAMPLE_RATE_HZ, RATE_HZ).astype(np.float32)
    return {
        "streaming": str(funasr_folders.paraformer_streaming(made / "streaming")),
        "whole": str(funasr_folders.sense_voice(made / "whole", wide, SAID)),
        "nano": str(funasr_folders.nano(made / "nano")),
    }


@pytest.fixture(params=["whole", "streaming", "both"])
async def recogniser(request: pytest.FixtureRequest, folders: dict[str, str]) -> AsyncIterator[FunAsrRecogniser]:
    made = FunAsrRecogniser(
        AsrSettings(
            funasr_model=folders["whole"] if request.param != "streaming" else "",
            funasr_streaming_model=folders["streaming"] if request.param != "whole" else "",
        )
    )
    await made.start()
    yield made
    await made.stop()


pytestmark_library = [
    pytest.mark.engine,
    pytest.mark.filterwarnings("ignore"),  # PyTorch and FunASR warn about themselves
]


def library(test: object) -> object:
    for mark in pytestmark_library:
        test = mark(test)
    return test


@library
async def test_speech_becomes_text_at_its_place_in_the_call(
    recogniser: FunAsrRecogniser, request: pytest.FixtureRequest
) -> None:
    stream = recogniser.open(HearingContext(dialect="henan"))
    for frame in framed(SPEECH, 16000):
        stream.push(frame)
    heard = await stream.finish()
    if request.node.callspec.params["recogniser"] != "streaming":
        assert heard.text == SAID
    assert heard.text
    assert heard.final
    assert (heard.start, heard.end) == (16000, frame.end)
    assert heard.dialect == "henan"
    assert heard.engine.startswith("funasr/")
    stream.close()


@library
async def test_the_same_turn_is_heard_the_same_again_beside_another(recogniser: FunAsrRecogniser) -> None:
    """Caches belong to turns: two turns at once do not mix."""
    alone = recogniser.open(HearingContext())
    for frame in framed(SPEECH):
        alone.push(frame)
    expected = (await alone.finish()).text
    one, other = recogniser.open(HearingContext()), recogniser.open(HearingContext())
    for frame in framed(SPEECH):
        one.push(frame)
        other.push(frame)
    assert [(await one.finish()).text, (await other.finish()).text] == [expected, expected]


@library
async def test_words_come_while_the_caller_speaks(folders: dict[str, str]) -> None:
    recogniser = FunAsrRecogniser(AsrSettings(funasr_model="", funasr_streaming_model=folders["streaming"]))
    await recogniser.start()
    stream = recogniser.open(HearingContext())
    for frame in framed(SPEECH):
        stream.push(frame)
    for each in stream._passes:  # type: ignore[attr-defined]
        each.future.result(timeout=60)
    early = stream.partial()
    final = await stream.finish()
    await recogniser.stop()
    assert early is not None
    assert not early.final
    assert final.text.startswith(early.text)
    assert len(stream._passes) == -(-2 * (len(SPEECH) // 2) // CHUNK_SAMPLES)  # type: ignore[attr-defined]


@library
async def test_a_language_model_that_hears_may_not_talk_for_ever(folders: dict[str, str]) -> None:
    """Random weights never say that they are done; what has no end is not taken for speech."""
    model = FunAsrFinal(folders["nano"], AsrSettings())
    model.load()
    stretch = Stretch(to_samples(SPEECH), SAMPLE_RATE_HZ, HearingContext("yue"))
    raw = model._library.generate(at_rate(stretch, RATE_HZ), language="中文", itn=False, max_length=8)
    assert 0 < len(raw.replace(" ", "")) <= 8 * len("<|im_end|>")
    (heard,) = model.hear([stretch])
    assert all(len(each.text) <= most_tokens(stretch.duration_s) for each in heard.hypotheses)


@library
async def test_a_model_for_the_other_pass_is_refused(folders: dict[str, str]) -> None:
    with pytest.raises(ModelError, match="does not stream"):
        await FunAsrRecogniser(AsrSettings(funasr_model="", funasr_streaming_model=folders["whole"])).start()


@library
async def test_a_folder_that_holds_no_model_is_refused(folders: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be loaded"):
        await FunAsrRecogniser(AsrSettings(funasr_model=str(tmp_path))).start()
