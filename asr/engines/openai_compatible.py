"""Any service that takes ``POST /v1/audio/transcriptions``, the form that OpenAI's API made common.

Source: OpenAI API reference, "Create transcription": a multipart form with ``file``, ``model``, ``language``,
``prompt`` and ``response_format``; the answer is JSON with ``text``.
"""

import asyncio
import io
import wave

import aiohttp

from asr.correction import Corrector
from asr.engines.remote_text import corrected
from asr.settings import AsrSettings
from voicebot.core.errors import ConfigurationError, OverloadError, RecognitionError
from voicebot.core.frames import SAMPLE_RATE_HZ, AudioFrame
from voicebot.core.ports import RecogniserCapabilities
from voicebot.core.speech import HearingContext, Transcript

_SHORTEST_SAMPLES = SAMPLE_RATE_HZ // 10  # less is a click
_LONGEST_SAMPLES = 300 * SAMPLE_RATE_HZ  # five minutes without a pause are not sent any further
_MOST_CONNECTIONS = 32  # more requests wait for one of these


class OpenAiCompatibleRecogniser:
    """`Recogniser` that sends each turn to a transcription service as one WAV file."""

    def __init__(self, settings: AsrSettings, corrector: Corrector | None = None):
        """Raises `ConfigurationError` when there is no address."""
        if not settings.openai_url.startswith(("http://", "https://")):
            raise ConfigurationError(
                "The transcription service has no address.",
                code="openai_url_missing",
                remedy="Set asr.openai_url, for example http://127.0.0.1:8000/v1.",
            )
        self._settings = settings
        self._corrector = corrector
        self._session: aiohttp.ClientSession | None = None

    @property
    def capabilities(self) -> RecogniserCapabilities:
        """What can be promised of a service one does not know."""
        return RecogniserCapabilities(
            name=f"openai/{self._settings.openai_model}",
            languages=("zh", "en"),
            streaming=False,
            partials=False,
            confidence=False,
            local=False,
        )

    async def start(self) -> None:
        """Open the connection pool; the service itself is asked for the first time by the first turn."""
        key = self._settings.openai_api_key.get_secret_value()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=_MOST_CONNECTIONS),
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=aiohttp.ClientTimeout(total=self._settings.remote_timeout_s),
        )

    def open(self, context: HearingContext) -> "UploadedTurn":
        """Begin one caller turn."""
        return UploadedTurn(self, context)

    async def stop(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(self, pcm: bytes, context: HearingContext, start: int) -> Transcript:
        """One turn to text. Raises `RecognitionError` or `OverloadError`."""
        if self._session is None:
            raise RecognitionError("The recogniser is not running.", code="recogniser_stopped", retryable=False)
        form = aiohttp.FormData()
        form.add_field("file", to_wav(pcm), filename="turn.wav", content_type="audio/wav")
        form.add_field("model", self._settings.openai_model)
        form.add_field("response_format", "json")
        if context.language != "auto":
            form.add_field("language", context.language)
        if context.hint or context.previous:
            form.add_field("prompt", context.hint + context.previous)
        url = self._settings.openai_url.rstrip("/") + "/audio/transcriptions"
        try:
            async with self._session.post(url, data=form) as response:
                if response.status != 200:
                    raise _refusal(response.status)
                answer = await response.json(content_type=None)
                text = answer["text"]
                if not isinstance(text, str):
                    raise TypeError("text is not a string")
        except TimeoutError as error:
            raise RecognitionError("The transcription service is too slow.", code="remote_slow") from error
        except aiohttp.ClientError as error:
            raise RecognitionError(
                f"The transcription service cannot be reached: {error}.",
                code="remote_unreachable",
                remedy="Check asr.openai_url and the service.",
            ) from error
        except (KeyError, TypeError, ValueError) as error:
            raise RecognitionError(
                f"The transcription service gave no text: {error!r}.",
                code="remote_answer",
                remedy="Check that asr.openai_url ends in /v1 and is a transcription service.",
            ) from error
        end = start + len(pcm) // 2
        return await corrected(text, self._corrector, context, start=start, end=end, engine=self.capabilities.name)


class UploadedTurn:
    """`RecogniserStream`: gathers a turn and sends it when a pause begins or it is over."""

    def __init__(self, recogniser: OpenAiCompatibleRecogniser, context: HearingContext):
        self._recogniser = recogniser
        self._context = context
        self._audio = bytearray()
        self._start: int | None = None
        self._answer: asyncio.Task[Transcript] | None = None
        self._closed = False

    def push(self, frame: AudioFrame) -> None:
        """Keep 20 ms of audio; what comes after five minutes is lost."""
        if self._closed or len(self._audio) // 2 >= _LONGEST_SAMPLES:
            return
        if self._start is None:
            self._start = frame.position
        self._audio += frame.pcm

    def speculate(self, speech_end: int | None = None, *, early: bool = False) -> None:
        """Send what there is; a request that may be for nothing is not sent."""
        if not early and not self._closed and self._answer is None and len(self._audio) // 2 >= _SHORTEST_SAMPLES:
            sending = self._recogniser.send(bytes(self._audio), self._context, self._start or 0)
            self._answer = asyncio.create_task(sending)
            self._answer.add_done_callback(_look_at)

    def resume(self) -> None:
        """Give the request up."""
        if self._answer is not None:
            self._answer.cancel()
            self._answer = None

    def partial(self) -> Transcript | None:
        """The text of a pause, once it is there."""
        if self._answer is None or not self._answer.done() or self._answer.cancelled() or self._answer.exception():
            return None
        return self._answer.result()

    async def finish(self) -> Transcript:
        """The answer to the newest request; sends one if there is none."""
        self.speculate()
        self._closed = True
        if self._answer is None:
            start = self._start or 0
            return Transcript("", "", start, start + len(self._audio) // 2, engine=self._recogniser.capabilities.name)
        return await self._answer

    def close(self) -> None:
        """Give up what is under way."""
        self._closed = True
        self.resume()


def _look_at(answer: asyncio.Task[Transcript]) -> None:
    """A speculation that failed and that nobody asks for is no unhandled error."""
    if not answer.cancelled():
        answer.exception()


def _refusal(status: int) -> RecognitionError | OverloadError:
    if status in (429, 503):
        return OverloadError(f"The transcription service is full (HTTP {status}).", code="remote_full")
    remedy = {
        401: "Check asr.openai_api_key.",
        403: "Check asr.openai_api_key.",
        404: "Check asr.openai_url and asr.openai_model.",
    }.get(status, "Look into the log of the service.")
    return RecognitionError(
        f"The transcription service refused the turn (HTTP {status}).",
        code="remote_refused",
        remedy=remedy,
        retryable=status >= 500,
    )


def to_wav(pcm: bytes) -> bytes:
    """8 kHz int16 PCM as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE_HZ)
        out.writeframes(pcm)
    return file.getvalue()
