"""The first schema: calls, turns, tickets, the human queue, recordings; logs that can only grow."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
DOCUMENT = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "audit_events",
        sa.Column("event_id", SERIAL, autoincrement=True, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("detail", DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("event_id"),
    )
    op.create_index("ix_audit_events_kind", "audit_events", ["kind"])
    op.create_table(
        "calls",
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("caller_number", sa.String(length=128), nullable=False),
        sa.Column("dialled_number", sa.String(length=128), nullable=False),
        sa.Column("diversion", sa.String(length=256), nullable=False),
        sa.Column("answered_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("end", sa.String(length=20), nullable=True),
        sa.Column("worker_id", sa.String(length=32), nullable=False),
        sa.Column("latency_ms", DOCUMENT, nullable=True),
        sa.Column("erased_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("call_id"),
    )
    op.create_index("ix_calls_answered_at", "calls", ["answered_at"])
    op.create_index("ix_calls_caller", "calls", ["caller_number", "answered_at"])
    op.create_index(
        "ix_calls_open",
        "calls",
        ["worker_id"],
        sqlite_where=sa.text('"end" IS NULL'),
        postgresql_where=sa.text('"end" IS NULL'),
    )
    op.create_table(
        "queue_entries",
        sa.Column("entry_id", SERIAL, autoincrement=True, nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("skill", sa.String(length=32), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("caller_number", sa.String(length=128), nullable=False),
        sa.Column("draft", DOCUMENT, nullable=True),
        sa.Column("turns", DOCUMENT, nullable=False),
        sa.Column("joined_at", TIME, nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("agent", sa.String(length=64), nullable=False),
        sa.Column("claimed_at", TIME, nullable=True),
        sa.Column("left_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("entry_id"),
    )
    op.create_index(
        "ix_queue_entries_order",
        "queue_entries",
        ["priority", "joined_at", "entry_id"],
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index(
        "uq_queue_entries_live_call",
        "queue_entries",
        ["call_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('waiting', 'claimed')"),
        postgresql_where=sa.text("state IN ('waiting', 'claimed')"),
    )
    op.create_table(
        "ticket_numbers",
        sa.Column("prefix", sa.String(length=8), nullable=False),
        sa.Column("day", sa.String(length=8), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("prefix", "day"),
    )
    op.create_table(
        "tickets",
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("digits", sa.String(length=32), nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("filed_at", TIME, nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("type", sa.String(length=20), nullable=True),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("department", sa.String(length=64), nullable=False),
        sa.Column("node", sa.String(length=64), nullable=False),
        sa.Column("caller_phone", sa.String(length=128), nullable=False),
        sa.Column("draft", DOCUMENT, nullable=False),
        sa.Column("identity_erased_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("ix_tickets_department", "tickets", ["department", "state"])
    op.create_index("ix_tickets_digits", "tickets", ["digits"])
    op.create_index("ix_tickets_filed", "tickets", ["tenant", "filed_at"])
    op.create_index("ix_tickets_phone", "tickets", ["caller_phone", "filed_at"])
    op.create_index("uq_tickets_call_id_sequence", "tickets", ["call_id", "sequence"], unique=True)
    op.create_table(
        "unanswered_questions",
        sa.Column("question_id", SERIAL, autoincrement=True, nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("nearest_article", sa.String(length=128), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("question_id"),
    )
    op.create_index("ix_unanswered_questions_asked_at", "unanswered_questions", ["asked_at"])
    op.create_table(
        "workers",
        sa.Column("worker_id", sa.String(length=32), nullable=False),
        sa.Column("machine", sa.String(length=200), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("process_start", sa.String(length=40), nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.Column("stopped_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("worker_id"),
    )
    op.create_table(
        "call_events",
        sa.Column("event_id", SERIAL, autoincrement=True, nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("detail", DOCUMENT, nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["calls.call_id"]),
        sa.PrimaryKeyConstraint("event_id"),
    )
    op.create_index("ix_call_events_call_id", "call_events", ["call_id"])
    op.create_table(
        "drafts",
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("saved_at", TIME, nullable=False),
        sa.Column("draft", DOCUMENT, nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["calls.call_id"]),
        sa.PrimaryKeyConstraint("call_id"),
    )
    op.create_table(
        "recordings",
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.PrimaryKeyConstraint("call_id"),
    )
    op.create_index("ix_recordings_started_at", "recordings", ["started_at"])
    op.create_table(
        "ticket_events",
        sa.Column("event_id", SERIAL, autoincrement=True, nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("detail", DOCUMENT, nullable=False),
        sa.ForeignKeyConstraint(["number"], ["tickets.number"]),
        sa.PrimaryKeyConstraint("event_id"),
    )
    op.create_index("ix_ticket_events_number", "ticket_events", ["number"])
    op.create_table(
        "turns",
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("speaker", sa.String(length=10), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("raw_text", sa.Text(), nullable=False),
        sa.Column("start_ms", sa.Float(), nullable=False),
        sa.Column("end_ms", sa.Float(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("language", sa.String(length=20), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("corrections", DOCUMENT, nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["calls.call_id"]),
        sa.PrimaryKeyConstraint("call_id", "index"),
    )

    guard = _guard_postgresql if op.get_bind().dialect.name == "postgresql" else _guard_sqlite
    for table in ("ticket_events", "audit_events"):
        guard(table, "UPDATE", "")
        guard(table, "DELETE", "")
    # The log of a call goes with its transcript when that is erased by retention, and never before.
    guard("call_events", "UPDATE", "")
    guard("call_events", "DELETE", "SELECT erased_at FROM calls WHERE call_id = OLD.call_id")


def _guard_sqlite(table: str, verb: str, permit: str) -> None:
    when = f"WHEN ({permit}) IS NULL" if permit else ""
    op.execute(
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} {when} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    )


def _guard_postgresql(table: str, verb: str, permit: str) -> None:
    name = f"{table}_no_{verb.lower()}"
    condition = f"({permit}) IS NULL" if permit else "TRUE"
    op.execute(
        f"""
        CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF {condition} THEN
                RAISE EXCEPTION '{table} is append-only' USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN OLD;
        END $$
        """
    )
    op.execute(f"CREATE TRIGGER {name} BEFORE {verb} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()")
    if verb == "DELETE":
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_no_update()"
        )
