"""Closed months, the hand-over, adopted licenses and alerts."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "acknowledged_alert",
        sa.Column("alert", sa.String(), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=False),
        sa.Column("acknowledged_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("alert", name=op.f("pk_acknowledged_alert")),
    )
    op.create_table(
        "adopted_license",
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("container_type", sa.String(), nullable=False),
        sa.Column("image", sa.String(), nullable=True),
        sa.Column("resource", sa.String(), nullable=True),
        sa.Column("downloaded_at", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("adopted_at", sa.BigInteger(), nullable=False),
        sa.Column("stated_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("path", name=op.f("pk_adopted_license")),
    )
    op.create_table(
        "audit_outcome",
        sa.Column("key", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("audited_at", sa.BigInteger(), nullable=False),
        sa.Column("sound", sa.Boolean(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_audit_outcome")),
    )
    op.create_table(
        "known_license",
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("stamp", sa.LargeBinary(), nullable=False),
        sa.Column("verified_at", sa.BigInteger(), nullable=False),
        sa.Column("container_type", sa.String(), nullable=False),
        sa.Column("license_id", sa.String(), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("grace_ends_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("path", name=op.f("pk_known_license")),
    )
    op.create_table(
        "export",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("first_batch", sa.BigInteger(), nullable=False),
        sa.Column("last_batch", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("holds", sa.String(), nullable=False),
        sa.Column("month", sa.Integer(), nullable=True),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_export")),
    )
    op.create_table(
        "notice",
        sa.Column("alert", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("tried_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("alert", "stage", "channel", name=op.f("pk_notice")),
    )
    op.create_table(
        "open_alert",
        sa.Column("alert", sa.String(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("alert", name=op.f("pk_open_alert")),
    )
    op.create_table(
        "origin",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_origin")),
    )
    op.create_table(
        "correction",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("booked_month", sa.Integer(), nullable=False),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("record_id", sa.String(), nullable=False),
        sa.Column("series", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("batch", sa.BigInteger(), nullable=False),
        sa.Column("booked_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["series"], ["series.key"], name=op.f("fk_correction_series")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_correction")),
    )
    op.create_index("ix_correction_booked_month", "correction", ["booked_month"], unique=False)
    op.create_index("ix_correction_record_id", "correction", ["record_id"], unique=False)
    op.create_table(
        "handing_site",
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("public_key", sa.String(), nullable=False),
        sa.Column("origin", sa.String(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.LargeBinary(), nullable=False),
        sa.Column("source", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("seen_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["source"], ["source.key"], name=op.f("fk_handing_site_source")),
        sa.PrimaryKeyConstraint("site", name=op.f("pk_handing_site")),
    )
    op.create_table(
        "accepted_export",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("first_batch", sa.BigInteger(), nullable=False),
        sa.Column("last_batch", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.LargeBinary(), nullable=False),
        sa.Column("accepted_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["site"], ["handing_site.site"], name=op.f("fk_accepted_export_site")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_accepted_export")),
    )
    op.create_table(
        "closed_month",
        sa.Column("month", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=False),
        sa.Column("batch", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("totals", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["batch"], ["batch.sequence"], name=op.f("fk_closed_month_batch")),
        sa.PrimaryKeyConstraint("month", name=op.f("pk_closed_month")),
    )
    op.create_table(
        "closed_total",
        sa.Column("month", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("series", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["month"], ["closed_month.month"], name=op.f("fk_closed_total_month")),
        sa.ForeignKeyConstraint(["series"], ["series.key"], name=op.f("fk_closed_total_series")),
        sa.PrimaryKeyConstraint("month", "series", name=op.f("pk_closed_total")),
    )


def downgrade() -> None:
    op.drop_table("closed_total")
    op.drop_table("closed_month")
    op.drop_table("accepted_export")
    op.drop_table("handing_site")
    op.drop_index("ix_correction_record_id", table_name="correction")
    op.drop_index("ix_correction_booked_month", table_name="correction")
    op.drop_table("correction")
    op.drop_table("origin")
    op.drop_table("open_alert")
    op.drop_table("notice")
    op.drop_table("export")
    op.drop_table("known_license")
    op.drop_table("audit_outcome")
    op.drop_table("adopted_license")
    op.drop_table("acknowledged_alert")
