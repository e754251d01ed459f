"""A container on a resource's list may be licensed for one model."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("issuer_resource_container", sa.Column("model", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("issuer_resource_container", "model")
