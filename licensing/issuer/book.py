"""The issuer's store: who is approved, and every license that was issued."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, select, update

from licensing.core.errors import AzlicError, BadCall
from licensing.core.instants import iso
from licensing.db.database import open_database, place, reading, writing
from licensing.db.store_kind import StoreKind
from licensing.issuer.audit import note
from licensing.issuer.revocations import Revoked, list_revocations
from licensing.issuer.tables import DownloadRow, ResourceRow, SubscriptionRow


def create_issuer(target: str) -> Engine:
    """Make the issuer's store, closed to others (0600): it holds content keys. One that is there stays as it is.

    Raises ``AzlicError`` for a site's ledger, and where it cannot be made.
    """
    return open_database(target, StoreKind.ISSUER, create=True, mode=0o600)


def open_issuer(target: str) -> Engine:
    """Open the issuer's store, which only ``azlic issuer init`` makes.

    Raises ``AzlicError`` when it is not there, or is a site's ledger.
    """
    if "://" not in target and not Path(target).exists():
        raise AzlicError(
            f"there is no issuer's store at {Path(target).absolute()}",
            hint="azlic issuer init makes it; or name another with --database",
        )
    return open_database(target, StoreKind.ISSUER, upgrade=True)


def open_stocked_issuer(target: str) -> Engine:
    """Open an issuer's store that holds a resource: without one there is nothing to serve, to sign or to list.

    Raises ``AzlicError`` when it is not there, is a site's ledger, or holds none.
    """
    engine = open_issuer(target)
    with reading(engine) as connection:
        if connection.execute(select(ResourceRow.name).limit(1)).first() is None:
            raise AzlicError(
                f"{place(engine)} contains no issuer's resources",
                hint="azlic issuer resource add enters one; or name the issuer's store with --database",
            )
    return engine


def approve(engine: Engine, subscription: str, *, now: datetime, actor: str) -> bool:
    """Approve a subscription for the containers of its resources; False when it was approved already.

    Raises ``BadCall`` when there is no such one.
    """
    with writing(engine) as connection:
        if _approval_time(connection, subscription) is not None:
            return False
        _set_approval(connection, subscription, iso(now.replace(microsecond=0)))
        note(connection, at=now, actor=actor, action="approve", subject=subscription)
    return True


def withdraw(engine: Engine, subscription: str, *, now: datetime, actor: str) -> bool:
    """Withdraw the approval of a subscription: no more downloads; False when it was not approved.

    Licenses that were issued run on to their end, unless they are revoked. Raises ``BadCall`` when there is no such
    subscription.
    """
    with writing(engine) as connection:
        if _approval_time(connection, subscription) is None:
            return False
        _set_approval(connection, subscription, None)
        note(connection, at=now, actor=actor, action="withdraw", subject=subscription)
    return True


def _approval_time(connection: Connection, subscription: str) -> str | None:
    row = connection.execute(
        select(SubscriptionRow.approved_at).where(SubscriptionRow.name == subscription)
    ).one_or_none()
    if row is None:
        raise BadCall(f"there is no subscription {subscription}", hint="see: azlic issuer resource list")
    approved_at: str | None = row.approved_at
    return approved_at


def _set_approval(connection: Connection, subscription: str, approved_at: str | None) -> None:
    connection.execute(
        update(SubscriptionRow).where(SubscriptionRow.name == subscription).values(approved_at=approved_at)
    )


@dataclass(frozen=True, slots=True)
class IssuedLicense:
    """A license that was issued, and to whom.

    ``key_slot`` is the API key it was asked for with, 0 for a signed offline request; ``site`` is what the asking site
    calls itself, if it said so. ``revoked_at`` is when it was revoked, None where it was not.
    """

    license_id: str
    serial: int
    resource: str
    container_type: str
    container_version: str
    key_slot: int
    issued_at: str
    expires_at: str
    site: str | None = None
    revoked_at: str | None = None


def list_issued(engine: Engine) -> list[IssuedLicense]:
    """Every license that was issued, the newest last."""
    taken_back = list_revocations(engine)
    with reading(engine) as connection:
        return [
            IssuedLicense(
                **{name: value for name, value in row.items() if name not in ("key", "digest")},
                revoked_at=_revocation_time(taken_back, row["license_id"], row["serial"]),
            )
            for row in connection.execute(select(DownloadRow.__table__).order_by(DownloadRow.key)).mappings()
        ]


def _revocation_time(taken_back: Sequence[Revoked], license_id: str, serial: int) -> str | None:
    return next((one.revoked_at for one in taken_back if one.covers(license_id, serial)), None)
