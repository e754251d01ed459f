"""An audit that failed is kept, bound by the chain, until one that looks as far passes."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "failed_audit",
        sa.Column("number", _KEY, nullable=False),
        sa.Column("failed_at", sa.BigInteger(), nullable=False),
        sa.Column("checks", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("passed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_failed_audit")),
    )


def downgrade() -> None:
    op.drop_table("failed_audit")
