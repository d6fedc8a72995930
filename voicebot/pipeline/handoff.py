"""Handing over to a person: the queue, the transfer, and a kind word while the caller waits."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol

import structlog

from voicebot.core.actions import HandOff, HandOffFailed, HandOffQueued, Outcome
from voicebot.core.call import CallEnd, CallStart, HandOffReason, HandOffRequest, QueueEntry, QueueState
from voicebot.core.errors import HotlineError
from voicebot.core.ports import AgentQueue, Line
from voicebot.core.ticket import TicketDraft
from voicebot.core.turn import Turn
from voicebot.pipeline.held import HeldCall
from voicebot.pipeline.observer import Observer
from voicebot.pipeline.phone import Phone, Phones

log = structlog.get_logger(__name__)

TO_BOT = "to_bot"
"""The outcome of a call that an agent has given back to the bot."""

_AGAIN_S = 1.0
_LEAVE_S = 5.0


class TransferTargets(Protocol):
    """Where a call may be transferred to; nothing else is ever dialled."""

    def target(self, handoff: HandOff) -> str:
        """A SIP URI or extension, "" when the call waits in the queue."""


@dataclass(frozen=True, slots=True)
class Taker:
    """The agent who has taken a call, and where to put it through; "" when they have no line of their own."""

    agent: str
    target: str


class Takers(Protocol):
    """The people who take calls out of the queue."""

    async def taken(self, call_id: str) -> Taker:
        """Wait until an agent has taken the call."""

    async def put_through(self, call_id: str, outcome: str) -> None:
        """How the transfer to them went; when they did not answer, the call is back at its place in the queue."""

    async def released(self, call_id: str) -> str:
        """Wait until the agent who has the call is done with it.

        "done"; "bot" when they gave it back to the bot; "back" when it waits again.
        """

    async def line_over(self, call_id: str) -> None:
        """The caller is gone while an agent has the call in hand."""


@dataclass(slots=True)
class Transferring:
    """Puts one call into the human queue and, where a target is set, transfers it once the caller has been told."""

    start: CallStart
    line: Line
    queue: AgentQueue
    targets: TransferTargets
    observer: Observer
    takers: Takers | None = None
    phones: Phones | None = None
    taker: Taker | None = None
    queued: bool = False
    transferred: bool = False
    settled: bool = False  # the queue knows of the transfer
    promised: bool = False  # the caller was told that somebody calls back

    async def hand_off(self, action: HandOff, draft: TicketDraft | None, turns: tuple[Turn, ...]) -> Outcome:
        """Take a place in the queue with everything that is known."""
        request = HandOffRequest(
            call_id=self.start.call_id,
            reason=action.reason,
            skill=action.skill,
            priority=action.priority,
            summary=action.summary,
            caller_number=self.start.caller_number,
            draft=draft,
            turns=turns,
        )
        try:
            entry = await self.queue.join(request)
        except HotlineError as error:
            self.observer.fault("queue", error.code)
            log.error("queue_failed", call=self.start.call_id, code=error.code)
            return HandOffFailed(error.code)
        self.queued = True
        self.observer.handed_off(action.reason.value)
        return HandOffQueued(entry.position, entry.wait_s)

    def target(self, action: HandOff) -> str:
        """Where this hand-off goes by itself; "" when the call waits for an agent."""
        return self.targets.target(action)

    async def transfer(self, action: HandOff) -> str:
        """Transfer to the target of this hand-off; returns the typed outcome."""
        outcome = await self._to(self.target(action))
        if self.transferred:
            await self._settle()
        return outcome

    async def place(self) -> QueueEntry | None:
        """The call's entry while it waits; None when it does not, or nobody can tell."""
        try:
            entry = await self.queue.find(self.start.call_id)
        except HotlineError as error:
            self.observer.fault("queue", error.code)
            return None
        return entry if entry is not None and entry.state is QueueState.WAITING else None

    async def wait_for_taker(self) -> Taker:
        """Wait until an agent takes the call from the queue."""
        while True:
            try:
                self.taker = await self._known_takers.taken(self.start.call_id)
            except HotlineError as error:
                self.observer.fault("queue", error.code)
                await asyncio.sleep(_AGAIN_S)
            else:
                return self.taker

    async def put_through(self, taker: Taker) -> str:
        """Transfer to the agent who took the call; when they do not answer it waits on. Returns the typed outcome."""
        outcome = await self._to(taker.target)
        if self.transferred:
            await self._settle()
            return outcome
        self.taker = None
        try:
            await self._known_takers.put_through(self.start.call_id, outcome)
        except HotlineError as error:
            self.observer.fault("queue", error.code)
        return outcome

    @property
    def _known_takers(self) -> Takers:
        assert self.takers is not None  # noqa: S101  asked only where there are any
        return self.takers

    def phone(self, taker: Taker) -> Phone | None:
        """The headset that the agent who took the call has in this process."""
        return self.phones.of(taker.agent) if self.phones is not None else None

    async def speak_with(self, held: HeldCall) -> str:
        """Join caller and agent until that is over: "done", "left", "bot", "back" or "lost".

        After "done" and "left" nobody has anything more to say to the caller; after "bot" the bot goes on, after
        "back" and "lost" the call waits again.
        """
        self.transferred = self.settled = True
        # They speak at once; the database need not have heard of it before.
        answered = asyncio.create_task(
            self._tell(self._known_takers.put_through(self.start.call_id, "answered")), name="answered"
        )
        released = asyncio.create_task(self._released(), name="released")
        try:
            ended = await held.run(released)
        finally:
            released.cancel()
            await asyncio.gather(released, answered, return_exceptions=True)
        if ended not in ("done", "left"):
            self.transferred = self.settled = False
            self.taker = None
        if ended == "bot":
            self.queued = False
        if ended == "lost":
            await self._tell(self._known_takers.put_through(self.start.call_id, "failed"))
        return ended

    async def _released(self) -> str:
        while True:
            try:
                return await self._known_takers.released(self.start.call_id)
            except HotlineError as error:  # a database that is away for a moment is no reason to end a conversation
                self.observer.fault("queue", error.code)
                await asyncio.sleep(_AGAIN_S)

    async def _to(self, target: str) -> str:
        try:
            outcome = await self.line.transfer(target)
        except HotlineError as error:
            self.observer.fault("transfer", error.code)
            return "failed"
        self.transferred = outcome == "answered"
        return outcome

    async def fault(self, draft: TicketDraft | None, turns: tuple[Turn, ...]) -> None:
        """Something broke in the call: a person takes over."""
        await self.hand_off(HandOff(HandOffReason.FAULT, priority=3), draft, turns)

    async def call_over(self) -> None:
        """The call is over for us: the queue must know how, also when that ended everything half-way through.

        A place that still waits is marked as abandoned, so that someone calls back.
        """
        if self.line.end is CallEnd.HANDED_OFF:
            self.transferred = True
        if not self.queued or self.settled:
            return
        if self.transferred:
            await self._settle()
        elif self.taker is not None and self.takers is not None:
            await self._tell(self.takers.line_over(self.start.call_id))
        else:
            await self._leave(abandoned=True)

    async def _settle(self) -> None:
        """The call was transferred."""
        if self.taker is not None and self.takers is not None:
            await self._tell(self.takers.put_through(self.start.call_id, "answered"))
        else:
            await self._leave(abandoned=False)
        self.settled = True

    async def _leave(self, *, abandoned: bool) -> None:
        await self._tell(self.queue.leave(self.start.call_id, abandoned=abandoned, promised=self.promised))

    async def _tell(self, write: Awaitable[None]) -> None:
        try:
            async with asyncio.timeout(_LEAVE_S):
                await write
        except (HotlineError, TimeoutError) as error:
            self.observer.fault("queue", getattr(error, "code", "timeout"))
