"""Calling out: one attempt, and a word for how it went."""

import asyncio
from typing import Any

from baresip import BaresipError, CallFailed, CallState, CallTimeout, Runtime, StackEvent, UserAgent

from telephony.transfer import TransferOutcome, outcome_of


class DialFailedError(Exception):
    """Nobody answered; ``outcome`` says why, ``reason`` holds the far end's own words."""

    def __init__(self, outcome: TransferOutcome, reason: str):
        super().__init__(reason)
        self.outcome = outcome
        self.reason = reason


async def dial(runtime: Runtime, agent: UserAgent, uri: str, ring_timeout_s: float) -> Any:
    """Call and wait for the answer; returns the established baresip call. Cancelling it gives the call up.

    Raises `DialFailedError`; nothing of the attempt is left then.
    """
    # A far end that answers within a millisecond does so before the call object listens (0.5.2a3): its events are
    # kept and told to it, or the call would ring for ever.
    early: list[StackEvent] = []
    runtime.subscribe(early.append)
    try:
        call = await _invite(agent, uri)
    except (BaresipError, ValueError) as error:
        raise DialFailedError(TransferOutcome.FAILED, str(error)) from error
    finally:
        runtime.unsubscribe(early.append)
    for event in early:
        if call.state is CallState.CLOSED:  # it heard of its end itself, and cannot bear to hear of it twice
            break
        call._on_stack_event(event)
    established = False
    try:
        await call.wait_established(ring_timeout_s)
        established = True
    except CallTimeout as error:
        raise DialFailedError(TransferOutcome.NO_ANSWER, "no answer") from error
    except CallFailed as error:
        raise DialFailedError(outcome_of(error.status), f"{error.status or ''} {error.reason}".strip()) from error
    finally:
        if not established:
            await give_up(call)
    return call


async def _invite(agent: UserAgent, uri: str) -> Any:
    inviting = asyncio.ensure_future(agent.dial(uri))
    try:
        return await asyncio.shield(inviting)
    except asyncio.CancelledError:  # the INVITE may be on its way: it must not ring on without us
        for placed in await asyncio.gather(inviting, return_exceptions=True):
            if not isinstance(placed, BaseException):
                await give_up(placed)
        raise


async def give_up(call: Any) -> None:
    """End a call that may be gone already."""
    try:
        await call.hangup()
    except BaresipError:
        return
