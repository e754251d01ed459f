"""What a report rests on is in the chain: rows of tables that may change are booked as entries, bound by batches."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_GUARDS = {
    "sqlite": [
        f"CREATE TRIGGER entry_no_{verb.lower()} BEFORE {verb} ON entry"
        " BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END"
        for verb in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        "CREATE TRIGGER entry_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON entry"
        " FOR EACH STATEMENT EXECUTE FUNCTION ledger_only_grows()"
    ],
}


def upgrade() -> None:
    op.create_table(
        "entry",
        sa.Column("number", _KEY, nullable=False),
        sa.Column("batch", sa.BigInteger(), nullable=False),
        sa.Column("table_name", sa.String(), nullable=False),
        sa.Column("row_key", sa.String(), nullable=False),
        sa.Column("image", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_entry")),
    )
    op.create_index("ix_entry_batch", "entry", ["batch"])
    op.create_index("ix_entry_table_name_row_key", "entry", ["table_name", "row_key"])
    op.add_column("batch", sa.Column("entries", sa.LargeBinary(), nullable=True))
    for statement in _GUARDS[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    op.drop_column("batch", "entries")
    op.drop_table("entry")
