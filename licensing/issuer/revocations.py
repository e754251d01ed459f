"""The licenses the issuer revokes: kept here, and published to sites in the revocation list made from them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, func, insert, or_, select

from licensing.core.errors import BadCall
from licensing.core.instants import iso
from licensing.db.database import reading, writing
from licensing.issuer.audit import note
from licensing.issuer.tables import DownloadRow, ResourceContainerRow, RevocationRow

_LONGEST_REASON = 200


@dataclass(frozen=True, slots=True)
class Revoked:
    """A revoked license: up to and with a serial, or every serial, given and to come, where it is None."""

    license_id: str
    up_to_serial: int | None
    reason: str
    revoked_at: str

    def covers(self, license_id: str, serial: int) -> bool:
        """Whether it takes this serial of a license back."""
        return self.license_id == license_id and (self.up_to_serial is None or serial <= self.up_to_serial)


def revoke(
    engine: Engine, license_id: str, *, reason: str, up_to_serial: int | None = None, now: datetime, actor: str
) -> bool:
    """Take a license back, up to and with a serial, or for good; False when that was done already.

    Without a serial its container gets no license until ``renew_license_id``; with one, later serials go on.
    Raises ``BadCall`` for a license nobody knows, a serial that was not given yet, or an empty reason.
    """
    if not reason.strip() or not reason.isprintable() or len(reason) > _LONGEST_REASON:
        raise BadCall(
            "the reason is empty, or not a single line of text",
            hint=f"one line of at most {_LONGEST_REASON} characters",
        )
    with writing(engine) as connection:
        last = _last_serial(connection, license_id)
        if up_to_serial is not None and not 1 <= up_to_serial <= last:
            raise BadCall(
                f"serial {up_to_serial} of license {license_id} was never issued; the last one is {last}",
                hint="leave out --up-to-serial to revoke the whole license",
            )
        if revocation_of(connection, license_id, up_to_serial or last + 1) is not None:
            return False
        connection.execute(
            insert(RevocationRow).values(
                license_id=license_id,
                up_to_serial=up_to_serial,
                reason=reason,
                revoked_at=iso(now.replace(microsecond=0)),
            )
        )
        note(
            connection,
            at=now,
            actor=actor,
            action="revoke",
            subject=license_id,
            up_to_serial=up_to_serial,
            reason=reason,
        )
    return True


def _last_serial(connection: Connection, license_id: str) -> int:
    """The last serial given for a license, 0 for none yet; also for an id that another has taken the place of."""
    current = select(ResourceContainerRow.serial).where(ResourceContainerRow.license_id == license_id)
    given = select(func.max(DownloadRow.serial)).where(DownloadRow.license_id == license_id)
    found = connection.execute(current).scalar()
    last: int | None = connection.execute(given).scalar() if found is None else found
    if last is None:
        raise BadCall(f"there is no license {license_id}", hint="see: azlic issuer container list")
    return last


def revocation_of(connection: Connection, license_id: str, serial: int) -> Revoked | None:
    """What takes a serial of a license back: the first such revocation, or None."""
    row = connection.execute(
        select(RevocationRow.__table__)
        .where(
            RevocationRow.license_id == license_id,
            or_(RevocationRow.up_to_serial.is_(None), RevocationRow.up_to_serial >= serial),
        )
        .order_by(RevocationRow.key)
        .limit(1)
    ).one_or_none()
    return Revoked(row.license_id, row.up_to_serial, row.reason, row.revoked_at) if row else None


def list_revocations(engine: Engine) -> list[Revoked]:
    """Every revocation, in the order they were made."""
    with reading(engine) as connection:
        return [
            Revoked(row.license_id, row.up_to_serial, row.reason, row.revoked_at)
            for row in connection.execute(select(RevocationRow.__table__).order_by(RevocationRow.key))
        ]
