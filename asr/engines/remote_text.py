"""What comes back from a recogniser elsewhere: plain text, to be corrected and placed like our own."""

import asyncio

from asr.correction import Corrected, Corrector, Hypothesis
from asr.loops import runs_away
from voicebot.core.frames import samples_to_ms
from voicebot.core.speech import HearingContext, Transcript


async def corrected(
    text: str, corrector: Corrector | None, context: HearingContext, *, start: int, end: int, engine: str
) -> Transcript:
    """The final transcript of a remote engine's text. Text that repeats itself without end is dropped."""
    text = text.strip()
    if runs_away(text, len(text), samples_to_ms(end - start) / 1000):
        text = ""
    language = "zh" if not text or any("\u4e00" <= character <= "\u9fff" for character in text) else "en"
    taken = Corrected(text)
    if text and corrector is not None and language == "zh":
        taken = await asyncio.to_thread(corrector.correct, (Hypothesis(text),), context)
    return Transcript(
        text=taken.text,
        raw_text=text,
        start=start,
        end=end,
        language=language,
        dialect=context.dialect,
        engine=engine,
        corrections=taken.corrections,
    )
