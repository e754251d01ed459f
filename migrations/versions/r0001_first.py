"""The first schema: the issuer's store and the usage ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "chain",
        sa.Column("container_id", sa.String(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("container_id", name=op.f("pk_chain")),
    )
    op.create_table(
        "issuer_subscription",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("approved_at", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_issuer_subscription")),
    )
    op.create_table(
        "plan",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("plan_type", sa.String(), nullable=False),
        sa.Column("tier", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("quota", sa.BigInteger(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("auto_renew", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_plan")),
        sa.UniqueConstraint("name", name=op.f("uq_plan_name")),
    )
    op.create_table(
        "record",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("series", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=True),
        sa.Column("extra", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_record")),
        sa.UniqueConstraint("id", name=op.f("uq_record_id")),
    )
    op.create_table(
        "series",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("container_type", sa.String(), nullable=False),
        sa.Column("container_version", sa.String(), nullable=False),
        sa.Column("container_id", sa.String(), nullable=False),
        sa.Column("meter", sa.String(), nullable=False),
        sa.Column("api_type", sa.String(), nullable=False),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("batch", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_series")),
        sa.UniqueConstraint(
            "container_type", "container_version", "container_id", "meter", "api_type", "site", name="uq_series_labels"
        ),
    )
    op.create_table(
        "source",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("device", sa.BigInteger(), nullable=False),
        sa.Column("inode", sa.BigInteger(), nullable=False),
        sa.Column("changed_ns", sa.BigInteger(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("pending", sa.BigInteger(), nullable=False),
        sa.Column("head_length", sa.Integer(), nullable=False),
        sa.Column("head", sa.LargeBinary(), nullable=False),
        sa.Column("marker_length", sa.Integer(), nullable=False),
        sa.Column("marker", sa.LargeBinary(), nullable=False),
        sa.Column("consumed", sa.LargeBinary(), nullable=False),
        sa.Column("vanished_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_source")),
    )
    op.create_index("ix_source_device_inode", "source", ["device", "inode"], unique=False)
    op.create_index("ix_source_head", "source", ["head"], unique=False)
    op.create_index("ix_source_path", "source", ["path"], unique=False)
    op.create_table(
        "batch",
        sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("file", sa.String(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("stop", sa.BigInteger(), nullable=False),
        sa.Column("consumed", sa.LargeBinary(), nullable=False),
        sa.Column("first_record", sa.BigInteger(), nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column("rows", sa.LargeBinary(), nullable=False),
        sa.Column("head", sa.LargeBinary(), nullable=False),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["source"], ["source.key"], name=op.f("fk_batch_source")),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_batch")),
    )
    op.create_table(
        "finding",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("source", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("file", sa.String(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("container_id", sa.String(), nullable=True),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("settled_why", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["source"], ["source.key"], name=op.f("fk_finding_source")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_finding")),
        sa.UniqueConstraint("kind", "file", "detail", name=op.f("uq_finding_kind_file_detail")),
    )
    op.create_table(
        "gap",
        sa.Column("container_id", sa.String(), nullable=False),
        sa.Column("first", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["source"], ["source.key"], name=op.f("fk_gap_source")),
        sa.PrimaryKeyConstraint("container_id", "first", name=op.f("pk_gap")),
    )
    op.create_table(
        "issuer_resource",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("subscription", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("plan", sa.String(), nullable=False),
        sa.Column("term_seconds", sa.BigInteger(), nullable=False),
        sa.Column("grace_days", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["subscription"], ["issuer_subscription.name"], name=op.f("fk_issuer_resource_subscription")
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_issuer_resource")),
    )
    op.create_table(
        "plan_change",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("plan", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("effective_at", sa.BigInteger(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("quota", sa.BigInteger(), nullable=False),
        sa.Column("prorated", sa.Boolean(), nullable=False),
        sa.Column("entered_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["plan"], ["plan.key"], name=op.f("fk_plan_change_plan")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_plan_change")),
    )
    op.create_table(
        "plan_meter",
        sa.Column("plan", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("meter", sa.String(), nullable=False),
        sa.Column("multiplier", sa.BigInteger(), nullable=False),
        sa.Column("divisor", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["plan"], ["plan.key"], name=op.f("fk_plan_meter_plan")),
        sa.PrimaryKeyConstraint("plan", "meter", name=op.f("pk_plan_meter")),
    )
    op.create_table(
        "quarantine",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("source", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("file", sa.String(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("record_id", sa.String(), nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_as", sa.String(), nullable=True),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("settled_why", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["source"], ["source.key"], name=op.f("fk_quarantine_source")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_quarantine")),
        sa.UniqueConstraint("file", "start", "digest", name=op.f("uq_quarantine_file_start_digest")),
    )
    op.create_table(
        "reading_source",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("source", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("mirror_of", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["mirror_of"], ["reading_source.key"], name=op.f("fk_reading_source_mirror_of")),
        sa.ForeignKeyConstraint(["source"], ["source.key"], name=op.f("fk_reading_source_source")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_reading_source")),
        sa.UniqueConstraint("name", name=op.f("uq_reading_source_name")),
    )
    op.create_table(
        "total",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("series", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["series"], ["series.key"], name=op.f("fk_total_series")),
        sa.PrimaryKeyConstraint("day", "series", name=op.f("pk_total")),
    )
    op.create_table(
        "counter",
        sa.Column("source", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("month", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("meter", sa.String(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["source"], ["reading_source.key"], name=op.f("fk_counter_source")),
        sa.PrimaryKeyConstraint("source", "month", "meter", name=op.f("pk_counter")),
    )
    op.create_table(
        "issuer_resource_container",
        sa.Column("resource", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("license_id", sa.String(), nullable=False),
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.Column("version_from", sa.String(), nullable=False),
        sa.Column("version_below", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["resource"], ["issuer_resource.name"], name=op.f("fk_issuer_resource_container_resource")
        ),
        sa.PrimaryKeyConstraint("resource", "type", name=op.f("pk_issuer_resource_container")),
        sa.UniqueConstraint("license_id", name=op.f("uq_issuer_resource_container_license_id")),
    )
    op.create_table(
        "issuer_resource_key",
        sa.Column("resource", sa.String(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["resource"], ["issuer_resource.name"], name=op.f("fk_issuer_resource_key_resource")),
        sa.PrimaryKeyConstraint("resource", "slot", name=op.f("pk_issuer_resource_key")),
        sa.UniqueConstraint("digest", name=op.f("uq_issuer_resource_key_digest")),
    )
    op.create_table(
        "reading",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["source"], ["reading_source.key"], name=op.f("fk_reading_source")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_reading")),
    )
    op.create_index("ix_reading_source_month_taken_at", "reading", ["source", "month", "taken_at"], unique=False)
    op.create_table(
        "issuer_download",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("resource", sa.String(), nullable=False),
        sa.Column("container_type", sa.String(), nullable=False),
        sa.Column("container_version", sa.String(), nullable=False),
        sa.Column("key_slot", sa.Integer(), nullable=False),
        sa.Column("license_id", sa.String(), nullable=False),
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.Column("issued_at", sa.String(), nullable=False),
        sa.Column("expires_at", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["resource", "container_type"],
            ["issuer_resource_container.resource", "issuer_resource_container.type"],
            name=op.f("fk_issuer_download_resource_container_type"),
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_issuer_download")),
        sa.UniqueConstraint("license_id", "serial", name=op.f("uq_issuer_download_license_id_serial")),
    )


def downgrade() -> None:
    op.drop_table("issuer_download")
    op.drop_index("ix_reading_source_month_taken_at", table_name="reading")
    op.drop_table("reading")
    op.drop_table("issuer_resource_key")
    op.drop_table("issuer_resource_container")
    op.drop_table("counter")
    op.drop_table("total")
    op.drop_table("reading_source")
    op.drop_table("quarantine")
    op.drop_table("plan_meter")
    op.drop_table("plan_change")
    op.drop_table("issuer_resource")
    op.drop_table("gap")
    op.drop_table("finding")
    op.drop_table("batch")
    op.drop_index("ix_source_path", table_name="source")
    op.drop_index("ix_source_head", table_name="source")
    op.drop_index("ix_source_device_inode", table_name="source")
    op.drop_table("source")
    op.drop_table("series")
    op.drop_table("record")
    op.drop_table("plan")
    op.drop_table("issuer_subscription")
    op.drop_table("chain")
