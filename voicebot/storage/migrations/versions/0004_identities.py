"""Accounts know who the identity provider says they are."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("accounts", sa.Column("identity", sa.String(length=64), nullable=True))
    op.create_index("uq_accounts_identity", "accounts", ["identity"], unique=True)
