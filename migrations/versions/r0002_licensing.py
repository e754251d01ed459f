"""Licensing in full: what a site remembers, what the issuer takes back, and its audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# the issuer's audit log only grows, whoever writes to the database
_GUARDS = {
    "sqlite": [
        f"CREATE TRIGGER issuer_audit_no_{verb.lower()} BEFORE {verb} ON issuer_audit"
        " BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END"
        for verb in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        "CREATE FUNCTION issuer_audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'the audit log only grows'; END $$",
        "CREATE TRIGGER issuer_audit_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON issuer_audit"
        " FOR EACH STATEMENT EXECUTE FUNCTION issuer_audit_only_grows()",
    ],
}
_UNGUARDS = {
    "sqlite": [f"DROP TRIGGER issuer_audit_no_{verb}" for verb in ("update", "delete")],
    "postgresql": [
        "DROP TRIGGER issuer_audit_only_grows ON issuer_audit",
        "DROP FUNCTION issuer_audit_only_grows()",
    ],
}


def upgrade() -> None:
    op.create_table(
        "accepted_license",
        sa.Column("license_id", sa.String(), nullable=False),
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("accepted_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("license_id", name=op.f("pk_accepted_license")),
    )
    op.create_table(
        "clock_reset",
        sa.Column("reset_id", sa.String(), nullable=False),
        sa.Column("instant", sa.BigInteger(), nullable=False),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("reset_id", name=op.f("pk_clock_reset")),
    )
    op.create_table(
        "issuer_audit",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("head", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_issuer_audit")),
    )
    op.create_table(
        "issuer_content_key",
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("container_type", sa.String(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_issuer_content_key")),
    )
    op.create_table(
        "issuer_revocation_list",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("issued_at", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_issuer_revocation_list")),
    )
    op.create_table(
        "issuer_site",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("public_key", sa.String(), nullable=False),
        sa.Column("enrolled_at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_issuer_site")),
    )
    op.create_table(
        "seen_statement",
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("issuer", "kind", name=op.f("pk_seen_statement")),
    )
    op.create_table(
        "witness",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("instant", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_witness")),
    )
    op.create_table(
        "issuer_answer",
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("answered_at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_issuer_answer")),
    )
    op.create_table(
        "issuer_site_resource",
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("resource", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["resource"], ["issuer_resource.name"], name=op.f("fk_issuer_site_resource_resource")),
        sa.ForeignKeyConstraint(["site"], ["issuer_site.name"], name=op.f("fk_issuer_site_resource_site")),
        sa.PrimaryKeyConstraint("site", "resource", name=op.f("pk_issuer_site_resource")),
    )
    op.create_table(
        "issuer_revocation",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("license_id", sa.String(), nullable=False),
        sa.Column("up_to_serial", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("revoked_at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_issuer_revocation")),
    )
    op.create_index(op.f("ix_issuer_revocation_license_id"), "issuer_revocation", ["license_id"])
    op.add_column("issuer_download", sa.Column("site", sa.String(), nullable=True))
    op.add_column("issuer_resource", sa.Column("sku", sa.String(), server_default="DC0", nullable=False))
    op.add_column("issuer_resource", sa.Column("next_plan", sa.String(), nullable=True))
    op.add_column("issuer_resource_container", sa.Column("term_seconds", sa.BigInteger(), nullable=True))
    op.add_column("issuer_resource_container", sa.Column("grace_days", sa.Integer(), nullable=True))
    op.add_column("issuer_resource_container", sa.Column("repositories", sa.String(), nullable=True))
    op.add_column("issuer_resource_container", sa.Column("instances", sa.String(), nullable=True))
    for statement in _GUARDS[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    for statement in _UNGUARDS[op.get_bind().dialect.name]:
        op.execute(statement)
    op.drop_column("issuer_resource_container", "instances")
    op.drop_column("issuer_resource_container", "repositories")
    op.drop_column("issuer_resource_container", "grace_days")
    op.drop_column("issuer_resource_container", "term_seconds")
    op.drop_column("issuer_resource", "next_plan")
    op.drop_column("issuer_resource", "sku")
    op.drop_column("issuer_download", "site")
    op.drop_index(op.f("ix_issuer_revocation_license_id"), table_name="issuer_revocation")
    op.drop_table("issuer_revocation")
    op.drop_table("issuer_site_resource")
    op.drop_table("issuer_answer")
    op.drop_table("witness")
    op.drop_table("seen_statement")
    op.drop_table("issuer_site")
    op.drop_table("issuer_revocation_list")
    op.drop_table("issuer_content_key")
    op.drop_table("issuer_audit")
    op.drop_table("clock_reset")
    op.drop_table("accepted_license")
