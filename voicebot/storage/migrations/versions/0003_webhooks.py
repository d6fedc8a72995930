"""Webhooks: who is told of tickets, and each message until it has arrived or was given up."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
DOCUMENT = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "webhooks",
        sa.Column("hook_id", SERIAL, autoincrement=True, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.String(length=64), nullable=False),
        sa.Column("kinds", DOCUMENT, nullable=False),
        sa.Column("last_event_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("disabled_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("hook_id"),
    )
    op.create_table(
        "webhook_messages",
        sa.Column("message_id", SERIAL, autoincrement=True, nullable=False),
        sa.Column("hook_id", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_at", TIME, nullable=True),
        sa.Column("delivered_at", TIME, nullable=True),
        sa.Column("fault", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["hook_id"], ["webhooks.hook_id"]),
        sa.PrimaryKeyConstraint("message_id"),
    )
    op.create_index("uq_webhook_messages_hook_id_event_id", "webhook_messages", ["hook_id", "event_id"], unique=True)
    op.create_index("ix_webhook_messages_next_at", "webhook_messages", ["next_at"])
