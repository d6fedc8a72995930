"""One call's ear: every turn is heard in the dialect that the call is in, and tells which one is next."""

from collections.abc import Mapping
from dataclasses import replace

import structlog

from asr.dialects.chooser import DialectChoice, DialectChooser
from asr.dialects.pack import DialectPack
from voicebot.core.ports import Ear, RecogniserStream
from voicebot.core.speech import DialectNotice, HearingContext, Transcript

log = structlog.get_logger(__name__)


class DialectEar:
    """`Ear` of one call on engines that many calls share. Once a person was asked for, it does not ask again."""

    def __init__(self, ear: Ear, packs: Mapping[str, DialectPack], prior: Mapping[str, float]):
        """``prior`` is the city's share of callers by dialect."""
        self._ear = ear
        self._packs = packs
        self._chooser = DialectChooser(packs, prior)
        self._handed_over = False

    def open(self, context: HearingContext) -> "DialectStream":
        """Begin one caller turn in the dialect as it is believed now; English stays English."""
        pack = self._packs[self._chooser.choice.dialect]
        language = pack.language if context.language.startswith(("zh", "yue")) else context.language
        heard_as = replace(context, dialect=pack.name, language=language, hint=pack.engine_prompt)
        return DialectStream(self, self._ear.open(heard_as))

    def learn(self, heard: Transcript) -> DialectNotice | None:
        """Take a final transcript; returns what has to be said or done about the caller's dialect."""
        choice = self._chooser.hear(heard)
        if choice.changed:
            log.info("dialect_changed", dialect=choice.dialect, asked=choice.asked)
        if choice.poor and choice.seat != "mandarin" and not self._handed_over:
            self._handed_over = True
            return self._notice(choice.seat, "hand_over", choice)
        if choice.changed and choice.asked:
            return self._notice(choice.dialect, "switched", choice)
        return None

    def _notice(self, dialect: str, prompt: str, choice: DialectChoice) -> DialectNotice:
        pack = self._packs[dialect]
        return DialectNotice(
            dialect,
            pack.prompts[prompt].format(title=pack.title),
            pack.seat_skill,
            hand_over=prompt == "hand_over",
            whole_turn=choice.whole_turn,
        )


class DialectStream:
    """`RecogniserStream` that tells the call's ear what it heard in the end."""

    def __init__(self, ear: DialectEar, stream: RecogniserStream):
        self._ear = ear
        self._stream = stream
        self.push = stream.push
        self.speculate = stream.speculate
        self.resume = stream.resume
        self.partial = stream.partial
        self.close = stream.close

    async def finish(self) -> Transcript:
        """The final transcript, with a notice when there is one."""
        heard = await self._stream.finish()
        return replace(heard, notice=self._ear.learn(heard))
