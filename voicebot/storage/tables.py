"""The tables of the record. What is searched for has a column of its own; the rest of a noun is JSON.

The migrations in ``migrations/`` build exactly this; a test compares the two on both databases.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    text,
)
from sqlalchemy.dialects import postgresql

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime, stored in UTC; SQLite keeps no zone, so it is put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive time: nobody could tell which zone it meant."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored time must know its zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Return the time in UTC."""
        if value is None:
            return None
        stored: datetime = value
        return stored.replace(tzinfo=UTC) if stored.tzinfo is None else stored.astimezone(UTC)


Document = JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
# SQLite counts rows by itself only in an INTEGER primary key.
Serial = BigInteger().with_variant(Integer, "sqlite")


workers = Table(
    "workers",
    metadata,
    Column("worker_id", String(32), primary_key=True),
    Column("machine", String(200), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("process_start", String(40), nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("stopped_at", UtcDateTime),
)

calls = Table(
    "calls",
    metadata,
    Column("call_id", String(64), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("channel", String(20), nullable=False),
    Column("caller_number", String(128), nullable=False),
    Column("dialled_number", String(128), nullable=False),
    Column("diversion", String(256), nullable=False),
    Column("answered_at", UtcDateTime, nullable=False, index=True),
    Column("ended_at", UtcDateTime),
    Column("end", String(20)),
    Column("worker_id", String(32), nullable=False),
    Column("latency_ms", Document),
    Column("erased_at", UtcDateTime),
)
# The calls in progress are few among millions.
Index("ix_calls_open", calls.c.worker_id, sqlite_where=calls.c.end.is_(None), postgresql_where=calls.c.end.is_(None))
Index("ix_calls_caller", calls.c.caller_number, calls.c.answered_at)

turns = Table(
    "turns",
    metadata,
    Column("call_id", String(64), ForeignKey("calls.call_id"), primary_key=True),
    Column("index", Integer, primary_key=True, autoincrement=False),
    Column("speaker", String(10), nullable=False),
    Column("text", Text, nullable=False),
    Column("raw_text", Text, nullable=False),
    Column("start_ms", Float, nullable=False),
    Column("end_ms", Float, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("language", String(20), nullable=False),
    Column("source", Text),
    Column("corrections", Document, nullable=False),
)

call_events = Table(
    "call_events",
    metadata,
    Column("event_id", Serial, primary_key=True, autoincrement=True),
    Column("call_id", String(64), ForeignKey("calls.call_id"), nullable=False, index=True),
    Column("at", UtcDateTime, nullable=False),
    Column("kind", String(64), nullable=False),
    Column("detail", Document, nullable=False),
)

drafts = Table(
    "drafts",
    metadata,
    Column("call_id", String(64), ForeignKey("calls.call_id"), primary_key=True),
    Column("saved_at", UtcDateTime, nullable=False),
    Column("draft", Document, nullable=False),
)

recordings = Table(
    "recordings",
    metadata,
    # No foreign key: the file may be there before the call is on record.
    Column("call_id", String(64), primary_key=True),
    Column("path", Text, nullable=False),
    Column("started_at", UtcDateTime, nullable=False, index=True),
    Column("seconds", Float),
    Column("state", String(20), nullable=False),
)

tickets = Table(
    "tickets",
    metadata,
    Column("number", String(32), primary_key=True),
    Column("digits", String(32), nullable=False, index=True),
    # No foreign key: a ticket outlives the record of its call.
    Column("call_id", String(64), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("tenant", String(64), nullable=False),
    Column("channel", String(20), nullable=False),
    Column("filed_at", UtcDateTime, nullable=False),
    Column("state", String(20), nullable=False),
    Column("type", String(20)),
    Column("category", Text, nullable=False),
    Column("department", String(64), nullable=False),
    Column("node", String(64), nullable=False),
    Column("caller_phone", String(128), nullable=False),
    Column("draft", Document, nullable=False),
    Column("identity_erased_at", UtcDateTime),
)
Index("uq_tickets_call_id_sequence", tickets.c.call_id, tickets.c.sequence, unique=True)
Index("ix_tickets_phone", tickets.c.caller_phone, tickets.c.filed_at)
Index("ix_tickets_filed", tickets.c.tenant, tickets.c.filed_at)
Index("ix_tickets_department", tickets.c.department, tickets.c.state)

ticket_events = Table(
    "ticket_events",
    metadata,
    Column("event_id", Serial, primary_key=True, autoincrement=True),
    Column("number", String(32), ForeignKey("tickets.number"), nullable=False, index=True),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", String(128), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("detail", Document, nullable=False),
)

ticket_numbers = Table(
    "ticket_numbers",
    metadata,
    Column("prefix", String(8), primary_key=True),
    Column("day", String(8), primary_key=True),
    Column("last", Integer, nullable=False),
)

queue_entries = Table(
    "queue_entries",
    metadata,
    Column("entry_id", Serial, primary_key=True, autoincrement=True),
    Column("call_id", String(64), nullable=False),
    Column("reason", String(32), nullable=False),
    Column("skill", String(32), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("summary", Text, nullable=False),
    Column("caller_number", String(128), nullable=False),
    Column("draft", Document),
    Column("turns", Document, nullable=False),
    Column("joined_at", UtcDateTime, nullable=False),
    Column("state", String(20), nullable=False),
    Column("agent", String(64), nullable=False),
    Column("claimed_at", UtcDateTime),
    Column("left_at", UtcDateTime),
    # Whose turn it is: the time of joining, moved forward for what is urgent.
    Column("turn_at", UtcDateTime, nullable=False),
    Column("offered_to", String(64), nullable=False),
    Column("offered_at", UtcDateTime),
    Column("offers", Integer, nullable=False),
    Column("connected_at", UtcDateTime),
    Column("call_back", String(16), nullable=False),
    Column("outcome", String(32), nullable=False),
    Column("edits", Document, nullable=False),
)
Index("ix_queue_entries_joined_at", queue_entries.c.joined_at)
_LIVE = text("state IN ('waiting', 'claimed')")
_WAITING = text("state = 'waiting'")
# One live place per call, whoever asks twice.
Index("uq_queue_entries_live_call", queue_entries.c.call_id, unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE)
Index(
    "ix_queue_entries_turn",
    queue_entries.c.turn_at,
    queue_entries.c.entry_id,
    sqlite_where=_WAITING,
    postgresql_where=_WAITING,
)

unanswered_questions = Table(
    "unanswered_questions",
    metadata,
    Column("question_id", Serial, primary_key=True, autoincrement=True),
    Column("tenant", String(64), nullable=False),
    Column("call_id", String(64), nullable=False),
    Column("asked_at", UtcDateTime, nullable=False, index=True),
    Column("question", Text, nullable=False),
    Column("nearest_article", String(128), nullable=False),
    Column("score", Float, nullable=False),
)

audit_events = Table(
    "audit_events",
    metadata,
    Column("event_id", Serial, primary_key=True, autoincrement=True),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", String(128), nullable=False),
    Column("kind", String(64), nullable=False, index=True),
    Column("detail", Document, nullable=False),
)

accounts = Table(
    "accounts",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("display_name", String(64), nullable=False),
    Column("role", String(20), nullable=False),
    Column("skills", Document, nullable=False),
    Column("extension", String(128), nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("must_change", Boolean, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("locked_until", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("disabled_at", UtcDateTime),
    # Who the identity provider says it is: a digest of issuer and subject; none before the first such login.
    Column("identity", String(64)),
)
Index("uq_accounts_identity", accounts.c.identity, unique=True)

login_sessions = Table(
    "login_sessions",
    metadata,
    # Only the hash: whoever reads the table cannot log in with it.
    Column("token_hash", String(64), primary_key=True),
    Column("name", String(64), ForeignKey("accounts.name"), nullable=False, index=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
    Column("address", String(64), nullable=False),
)

agents = Table(
    "agents",
    metadata,
    Column("name", String(64), ForeignKey("accounts.name"), primary_key=True),
    Column("state", String(20), nullable=False),
    Column("reason", String(64), nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("entry_id", BigInteger),
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("hook_id", Serial, primary_key=True, autoincrement=True),
    Column("url", Text, nullable=False),
    Column("secret", String(64), nullable=False),
    Column("kinds", Document, nullable=False),
    # Events of tickets up to this one have been looked at.
    Column("last_event_id", BigInteger, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("disabled_at", UtcDateTime),
)

webhook_messages = Table(
    "webhook_messages",
    metadata,
    Column("message_id", Serial, primary_key=True, autoincrement=True),
    Column("hook_id", BigInteger, ForeignKey("webhooks.hook_id"), nullable=False),
    Column("event_id", BigInteger, nullable=False),
    Column("number", String(32), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("tries", Integer, nullable=False),
    # When to try again; none once it has arrived or was given up.
    Column("next_at", UtcDateTime, index=True),
    Column("delivered_at", UtcDateTime),
    Column("fault", String(64), nullable=False),
)
Index("uq_webhook_messages_hook_id_event_id", webhook_messages.c.hook_id, webhook_messages.c.event_id, unique=True)
