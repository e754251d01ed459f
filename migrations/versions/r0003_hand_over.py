"""Closed months, the hand-over, adopted licenses and alerts."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# what the chain binds only grows, whoever writes to the database; the audit looks whether these are there
_GROWING = ("batch", "record", "series")
_GUARDS = {
    "sqlite": [
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table}"
        " BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END"
        for table in _GROWING
        for verb in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        "CREATE FUNCTION ledger_only_grows() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'the ledger only grows'; END $$",
        *(
            f"CREATE TRIGGER {table}_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION ledger_only_grows()"
            for table in _GROWING
        ),
    ],
}
_UNGUARDS = {
    "sqlite": [f"DROP TRIGGER {table}_no_{verb}" for table in _GROWING for verb in ("update", "delete")],
    "postgresql": [
        *(f"DROP TRIGGER {table}_only_grows ON {table}" for table in _GROWING),
        "DROP FUNCTION ledger_only_grows()",
    ],
}
# a closed month stays as it is, whoever writes to the database; what is late or corrected is booked in an open one
_FOR_EVER = ("closed_month", "closed_total", "correction")
_CLOSED = "(SELECT max(month) FROM closed_month)"
_DAY = {
    "sqlite": "CAST(strftime('%Y%m', {row}.day * 86400, 'unixepoch') AS INTEGER)",
    "postgresql": "to_char(to_timestamp({row}.day * 86400.0) AT TIME ZONE 'UTC', 'YYYYMM')::integer",
}
# what no statement may touch: table, verb, and the month of the row before or after it
_KEPT = [
    ("total", "INSERT", "NEW", _DAY),
    ("total", "UPDATE", "OLD", _DAY),
    ("total", "UPDATE", "NEW", _DAY),
    ("total", "DELETE", "OLD", _DAY),
]
_FIXED = "{table}: a closed month does not change"


def _guards(dialect: str) -> list[str]:
    if dialect == "sqlite":
        only_grow = [
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table}"
            f" BEGIN SELECT RAISE(ABORT, '{_FIXED.format(table=table)}'); END"
            for table in _FOR_EVER
            for verb in ("UPDATE", "DELETE")
        ]
        return only_grow + [
            f"CREATE TRIGGER {table}_closed_{verb.lower()}_{row.lower()} BEFORE {verb} ON {table}"
            f" WHEN {month[dialect].format(row=row)} <= {_CLOSED}"
            f" BEGIN SELECT RAISE(ABORT, '{_FIXED.format(table=table)}'); END"
            for table, verb, row, month in _KEPT
        ]
    refuse = (
        "CREATE FUNCTION azlic_closed() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION '%: a closed month does not change', TG_TABLE_NAME; END $$"
    )
    only_grow = [
        f"CREATE TRIGGER {table}_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION azlic_closed()"
        for table in _FOR_EVER
    ]
    # a condition of a trigger may hold no query there
    kept = [
        statement
        for table, verb, row, month in _KEPT
        for name in (f"{table}_closed_{verb.lower()}_{row.lower()}",)
        for statement in (
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" IF {month[dialect].format(row=row)} <= {_CLOSED}"
            f" THEN RAISE EXCEPTION '{_FIXED.format(table=table)}'; END IF;"
            f" RETURN {'OLD' if verb == 'DELETE' else 'NEW'}; END $$",
            f"CREATE TRIGGER {name} BEFORE {verb} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()",
        )
    ]
    return [refuse, *only_grow, *kept]


def _unguards(dialect: str) -> list[str]:
    names = [(f"{table}_closed_{verb.lower()}_{row.lower()}", table) for table, verb, row, _ in _KEPT]
    if dialect == "sqlite":
        names += [(f"{table}_no_{verb}", table) for table in _FOR_EVER for verb in ("update", "delete")]
        return [f"DROP TRIGGER {name}" for name, _ in names]
    functions = [f"DROP FUNCTION {name}()" for name, _ in names] + ["DROP FUNCTION azlic_closed()"]
    names += [(f"{table}_for_ever", table) for table in _FOR_EVER]
    return [f"DROP TRIGGER {name} ON {table}" for name, table in names] + functions


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
        sa.Column("manifest", sa.LargeBinary(), nullable=False),
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
    dialect = op.get_bind().dialect.name
    for statement in [*_GUARDS[dialect], *_guards(dialect)]:
        op.execute(statement)


def downgrade() -> None:
    dialect = op.get_bind().dialect.name
    for statement in [*_UNGUARDS[dialect], *_unguards(dialect)]:
        op.execute(statement)
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
