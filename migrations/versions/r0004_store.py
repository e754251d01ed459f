"""A database says itself what it is: a site's ledger or an issuer's store."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# what earlier versions told the two apart by
_ISSUER = ("issuer_resource", "issuer_audit", "issuer_content_key")
_SITE = ("batch", "plan", "reading")
# what only a site has any use for, and what an earlier version wrote into an issuer's store, too
_SITE_TOO = ("adopted_license", "handing_site", "origin", "witness", "open_alert")


def upgrade() -> None:
    op.create_table(
        "store",
        sa.Column("key", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_store")),
    )
    if kind := _kind():
        op.bulk_insert(sa.table("store", sa.column("key", sa.Integer), sa.column("kind")), [{"key": 1, "kind": kind}])


def _kind() -> str | None:
    """What the rows tell; None where there are none, and the first who writes says what it is to be."""
    issuer, site = _holds(_ISSUER), _holds(_SITE)
    if issuer and site:
        return "both"
    if issuer:
        return "issuer"
    return "site" if site or _holds(_SITE_TOO) else None


def _holds(tables: tuple[str, ...]) -> bool:
    connection = op.get_bind()
    return any(
        connection.execute(sa.select(sa.literal_column("1")).select_from(sa.table(name)).limit(1)).first()
        for name in tables
    )


def downgrade() -> None:
    op.drop_table("store")
