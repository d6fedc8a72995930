"""The desk: accounts and logins, agents and their states, whose turn it is in the queue."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
DOCUMENT = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    op.drop_index("ix_queue_entries_order", "queue_entries")
    for column in (
        sa.Column("turn_at", TIME, nullable=True),
        sa.Column("offered_to", sa.String(length=64), nullable=False, server_default=""),
        sa.Column("offered_at", TIME, nullable=True),
        sa.Column("offers", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("connected_at", TIME, nullable=True),
        sa.Column("call_back", sa.String(length=16), nullable=False, server_default=""),
        sa.Column("outcome", sa.String(length=32), nullable=False, server_default=""),
        sa.Column("edits", DOCUMENT, nullable=False, server_default="{}"),
    ):
        op.add_column("queue_entries", column)
    op.execute("UPDATE queue_entries SET turn_at = joined_at")
    with op.batch_alter_table("queue_entries") as table:
        table.alter_column("turn_at", existing_type=TIME, nullable=False)
        for name in ("offered_to", "offers", "call_back", "outcome", "edits"):
            table.alter_column(name, server_default=None)
    op.create_index("ix_queue_entries_joined_at", "queue_entries", ["joined_at"])
    op.create_index(
        "ix_queue_entries_turn",
        "queue_entries",
        ["turn_at", "entry_id"],
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "accounts",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("display_name", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("skills", DOCUMENT, nullable=False),
        sa.Column("extension", sa.String(length=128), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("must_change", sa.Boolean(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locked_until", TIME, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("disabled_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "login_sessions",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("revoked_at", TIME, nullable=True),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["name"], ["accounts.name"]),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_index("ix_login_sessions_name", "login_sessions", ["name"])
    op.create_table(
        "agents",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["name"], ["accounts.name"]),
        sa.PrimaryKeyConstraint("name"),
    )
