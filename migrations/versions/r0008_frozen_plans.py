"""What was billed stays: a month is closed with its plans, what each committed to, and what was used of it."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_FROZEN = ("closed_plan", "closed_period", "closed_place")
_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("closed_month", sa.Column("form", sa.Integer(), server_default="1", nullable=False))
    op.create_table(
        "closed_plan",
        sa.Column("month", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("plan", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("terms", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["month"], ["closed_month.month"], name=op.f("fk_closed_plan_month")),
        sa.PrimaryKeyConstraint("month", "plan", name=op.f("pk_closed_plan")),
    )
    op.create_table(
        "closed_period",
        sa.Column("month", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("plan", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("committed", sa.String(), nullable=False),
        sa.Column("used", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["month"], ["closed_month.month"], name=op.f("fk_closed_period_month")),
        sa.PrimaryKeyConstraint("month", "plan", "starts_at", name=op.f("pk_closed_period")),
    )
    op.create_table(
        "closed_place",
        sa.Column("month", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("series", _KEY, autoincrement=False, nullable=False),
        sa.Column("resource", sa.String(), nullable=False),
        sa.Column("output", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["month"], ["closed_month.month"], name=op.f("fk_closed_place_month")),
        sa.ForeignKeyConstraint(["series"], ["series.key"], name=op.f("fk_closed_place_series")),
        sa.PrimaryKeyConstraint("month", "series", name=op.f("pk_closed_place")),
    )
    for table in _FROZEN:
        for statement in _guards(table):
            op.execute(statement)


def _guards(table: str) -> list[str]:
    if op.get_bind().dialect.name == "sqlite":
        refuse = f"BEGIN SELECT RAISE(ABORT, '{table}: a closed month does not change'); END"
        return [
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} {refuse}"
            for verb in ("UPDATE", "DELETE")
        ]
    return [
        f"CREATE TRIGGER {table}_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION azlic_closed()"
    ]


def downgrade() -> None:
    for table in _FROZEN:
        op.drop_table(table)
    op.drop_column("closed_month", "form")
