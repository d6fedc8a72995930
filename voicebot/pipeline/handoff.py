"""Handing over to a person: the queue, the transfer, and a kind word while the caller waits."""

import asyncio
from dataclasses import dataclass
from typing import Protocol

import structlog

from voicebot.core.actions import HandOff, HandOffFailed, HandOffQueued, Outcome
from voicebot.core.call import CallStart, HandOffReason, HandOffRequest
from voicebot.core.errors import HotlineError
from voicebot.core.ports import AgentQueue, Line
from voicebot.core.ticket import TicketDraft
from voicebot.core.turn import Turn
from voicebot.pipeline.observer import Observer

log = structlog.get_logger(__name__)


class TransferTargets(Protocol):
    """Where a call may be transferred to; nothing else is ever dialled."""

    def target(self, handoff: HandOff) -> str:
        """A SIP URI or extension, "" when the call waits in the queue."""


@dataclass(slots=True)
class Transferring:
    """Puts one call into the human queue and, where a target is set, transfers it once the caller has been told."""

    start: CallStart
    line: Line
    queue: AgentQueue
    targets: TransferTargets
    observer: Observer
    queued: bool = False
    transferred: bool = False

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
        return HandOffQueued(entry.position)

    async def transfer(self, action: HandOff) -> str:
        """Transfer to the target of this hand-off; returns the typed outcome, "" when there is no target."""
        target = self.targets.target(action)
        if not target:
            return ""
        try:
            outcome = await self.line.transfer(target)
        except HotlineError as error:
            self.observer.fault("transfer", error.code)
            return "failed"
        self.transferred = outcome == "answered"
        if self.transferred:
            await self._leave(abandoned=False)
        return outcome

    async def fault(self, draft: TicketDraft | None, turns: tuple[Turn, ...]) -> None:
        """Something broke in the call: a person takes over."""
        await self.hand_off(HandOff(HandOffReason.FAULT, priority=3), draft, turns)

    async def call_over(self) -> None:
        """The caller is gone; a place that still waits is marked as abandoned, so that someone calls back."""
        if self.queued and not self.transferred:
            await self._leave(abandoned=True)

    async def _leave(self, *, abandoned: bool) -> None:
        try:
            async with asyncio.timeout(5):
                await self.queue.leave(self.start.call_id, abandoned=abandoned)
        except (HotlineError, TimeoutError) as error:
            self.observer.fault("queue", getattr(error, "code", "timeout"))
