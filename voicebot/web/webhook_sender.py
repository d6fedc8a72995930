"""Sending webhooks: signed, with a deadline, again when it failed."""

import asyncio
import hashlib
import hmac
import json

import aiohttp
import structlog

from voicebot.core.errors import HotlineError
from voicebot.core.ports import Clock
from voicebot.storage.documents import plain
from voicebot.storage.tickets import SqlTicketStore
from voicebot.storage.webhooks import Message, Webhooks
from voicebot.web import views

log = structlog.get_logger(__name__)

_LOOK_S = 2.0
_DEADLINE_S = 10.0

SIGNATURE = "X-Hotline-Signature"
TIMESTAMP = "X-Hotline-Timestamp"
MESSAGE = "X-Hotline-Message"


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """``sha256=`` and the HMAC of the timestamp, a dot and the body: what the receiver computes and compares."""
    return "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


class WebhookSender:
    """Brings new events of tickets to whoever asked for them. Several workers may run one at the same time."""

    def __init__(self, webhooks: Webhooks, tickets: SqlTicketStore, clock: Clock):
        self._webhooks = webhooks
        self._tickets = tickets
        self._clock = clock

    async def run(self) -> None:
        """Send until cancelled."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_DEADLINE_S)) as http:
            while True:
                try:
                    await self.send_due(http)
                except HotlineError as error:
                    log.warning("webhooks_failed", code=error.code)
                await asyncio.sleep(_LOOK_S)

    async def send_due(self, http: aiohttp.ClientSession) -> int:
        """Send what is due; returns how many messages arrived."""
        await self._webhooks.collect()
        messages = await self._webhooks.due()
        return sum(await asyncio.gather(*(self._send(http, message) for message in messages)))

    async def _send(self, http: aiohttp.ClientSession, message: Message) -> bool:
        ticket = await self._tickets.find(message.number)
        content = {
            "id": message.message_id,
            "kind": f"ticket.{message.kind}",
            "at": plain(message.created_at),
            "ticket": views.ticket(ticket, ()) if ticket else None,
        }
        body = json.dumps(content, ensure_ascii=False).encode()
        timestamp = str(int(self._clock.now().timestamp()))
        headers = {
            "Content-Type": "application/json",
            TIMESTAMP: timestamp,
            MESSAGE: str(message.message_id),
            SIGNATURE: signature(message.hook.secret, timestamp, body),
        }
        try:
            # A redirect could lead a signed message anywhere.
            async with http.post(message.hook.url, data=body, headers=headers, allow_redirects=False) as answer:
                fault = "" if 200 <= answer.status < 300 else f"http_{answer.status}"
        except (aiohttp.ClientError, TimeoutError) as error:
            fault = type(error).__name__
        if not fault:
            await self._webhooks.arrived(message)
            return True
        log.warning("webhook_failed", message=message.message_id, tries=message.tries, fault=fault)
        await self._webhooks.failed(message, fault)
        return False
