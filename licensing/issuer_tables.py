"""The issuer's tables: who has which resource, the digests of its keys, and every license it was given.

Instants are ISO 8601 text in UTC.
"""

from sqlalchemy import BigInteger, ForeignKey, ForeignKeyConstraint, Integer, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from licensing.database import Table

Key = BigInteger().with_variant(Integer, "sqlite")


class Subscription(Table):
    """Who asks for gated containers; ``approved_at`` is empty until somebody approved it."""

    __tablename__ = "issuer_subscription"
    name: Mapped[str] = mapped_column(String, primary_key=True)
    approved_at: Mapped[str | None] = mapped_column(String)


class Resource(Table):
    """A resource that pays for containers: its kind, its plan (a ``CommittedPlan`` in JSON), its license terms."""

    __tablename__ = "issuer_resource"
    name: Mapped[str] = mapped_column(String, primary_key=True)
    subscription: Mapped[str] = mapped_column(ForeignKey("issuer_subscription.name"))
    kind: Mapped[str] = mapped_column(String)
    plan: Mapped[str] = mapped_column(String)
    term_seconds: Mapped[int] = mapped_column(BigInteger)
    grace_days: Mapped[int] = mapped_column(Integer)


class ResourceKey(Table):
    """One of the two keys of a resource, as a digest: the key itself is shown once and not kept."""

    __tablename__ = "issuer_resource_key"
    resource: Mapped[str] = mapped_column(ForeignKey("issuer_resource.name"), primary_key=True)
    slot: Mapped[int] = mapped_column(Integer, primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)


class ResourceContainer(Table):
    """A container type a resource may license; ``serial`` is the last one given for ``license_id``."""

    __tablename__ = "issuer_resource_container"
    resource: Mapped[str] = mapped_column(ForeignKey("issuer_resource.name"), primary_key=True)
    type: Mapped[str] = mapped_column(String, primary_key=True)
    license_id: Mapped[str] = mapped_column(String, unique=True)
    serial: Mapped[int] = mapped_column(BigInteger, default=0)
    version_from: Mapped[str] = mapped_column(String)
    version_below: Mapped[str] = mapped_column(String)


class Download(Table):
    """One license that was given out, and what it was given for."""

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
    __table_args__ = (
        UniqueConstraint("license_id", "serial"),
        ForeignKeyConstraint(
            ["resource", "container_type"],
            ["issuer_resource_container.resource", "issuer_resource_container.type"],
        ),
    )
