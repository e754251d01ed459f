"""A resource may stop its connected containers where its plan is used up."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "issuer_resource", sa.Column("stops_at_quota", sa.Boolean(), server_default=sa.false(), nullable=False)
    )


def downgrade() -> None:
    op.drop_column("issuer_resource", "stops_at_quota")
