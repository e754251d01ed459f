"""The issuer's tables: who has which resource, the digests of its keys, and every license it was given.

Instants are ISO 8601 text in UTC.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    String,
    UniqueConstraint,
    false,
)
from sqlalchemy.orm import Mapped, mapped_column

from licensing.db.schema import Table

Key = BigInteger().with_variant(Integer, "sqlite")


class SubscriptionRow(Table):
    """Who asks for gated containers; ``approved_at`` is empty until somebody approved it."""

    __tablename__ = "issuer_subscription"
    name: Mapped[str] = mapped_column(String, primary_key=True)
    approved_at: Mapped[str | None] = mapped_column(String)


class ResourceRow(Table):
    """A resource that pays for containers: its kind, its plan (a ``CommittedPlan`` in JSON), its license terms.

    ``next_plan`` takes over from ``plan`` at its own start; it is empty unless one was entered ahead of time. With
    ``stops_at_quota`` its connected containers work only while something is left of the plan.
    """

    __tablename__ = "issuer_resource"
    name: Mapped[str] = mapped_column(String, primary_key=True)
    subscription: Mapped[str] = mapped_column(ForeignKey("issuer_subscription.name"))
    kind: Mapped[str] = mapped_column(String)
    sku: Mapped[str] = mapped_column(String, server_default="DC0")
    plan: Mapped[str] = mapped_column(String)
    next_plan: Mapped[str | None] = mapped_column(String)
    term_seconds: Mapped[int] = mapped_column(BigInteger)
    grace_days: Mapped[int] = mapped_column(Integer)
    stops_at_quota: Mapped[bool] = mapped_column(Boolean, server_default=false())


class ResourceKeyRow(Table):
    """One of the two keys of a resource, as a digest: the key itself is shown once and not kept."""

    __tablename__ = "issuer_resource_key"
    resource: Mapped[str] = mapped_column(ForeignKey("issuer_resource.name"), primary_key=True)
    slot: Mapped[int] = mapped_column(Integer, primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)


class ResourceContainerRow(Table):
    """A container type a resource may license; ``serial`` is the last one given for ``license_id``.

    ``term_seconds`` and ``grace_days`` are the resource's own where they are empty. ``repositories`` and ``instances``
    are lists in JSON, empty for the type's own images and for a license that floats; ``model`` is empty for any model.
    """

    __tablename__ = "issuer_resource_container"
    resource: Mapped[str] = mapped_column(ForeignKey("issuer_resource.name"), primary_key=True)
    type: Mapped[str] = mapped_column(String, primary_key=True)
    license_id: Mapped[str] = mapped_column(String, unique=True)
    serial: Mapped[int] = mapped_column(BigInteger, default=0)
    version_from: Mapped[str] = mapped_column(String)
    version_below: Mapped[str] = mapped_column(String)
    term_seconds: Mapped[int | None] = mapped_column(BigInteger)
    grace_days: Mapped[int | None] = mapped_column(Integer)
    repositories: Mapped[str | None] = mapped_column(String)
    instances: Mapped[str | None] = mapped_column(String)
    model: Mapped[str | None] = mapped_column(String)


class DownloadRow(Table):
    """One license that was issued, and what it was issued for; ``key_slot`` 0 is a signed offline request."""

    __tablename__ = "issuer_download"
    key: Mapped[int] = mapped_column(Key, primary_key=True)
    resource: Mapped[str] = mapped_column(String)
    container_type: Mapped[str] = mapped_column(String)
    container_version: Mapped[str] = mapped_column(String)
    key_slot: Mapped[int] = mapped_column(Integer)
    license_id: Mapped[str] = mapped_column(String)
    serial: Mapped[int] = mapped_column(BigInteger)
    issued_at: Mapped[str] = mapped_column(String)
    expires_at: Mapped[str] = mapped_column(String)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    site: Mapped[str | None] = mapped_column(String)
    __table_args__ = (
        UniqueConstraint("license_id", "serial"),
        ForeignKeyConstraint(
            ["resource", "container_type"],
            ["issuer_resource_container.resource", "issuer_resource_container.type"],
        ),
    )


class RevocationRow(Table):
    """A license the issuer revokes: up to and with a serial, or every serial where none is named.

    Its license id may be one that another has taken the place of, so it refers to no row.
    """

    __tablename__ = "issuer_revocation"
    key: Mapped[int] = mapped_column(Key, primary_key=True)
    license_id: Mapped[str] = mapped_column(String, index=True)
    up_to_serial: Mapped[int | None] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(String)
    revoked_at: Mapped[str] = mapped_column(String)


class RevocationListRow(Table):
    """A revocation list that was signed; its number is never given again."""

    __tablename__ = "issuer_revocation_list"
    number: Mapped[int] = mapped_column(Key, primary_key=True)
    issued_at: Mapped[str] = mapped_column(String)
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class ContentKeyRow(Table):
    """A key that opens the sealed files of images of one container type, from a version on. ``secret`` is 32 bytes."""

    __tablename__ = "issuer_content_key"
    key_id: Mapped[str] = mapped_column(String, primary_key=True)
    container_type: Mapped[str] = mapped_column(String)
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[str] = mapped_column(String)


class EnrolledSiteRow(Table):
    """A site whose signed offline requests are answered, and its public key in PEM form."""

    __tablename__ = "issuer_site"
    name: Mapped[str] = mapped_column(String, primary_key=True)
    public_key: Mapped[str] = mapped_column(String)
    enrolled_at: Mapped[str] = mapped_column(String)


class SiteResourceRow(Table):
    """A resource whose licenses a site may ask for."""

    __tablename__ = "issuer_site_resource"
    site: Mapped[str] = mapped_column(ForeignKey("issuer_site.name"), primary_key=True)
    resource: Mapped[str] = mapped_column(ForeignKey("issuer_resource.name"), primary_key=True)


class AnsweredRequestRow(Table):
    """An offline request that was answered, and the answer: the same request gets the same license again.

    It stays when its site is removed: a request's id is never used twice. ``digest`` is that of the signed payload.
    """

    __tablename__ = "issuer_answer"
    request_id: Mapped[str] = mapped_column(String, primary_key=True)
    site: Mapped[str] = mapped_column(String)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    answered_at: Mapped[str] = mapped_column(String)


class AuditLineRow(Table):
    """One line of the issuer's audit log: who did what to what. It only grows; ``head`` chains it to the last."""

    __tablename__ = "issuer_audit"
    number: Mapped[int] = mapped_column(Key, primary_key=True)
    at: Mapped[str] = mapped_column(String)
    actor: Mapped[str] = mapped_column(String)
    action: Mapped[str] = mapped_column(String)
    subject: Mapped[str] = mapped_column(String)
    detail: Mapped[str] = mapped_column(String)
    head: Mapped[bytes] = mapped_column(LargeBinary)
