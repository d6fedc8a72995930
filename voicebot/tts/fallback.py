"""Two voices: when the first one fails or is late, the second one speaks."""

import asyncio
from collections.abc import AsyncGenerator

import structlog

from voicebot.core.errors import HotlineError, SynthesisError
from voicebot.core.ports import Clock, Synthesiser
from voicebot.tts.ahead import closing_early

log = structlog.get_logger(__name__)


class FallbackSynthesiser:
    """Gives the first voice ``first_audio_ms`` to begin; after a failure it is left alone for ``cool_down_s``.

    A voice that fails in mid-sentence is not repeated by the other one: the caller has heard the beginning.
    """

    def __init__(
        self, first: Synthesiser, second: Synthesiser, clock: Clock, *, first_audio_ms: float, cool_down_s: float
    ):
        self._first = first
        self._second = second
        self._clock = clock
        self._first_audio_s = first_audio_ms / 1000
        self._cool_down_s = cool_down_s
        self._rests_until = float("-inf")

    @property
    def name(self) -> str:
        """Both voices."""
        return f"{self._first.name}|{self._second.name}"

    async def start(self) -> None:
        """Start both; a first voice that cannot start rests."""
        await self._second.start()
        try:
            await self._first.start()
        except HotlineError as error:
            self._rest(error.code)

    async def stop(self) -> None:
        """Stop both."""
        await self._first.stop()
        await self._second.stop()

    async def speak(self, text: str) -> AsyncGenerator[bytes]:
        """The first voice when it is well, else the second."""
        begun = False
        if self._clock.monotonic() >= self._rests_until:
            try:
                async with closing_early(self._first.speak(text)) as pieces:
                    async with asyncio.timeout(self._first_audio_s):
                        piece = await anext(pieces, b"")
                    while piece:
                        begun = True
                        yield piece
                        piece = await anext(pieces, b"")
            except (SynthesisError, TimeoutError) as error:
                self._rest(getattr(error, "code", "voice_late"))
                if begun:
                    return
        if not begun:
            async with closing_early(self._second.speak(text)) as pieces:
                async for piece in pieces:
                    yield piece

    def _rest(self, code: str) -> None:
        self._rests_until = self._clock.monotonic() + self._cool_down_s
        log.warning("first_voice_rests", code=code, seconds=self._cool_down_s)
