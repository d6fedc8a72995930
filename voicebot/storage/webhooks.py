"""Who is told of what happens to tickets, and the messages on their way.

The log of the tickets is the source: nothing that is in it can be missed, whichever process dies when. A message
may arrive twice (its id tells), but never not at all unless it is on the list of those that were given up.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Row, func, insert, select, update

from voicebot.core.errors import StorageError
from voicebot.core.ports import Clock
from voicebot.storage.database import Database, put
from voicebot.storage.tables import ticket_events, webhook_messages, webhooks

RETRY_S = (10, 60, 600, 3600, 6 * 3600)  # after the first try; then the message is given up
KINDS: tuple[Literal["filed", "revised"], ...] = ("filed", "revised")
_SETTLED = timedelta(seconds=3)  # by then a transaction that took an earlier event's id has ended, one way or the other
_LEASE = timedelta(seconds=60)  # for whoever sends a message; if they die, another one sends it then
_BATCH = 50


@dataclass(frozen=True, slots=True)
class Webhook:
    """Somebody who is told. ``secret`` signs what they get."""

    hook_id: int
    url: str
    secret: str
    kinds: tuple[str, ...]
    created_at: datetime
    disabled: bool


@dataclass(frozen=True, slots=True)
class Message:
    """One thing to be told. ``tries`` counts those begun; ``fault`` is why the last one failed."""

    message_id: int
    hook: Webhook
    number: str
    kind: str
    created_at: datetime
    tries: int
    fault: str


class Webhooks:
    """The tables of webhooks and their messages."""

    def __init__(self, database: Database, clock: Clock):
        self._database = database
        self._clock = clock

    async def add(self, url: str, kinds: tuple[str, ...]) -> Webhook:
        """Tell ``url`` of what happens from now on."""
        if not url.startswith(("https://", "http://")) or not kinds or not set(kinds) <= set(KINDS):
            raise StorageError(
                f"网址须以 https:// 或 http:// 开头，事件须为 {'、'.join(KINDS)}。",
                code="webhook_invalid",
                retryable=False,
            )
        row = {
            "url": url,
            "secret": secrets.token_hex(32),
            "kinds": list(kinds),
            "created_at": self._clock.now(),
        }

        def work(connection: Connection) -> Webhook:
            last = connection.execute(select(func.coalesce(func.max(ticket_events.c.event_id), 0))).scalar_one()
            made = connection.execute(insert(webhooks).values({**row, "last_event_id": last}).returning(webhooks)).one()
            return _webhook(made)

        return await self._database.write(work)

    async def all(self) -> tuple[Webhook, ...]:
        """Everybody who is or was told."""
        query = select(webhooks).order_by(webhooks.c.hook_id)
        return tuple(_webhook(row) for row in await self._database.read(lambda c: c.execute(query).all()))

    async def disable(self, hook_id: int) -> None:
        """Tell them nothing more."""
        statement = update(webhooks).where(webhooks.c.hook_id == hook_id).values(disabled_at=self._clock.now())
        await self._database.write(lambda connection: connection.execute(statement))

    async def collect(self) -> int:
        """Make messages of new events; returns how many."""
        until = self._clock.now() - _SETTLED

        def work(connection: Connection) -> int:
            made = 0
            for hook in connection.execute(select(webhooks).where(webhooks.c.disabled_at.is_(None)).with_for_update()):
                new = (
                    select(ticket_events)
                    .where(ticket_events.c.event_id > hook.last_event_id, ticket_events.c.at <= until)
                    .order_by(ticket_events.c.event_id)
                    .limit(_BATCH)
                )
                events = connection.execute(new).all()
                for event in events:
                    if event.kind in hook.kinds:
                        put(connection, webhook_messages, self._message_row(hook, event))
                        made += 1
                if events:
                    seen = update(webhooks).where(webhooks.c.hook_id == hook.hook_id)
                    connection.execute(seen.values(last_event_id=events[-1].event_id))
            return made

        return await self._database.write(work)

    async def due(self) -> tuple[Message, ...]:
        """Messages to be sent now; whoever asks has a minute before another one gets them."""
        now = self._clock.now()
        query = (
            select(webhook_messages, webhooks.c.url, webhooks.c.secret, webhooks.c.kinds, webhooks.c.disabled_at)
            .join(webhooks, webhooks.c.hook_id == webhook_messages.c.hook_id)
            .where(webhook_messages.c.next_at <= now, webhooks.c.disabled_at.is_(None))
            .order_by(webhook_messages.c.message_id)
            .limit(_BATCH)
            .with_for_update(of=webhook_messages, skip_locked=True)
        )

        def work(connection: Connection) -> tuple[Message, ...]:
            rows = connection.execute(query).all()
            mine = webhook_messages.c.message_id.in_([row.message_id for row in rows])
            lease = {"next_at": now + _LEASE, "tries": webhook_messages.c.tries + 1}
            connection.execute(update(webhook_messages).where(mine).values(lease))
            return tuple(_message(row, row.tries + 1) for row in rows)

        return await self._database.write(work)

    async def arrived(self, message: Message) -> None:
        """It was taken."""
        await self._set(message.message_id, next_at=None, delivered_at=self._clock.now(), fault="")

    async def failed(self, message: Message, fault: str) -> None:
        """It was not; try later, or give it up."""
        waits = RETRY_S[message.tries - 1 : message.tries]
        again = self._clock.now() + timedelta(seconds=waits[0]) if waits else None
        await self._set(message.message_id, next_at=again, fault=fault[:64])

    async def given_up(self, limit: int = 200) -> tuple[Message, ...]:
        """The dead letters, newest first."""
        query = (
            select(webhook_messages, webhooks.c.url, webhooks.c.secret, webhooks.c.kinds, webhooks.c.disabled_at)
            .join(webhooks, webhooks.c.hook_id == webhook_messages.c.hook_id)
            .where(webhook_messages.c.next_at.is_(None), webhook_messages.c.delivered_at.is_(None))
            .order_by(webhook_messages.c.message_id.desc())
            .limit(limit)
        )
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(_message(row, row.tries) for row in rows)

    async def send_again(self, message_id: int) -> None:
        """Try a dead letter from the beginning."""
        await self._set(message_id, next_at=self._clock.now(), tries=0)

    async def _set(self, message_id: int, **values: object) -> None:
        statement = update(webhook_messages).where(webhook_messages.c.message_id == message_id).values(values)
        await self._database.write(lambda connection: connection.execute(statement))

    def _message_row(self, hook: Row[Any], event: Row[Any]) -> dict[str, object]:
        return {
            "hook_id": hook.hook_id,
            "event_id": event.event_id,
            "number": event.number,
            "kind": event.kind,
            "created_at": event.at,
            "tries": 0,
            "next_at": self._clock.now(),
            "fault": "",
        }


def _webhook(row: Row[Any]) -> Webhook:
    return Webhook(row.hook_id, row.url, row.secret, tuple(row.kinds), row.created_at, row.disabled_at is not None)


def _message(row: Row[Any], tries: int) -> Message:
    return Message(row.message_id, _webhook(row), row.number, row.kind, row.created_at, tries, row.fault)
