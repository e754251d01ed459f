"""A plan is known by its ARM id; what comes at its end is noted with its day, and who entered what."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("plan", sa.Column("arm_id", sa.String(), nullable=True))
    op.create_index("ix_plan_arm_id_starts_at", "plan", ["arm_id", "starts_at"], unique=True)
    op.add_column("plan_change", sa.Column("entered_by", sa.String(), nullable=True))
    op.create_table(
        "plan_renewal",
        sa.Column("key", _KEY, nullable=False),
        sa.Column("plan", _KEY, nullable=False),
        sa.Column("effective_at", sa.BigInteger(), nullable=False),
        sa.Column("auto_renew", sa.Boolean(), nullable=False),
        sa.Column("tier", sa.String(), nullable=True),
        sa.Column("count", sa.Integer(), nullable=True),
        sa.Column("quota", sa.BigInteger(), nullable=True),
        sa.Column("ends_at", sa.BigInteger(), nullable=True),
        sa.Column("entered_at", sa.BigInteger(), nullable=False),
        sa.Column("entered_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["plan"], ["plan.key"], name=op.f("fk_plan_renewal_plan")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_plan_renewal")),
    )


def downgrade() -> None:
    op.drop_table("plan_renewal")
    op.drop_column("plan_change", "entered_by")
    op.drop_index("ix_plan_arm_id_starts_at", table_name="plan")
    op.drop_column("plan", "arm_id")
