"""The engines elsewhere, against servers on loopback that follow their protocols."""

import asyncio
import io
import json
import wave
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import WSMsgType, web

from asr.engines.funasr_messages import TwoPassText
from asr.engines.funasr_server import FunAsrServerRecogniser
from asr.engines.openai_compatible import OpenAiCompatibleRecogniser
from asr.settings import AsrSettings
from tests.fakes.recogniser import ShoutingCorrector
from tests.support.caller_audio import framed
from voicebot.core.errors import ConfigurationError, OverloadError, RecognitionError
from voicebot.core.ports import Recogniser
from voicebot.core.speech import HearingContext, Transcript

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def served(method: str, path: str, handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route(method, path, handler)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def heard_by(recogniser: Recogniser, seconds: float = 1.0) -> Transcript:
    await recogniser.start()
    try:
        stream = recogniser.open(HearingContext(previous="前文"))
        for frame in framed(b"\x10\x10" * round(8000 * seconds), 800):
            stream.push(frame)
        return await stream.finish()
    finally:
        await recogniser.stop()


def openai(address: str, **more: object) -> OpenAiCompatibleRecogniser:
    settings = AsrSettings.model_validate({"openai_url": f"http://{address}/v1", "openai_api_key": "secret", **more})
    return OpenAiCompatibleRecogniser(settings, ShoutingCorrector())


@pytest.mark.network
async def test_a_turn_is_uploaded_as_a_wav_file() -> None:
    seen: dict[str, object] = {}

    async def transcribe(request: web.Request) -> web.Response:
        form = await request.post()
        upload = form["file"]
        assert isinstance(upload, web.FileField)
        with wave.open(io.BytesIO(upload.file.read())) as file:
            seen["audio"] = (file.getframerate(), file.getnchannels(), file.getnframes())
        seen["fields"] = {name: form[name] for name in ("model", "language", "prompt")}
        seen["key"] = request.headers["Authorization"]
        return web.json_response({"text": " 路灯坏了ok "})

    async with served("POST", "/v1/audio/transcriptions", transcribe) as address:
        heard = await heard_by(openai(address))
    assert seen["audio"] == (8000, 1, 8000)
    assert seen["fields"] == {"model": "whisper-1", "language": "zh", "prompt": "前文"}
    assert seen["key"] == "Bearer secret"
    assert (heard.raw_text, heard.text, heard.start, heard.end) == ("路灯坏了ok", "路灯坏了OK", 800, 8800)


@pytest.mark.network
@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [(401, RecognitionError, False), (500, RecognitionError, True), (429, OverloadError, True)],
)
async def test_a_refusal_is_a_typed_error(status: int, kind: type[Exception], retryable: bool) -> None:
    async def refuse(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=status)

    async with served("POST", "/v1/audio/transcriptions", refuse) as address:
        with pytest.raises(kind) as raised:
            await heard_by(openai(address))
    assert raised.value.retryable is retryable  # type: ignore[attr-defined]


@pytest.mark.network
async def test_a_slow_or_absent_or_strange_service_is_a_recognition_error() -> None:
    enough = asyncio.Event()

    async def dawdle(request: web.Request) -> web.Response:
        await enough.wait()
        return web.Response()

    async def babble(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(text="<html>")

    for handler, code in ((dawdle, "remote_slow"), (babble, "remote_answer")):
        async with served("POST", "/v1/audio/transcriptions", handler) as address:
            with pytest.raises(RecognitionError) as raised:
                await heard_by(openai(address, remote_timeout_s=0.3))
            enough.set()
        assert raised.value.code == code
    with pytest.raises(RecognitionError) as raised:
        await heard_by(openai(address))
    assert raised.value.code == "remote_unreachable"


def funasr(address: str, **more: object) -> FunAsrServerRecogniser:
    return FunAsrServerRecogniser(AsrSettings.model_validate({"funasr_url": f"ws://{address}/", **more}))


def runtime_server(seen: dict[str, object], *, marks_the_end: bool) -> Handler:
    """A two-pass server: a word for every 600 ms, the sentence again at the end."""

    async def converse(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=("binary",))
        await socket.prepare(request)
        received = 0
        async for message in socket:
            if message.type is WSMsgType.BINARY:
                before, received = received, received + len(message.data)
                if received // 19200 > before // 19200:
                    await socket.send_str(json.dumps({"mode": "2pass-online", "text": "路灯", "is_final": False}))
            elif "mode" in (said := json.loads(message.data)):
                seen["opening"] = said
            elif said == {"is_speaking": False}:
                seen["seconds"] = received / 32000
                final = {"mode": "2pass-offline", "text": "路灯坏了。", "is_final": marks_the_end}
                await socket.send_str(json.dumps(final))
        return socket

    return converse


@pytest.mark.network
@pytest.mark.parametrize("marks_the_end", [True, False])
async def test_the_second_pass_of_a_funasr_server_is_the_final_text(marks_the_end: bool) -> None:
    seen: dict[str, object] = {}
    async with served("GET", "/", runtime_server(seen, marks_the_end=marks_the_end)) as address:
        heard = await heard_by(funasr(address), seconds=2.0)
    assert heard.text == "路灯坏了。"
    assert seen["opening"]["mode"] == "2pass"  # type: ignore[index]
    assert seen["opening"]["audio_fs"] == 16000  # type: ignore[index]
    assert seen["seconds"] == pytest.approx(2.0, abs=0.05)


@pytest.mark.network
async def test_words_of_the_first_pass_are_partial_text() -> None:
    async with served("GET", "/", runtime_server({}, marks_the_end=True)) as address:
        recogniser = funasr(address)
        await recogniser.start()
        stream = recogniser.open(HearingContext())
        for frame in framed(b"\x10\x10" * 12000):
            stream.push(frame)
        for _ in range(1000):
            if (partial := stream.partial()) is not None:
                break
            await asyncio.sleep(0.01)
        stream.close()
        await recogniser.stop()
    assert partial is not None
    assert partial.text.startswith("路灯")
    assert not partial.final


@pytest.mark.network
async def test_a_funasr_server_that_is_absent_or_silent_is_a_recognition_error() -> None:
    async def ignore(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=("binary",))
        await socket.prepare(request)
        async for _ in socket:
            pass
        return socket

    async with served("GET", "/", ignore) as address:
        with pytest.raises(RecognitionError) as raised:
            await heard_by(funasr(address, remote_timeout_s=0.3))
    assert raised.value.code == "remote_slow"
    with pytest.raises(RecognitionError) as raised:
        await heard_by(funasr(address))
    assert raised.value.code == "remote_unreachable"


def test_an_engine_without_an_address_says_which_setting_is_missing() -> None:
    for engine in (OpenAiCompatibleRecogniser, FunAsrServerRecogniser):
        with pytest.raises(ConfigurationError) as raised:
            engine(AsrSettings())
        assert "_url" in raised.value.remedy


def test_sentences_replace_the_words_they_are_made_of() -> None:
    text = TwoPassText()
    for mode, words in (("2pass-online", "路等"), ("2pass-offline", "路灯坏了。"), ("2pass-online", "三天")):
        text.take(json.dumps({"mode": mode, "text": words}))
    assert text.text == "路灯坏了。三天"
    assert not text.complete


@pytest.mark.parametrize("message", ["no json", "[]", '{"text": "x"}'])
def test_a_message_of_another_protocol_is_refused(message: str) -> None:
    with pytest.raises(RecognitionError):
        TwoPassText().take(message)
