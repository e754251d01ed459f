"""Rules say which of several plans of a meter takes what was used."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "plan_rule",
        sa.Column("key", _KEY, nullable=False),
        sa.Column("plan", _KEY, nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("stands", sa.Boolean(), nullable=False),
        sa.Column("entered_at", sa.BigInteger(), nullable=False),
        sa.Column("entered_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["plan"], ["plan.key"], name=op.f("fk_plan_rule_plan")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_plan_rule")),
    )


def downgrade() -> None:
    op.drop_table("plan_rule")
