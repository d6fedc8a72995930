import asyncio
from collections.abc import AsyncGenerator

from tests.fakes.clock import FakeClock
from voicebot.core.errors import ModelError, SynthesisError
from voicebot.tts.fallback import FallbackSynthesiser


class Voice:
    """Says its name; may be late, break before or after its first piece, or refuse to start."""

    def __init__(self, name: str, *, late_s: float = 0, breaks_after: int | None = None, starts: bool = True):
        self.name = name
        self.late_s, self.breaks_after, self.starts = late_s, breaks_after, starts
        self.asked = 0
        self.closed = 0

    async def start(self) -> None:
        if not self.starts:
            raise ModelError("no", code="model_missing")

    async def stop(self) -> None:
        pass

    async def speak(self, text: str) -> AsyncGenerator[bytes]:
        self.asked += 1
        try:
            await asyncio.sleep(self.late_s)
            for number in range(3):
                if self.breaks_after == number:
                    raise SynthesisError("broken", code="voice_broken")
                yield f"{self.name}{number};".encode()
        finally:
            self.closed += 1


def pair(first: Voice, clock: FakeClock | None = None) -> tuple[FallbackSynthesiser, Voice]:
    second = Voice("b")
    return FallbackSynthesiser(first, second, clock or FakeClock(), first_audio_ms=50, cool_down_s=60), second


async def said(voice: FallbackSynthesiser) -> bytes:
    return b"".join([piece async for piece in voice.speak("您好。")])


async def test_the_first_voice_speaks_when_it_is_well() -> None:
    voice, second = pair(Voice("a"))
    assert await said(voice) == b"a0;a1;a2;"
    assert second.asked == 0
    assert voice.name == "a|b"


async def test_a_voice_that_fails_before_its_first_sound_is_replaced_and_rests() -> None:
    clock, first = FakeClock(), Voice("a", breaks_after=0)
    voice, _ = pair(first, clock)
    assert await said(voice) == b"b0;b1;b2;"
    assert await said(voice) == b"b0;b1;b2;"
    assert first.asked == 1
    clock.advance(60)
    first.breaks_after = None
    assert await said(voice) == b"a0;a1;a2;"


async def test_a_voice_that_is_late_is_replaced_and_its_work_stopped() -> None:
    first = Voice("a", late_s=5)
    voice, _ = pair(first)
    assert await said(voice) == b"b0;b1;b2;"
    assert first.closed == 1


async def test_a_voice_that_breaks_in_mid_sentence_is_not_repeated() -> None:
    voice, second = pair(Voice("a", breaks_after=1))
    assert await said(voice) == b"a0;"
    assert second.asked == 0


async def test_a_voice_that_cannot_start_rests() -> None:
    first = Voice("a", starts=False)
    voice, _ = pair(first)
    await voice.start()
    assert await said(voice) == b"b0;b1;b2;"
    assert first.asked == 0
    await voice.stop()
