"""A source of readings may be rounded, as its operator states it."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "reading_rounding",
        sa.Column("key", _KEY, nullable=False),
        sa.Column("source", _KEY, nullable=False),
        sa.Column("after_reading", sa.BigInteger(), nullable=False),
        sa.Column("rounds", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("stated_at", sa.BigInteger(), nullable=False),
        sa.Column("stated_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["source"], ["reading_source.key"], name=op.f("fk_reading_rounding_source")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_reading_rounding")),
    )


def downgrade() -> None:
    op.drop_table("reading_rounding")
