"""Of a line that is too long to be kept whole, the quarantine holds the beginning, and the length of all of it."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("quarantine", sa.Column("length", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("quarantine", "length")
