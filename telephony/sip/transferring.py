"""Handing a call on: by REFER alone, or by asking the target first."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from baresip import BaresipError, CallState, TransferFailed

from telephony.settings import TelephonySettings
from telephony.sip.addresses import host_of, sip_uri
from telephony.sip.dialling import DialFailedError, give_up
from telephony.transfer import TransferOutcome, is_allowed, outcome_of

log = structlog.get_logger(__name__)

_RESUME_TRIES = 10  # the stack refuses while the peer's answer to the hold is still under way
_RESUME_WAIT_S = 0.1

Consult = Callable[[str], Awaitable[Any]]


class Transferring:
    """Transfers of one call. ``over`` is set when the call ends; ``consult`` calls a target for an attended one."""

    def __init__(self, call: Any, settings: TelephonySettings, over: asyncio.Event, consult: Consult):
        self._call = call
        self._settings = settings
        self._over = over
        self._consult = consult

    async def to(self, target: str) -> TransferOutcome:
        """Transfer to a SIP URI, or to an extension at the caller's own switch.

        After ``answered`` the call is over for us; after anything else it goes on, with audio in both directions.
        """
        if not is_allowed(target, self._settings.transfer_targets):
            log.warning("transfer_target_not_allowed", target_pii=target)
            return TransferOutcome.REFUSED
        uri = sip_uri(target, host_of(self._call.peer or ""))
        attended = self._settings.transfer == "attended" and self._knows_replaces()
        try:
            return await (self._attended(uri) if attended else self._blind(uri))
        except TransferFailed as failure:
            return outcome_of(failure.status)
        except (BaresipError, ValueError) as error:
            log.warning("transfer_not_sent", error=type(error).__name__)
            return TransferOutcome.FAILED

    def _knows_replaces(self) -> bool:
        supported = next((value for name, value in self._call.headers.items() if name.lower() == "supported"), "")
        return "replaces" in supported.lower()

    async def _blind(self, uri: str) -> TransferOutcome:
        await self._call.transfer(uri, timeout=self._settings.transfer_timeout_s)
        return TransferOutcome.ANSWERED

    async def _attended(self, uri: str) -> TransferOutcome:
        dialling = asyncio.ensure_future(self._consult(uri))
        over = asyncio.create_task(self._over.wait())
        try:
            await asyncio.wait({dialling, over}, return_when=asyncio.FIRST_COMPLETED)
            if not dialling.done():  # the caller gave up while it rang
                return TransferOutcome.FAILED
            consultation = dialling.result()
        except DialFailedError as failure:
            return failure.outcome
        finally:
            over.cancel()
            if not dialling.done():
                dialling.cancel()
                await asyncio.gather(dialling, return_exceptions=True)
        try:
            await self._call.attended_transfer(consultation, timeout=self._settings.transfer_timeout_s)
        except (BaresipError, ValueError):
            await self._fetch_back()
            raise
        finally:
            await give_up(consultation)  # after a success the target has already taken its place
        return TransferOutcome.ANSWERED

    async def _fetch_back(self) -> None:
        """Both legs were put on hold; the caller must hear us again."""
        for _ in range(_RESUME_TRIES):
            if self._call.state is not CallState.ESTABLISHED or not self._call.is_on_hold:
                return
            with contextlib.suppress(BaresipError):
                await self._call.resume()
                return
            await asyncio.sleep(_RESUME_WAIT_S)
        log.error("caller_left_on_hold")
