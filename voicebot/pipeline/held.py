"""Calls that agents hold with a headset: how each of them ends, and whom the agent brings into it."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

import structlog

from voicebot.core.errors import HotlineError, LineError
from voicebot.core.ports import Line, Synthesiser
from voicebot.pipeline.bridge import Bridge
from voicebot.pipeline.frames import SpeakFrame
from voicebot.pipeline.observer import Observer
from voicebot.pipeline.phone import LinePhone, Phone, Phones
from voicebot.pipeline.record import CallRecord
from voicebot.pipeline.state import CallState, CallTime
from voicebot.pipeline.utterance import Utterance
from voicebot.tts.sentences import split_clauses

log = structlog.get_logger(__name__)

_LOOK_S = 0.05
_RETURN_LOOK_S = 0.5  # caller and third party may speak on for an hour
_GRACE_S = 2.0  # for a headset to come back: another microphone was chosen, the network changed


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody whom agents may call into a call. ``spoken`` is the name that the caller hears."""

    number: str
    name: str
    spoken: str


class Stage(StrEnum):
    """How far the calling of a third party has come."""

    RINGING = "ringing"
    ANSWERED = "answered"  # and in the call since then
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REFUSED = "refused"
    FAILED = "failed"
    HUNG_UP = "hung_up"  # they left
    DROPPED = "dropped"  # the agent let them go, or gave up calling them


_THERE = (Stage.RINGING, Stage.ANSWERED)
_UNANSWERED = {"call_busy": Stage.BUSY, "call_no_answer": Stage.NO_ANSWER, "call_refused": Stage.REFUSED}


@dataclass(frozen=True, slots=True)
class ThirdParty:
    """The newest third party of a call; ``with_agent`` is false once the agent has left the two others alone."""

    number: str
    name: str
    stage: Stage
    with_agent: bool = True


class Dial(Protocol):
    """How third parties are called."""

    def __call__(self, number: str, call_id: str) -> Awaitable[Line]:
        """Call a number of the list beside a call; raises `LineError` as `SipLineServer.call` does."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What bringing in a third party takes. ``text``: the announcement, by spoken name and language."""

    contacts: Sequence[Contact]
    dial: Dial
    text: Callable[[str, str], str]


@dataclass(slots=True)
class HeldCall:
    """One call for as long as caller and agent speak, and after that, caller and third party."""

    agent: str
    line: Line
    phone: Phone
    state: CallState
    exchange: Exchange | None
    synthesiser: Synthesiser
    record: CallRecord
    call_time: CallTime
    observer: Observer
    phones: Phones | None = None
    third: ThirdParty | None = None
    _bridge: Bridge | None = None
    _bringing: asyncio.Task[None] | None = None
    _left: asyncio.Event | None = None

    async def run(self, released: asyncio.Task[str]) -> str:
        """Until the agent is done with the call (what ``released`` says) or has left, or "lost": their page is gone.

        A third party who is called or there when the agent goes is not cut off: they and the caller speak on, until
        one of them hangs up, and an agent whose headset was lost and is there again is back among them. Only an agent
        who is "done" ends the call for all. A headset that is there again within `_GRACE_S` was never lost.
        """
        self._left = asyncio.Event()
        try:
            async with Bridge(self.line, self.phone, self.state) as self._bridge:
                while True:
                    ended = await self._with_agent(released, self._left)
                    if ended == "lost" and (again := await self._soon_again(self._bridge, released)) is not None:
                        self._join(self._bridge, again)
                        continue
                    ended = released.result() if released.done() else ended
                    if ended == "done" or self._bringing is None or self._bringing.done():
                        return ended
                    self._alone(ended)
                    again = await self._without_agent(self._bringing, ended)
                    if again is None:
                        return "left" if self._left.is_set() else released.result() if released.done() else ended
                    self._back(again)
        finally:
            if self._bringing is not None:
                self._bringing.cancel()
                await asyncio.gather(self._bringing, return_exceptions=True)

    async def _with_agent(self, released: asyncio.Task[str], left: asyncio.Event) -> str:
        leaving = asyncio.create_task(left.wait(), name="agent-leaves")
        gone = asyncio.create_task(self.phone.over(), name="headset-gone")
        try:
            await asyncio.wait([released, leaving, gone], return_when=asyncio.FIRST_COMPLETED)
            return "left" if leaving.done() else released.result() if released.done() else "lost"
        finally:
            leaving.cancel()
            gone.cancel()
            await asyncio.gather(leaving, gone, return_exceptions=True)

    async def _soon_again(self, bridge: Bridge, released: asyncio.Task[str]) -> Phone | None:
        bridge.agent_leaves()
        for _ in range(round(_GRACE_S / _LOOK_S)):
            if (phone := self._new_phone()) is not None or released.done():
                return phone
            await asyncio.sleep(_LOOK_S)
        return None

    def _new_phone(self) -> Phone | None:
        phone = self.phones.of(self.agent) if self.phones is not None else None
        return None if phone is self.phone else phone

    def _join(self, bridge: Bridge, phone: Phone) -> None:
        self.phone = phone
        bridge.agent_joins(phone)
        log.info("headset_again", call=self.line.start.call_id)

    async def _without_agent(self, bringing: asyncio.Task[None], why: str) -> Phone | None:
        """Until the third party is gone: None; or until the agent who was lost has a headset again."""
        while not bringing.done():
            if why == "lost" and (phone := self._new_phone()) is not None:
                return phone
            await asyncio.wait([bringing], timeout=_RETURN_LOOK_S if why == "lost" else None)
        return None

    def bring(self, number: str) -> ThirdParty:
        """Begin to call a number of the list.

        Raises `LineError`: ``number_unknown``, ``third_party_there`` or ``agent_gone``.
        """
        contacts = self.exchange.contacts if self.exchange is not None else ()
        contact = next((each for each in contacts if each.number == number), None)
        if self.exchange is None or contact is None:
            raise LineError("名单里没有这个号码。", code="number_unknown", remedy="请从名单里选。")
        if self.is_joined:
            raise LineError("已经有第三方。", code="third_party_there", remedy="请先让对方退出。")
        if self._bridge is None or self._left is None or self._left.is_set():
            raise LineError("您已不在这通电话里。", code="agent_gone", remedy="")
        self._tell(ThirdParty(contact.number, contact.name, Stage.RINGING))
        self._bringing = asyncio.create_task(
            self._bring(self.exchange, contact, self._bridge), name=f"third-party-{self.line.start.call_id}"
        )
        assert self.third is not None  # noqa: S101  told a moment ago
        return self.third

    def drop(self) -> None:
        """Let the third party go, or give up calling them; raises `LineError` ``third_party_none``."""
        if self._bringing is None or not self.is_joined:
            raise LineError("没有第三方。", code="third_party_none", remedy="")
        self._become(Stage.DROPPED)
        self._bringing.cancel()

    def leave(self) -> None:
        """The agent leaves caller and third party together; raises `LineError` ``third_party_none``."""
        if self._left is None or self.third is None or self.third.stage is not Stage.ANSWERED:
            raise LineError("对方还没有接通。", code="third_party_none", remedy="接通后才能先离开。")
        self._left.set()

    @property
    def is_joined(self) -> bool:
        """Is a third party there, or being called?"""
        return self.third is not None and self.third.stage in _THERE

    def _alone(self, why: str) -> None:
        assert self._bridge is not None  # noqa: S101  it runs
        assert self.third is not None  # noqa: S101  they are the reason
        self._bridge.agent_leaves()
        self.third = replace(self.third, with_agent=False)
        self.record.note("agent_left", agent=self.agent, why=why, number=self.third.number)
        log.info("agent_left_third_party", call=self.line.start.call_id, why=why)

    def _back(self, phone: Phone) -> None:
        assert self._bridge is not None  # noqa: S101  it runs
        assert self.third is not None  # noqa: S101  they were not alone
        self._join(self._bridge, phone)
        self.third = replace(self.third, with_agent=True)
        self.record.note("agent_back", agent=self.agent, number=self.third.number)

    async def _bring(self, exchange: Exchange, contact: Contact, bridge: Bridge) -> None:
        saying = asyncio.create_task(self._announce(exchange, contact, bridge), name="third-party-announced")
        phone: LinePhone | None = None
        try:
            line = await exchange.dial(contact.number, self.line.start.call_id)
            phone = LinePhone(line, "third-party")
            bridge.third_joins(phone)
            self._become(Stage.ANSWERED)
            await phone.over()
            self._become(Stage.HUNG_UP)
        except HotlineError as error:
            stage = _UNANSWERED.get(error.code, Stage.FAILED)
            if stage is Stage.FAILED:
                self.observer.fault("third_party", error.code)
            self._become(stage)
        finally:
            bridge.third_leaves()
            saying.cancel()
            await asyncio.gather(saying, return_exceptions=True)
            if phone is not None:
                await phone.close()

    async def _announce(self, exchange: Exchange, contact: Contact, bridge: Bridge) -> None:
        text = exchange.text(contact.spoken, self.state.language)
        words = Utterance(SpeakFrame(text=text))
        began_ms = self.call_time.now_ms()
        bridge.announce(words)
        try:
            for clause in split_clauses(text):
                begin = words.samples
                async for pcm in self.synthesiser.speak(clause):
                    words.audio.extend(pcm)
                words.clauses.append((clause, begin, words.samples))
            words.made = True
            while not words.handed_all:  # noqa: ASYNC110  what is heard is a count, not an event
                await asyncio.sleep(_LOOK_S)
        except HotlineError as error:
            self.observer.fault("voice", error.code)
        finally:
            bridge.announce(None)
            self.record.bot(words.spoken(words.handed), text, began_ms, self.call_time.now_ms(), None)

    def _become(self, stage: Stage) -> None:
        if self.third is not None:
            self._tell(replace(self.third, stage=stage))

    def _tell(self, third: ThirdParty) -> None:
        self.third = third
        self.record.note("third_party", stage=third.stage.value, number=third.number, agent=self.agent)
        log.info("third_party", call=self.line.start.call_id, stage=third.stage.value)


class HeldCalls:
    """Those of this process, by call."""

    def __init__(self, exchange: Exchange | None = None):
        """``exchange``: how third parties are called; None: nobody can be."""
        self.exchange = exchange
        self._calls: dict[str, HeldCall] = {}

    @contextlib.contextmanager
    def holding(self, call: HeldCall) -> Iterator[HeldCall]:
        """The call can be found until the block is left."""
        call_id = call.line.start.call_id
        self._calls[call_id] = call
        try:
            yield call
        finally:
            self._calls.pop(call_id, None)

    def find(self, call_id: str, agent: str) -> HeldCall | None:
        """The call if this agent holds it, with a headset, in this process."""
        call = self._calls.get(call_id)
        return call if call is not None and call.agent == agent else None

    def of(self, call_id: str, agent: str) -> HeldCall:
        """The same; raises `LineError` ``not_held`` where there is none."""
        if (call := self.find(call_id, agent)) is None:
            raise LineError("您没有用耳机接着这通电话。", code="not_held", remedy="用耳机接听的来电才能这样转。")
        return call

    def of_agent(self, agent: str) -> HeldCall:
        """What an agent holds; raises `LineError` ``not_held``."""
        return self.of(next((call_id for call_id, call in self._calls.items() if call.agent == agent), ""), agent)

    def only_two(self, agent: str) -> None:
        """Raise `LineError` ``third_party_there`` while a third party is in what this agent holds."""
        for call in self._calls.values():
            if call.agent == agent and call.is_joined:
                raise LineError("第三方还在通话里。", code="third_party_there", remedy="请先让对方退出，或您先离开。")
