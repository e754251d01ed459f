"""What the issuer signs besides licenses: rotations, the list of licenses that it took back, and clock resets."""

import hashlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import uuid_utils
from pydantic import ValidationError
from sqlalchemy import Connection, Engine, func, insert, select

from licensing.core.errors import AzlicError, BadCall
from licensing.core.instants import iso
from licensing.core.validation_messages import first_fault
from licensing.db.database import writing
from licensing.issuer import tables as issuer_tables
from licensing.issuer.audit import note
from licensing.issuer.keys import issuer_id, issuer_signer
from licensing.issuer.rotation import rotate
from licensing.signing.envelope import seal
from licensing.trust.clock_reset import ClockReset
from licensing.trust.revocations import RevocationList, RevokedLicense

NEXT_UPDATE_DAYS = 90


def sign_rotation(engine: Engine, folder: Path, *, now: datetime, actor: str, reason: str, **terms: Any) -> Path:
    """Make the issuer's next key and sign the rotation to it, as ``rotate`` does, with a line in the audit log."""
    with writing(engine) as connection:
        document = rotate(folder, now=now, reason=reason, **terms)
        note(
            connection,
            at=now,
            actor=actor,
            action="rotate",
            subject=document.stem,
            key=str(issuer_signer(folder).public_key.keyid),
            reason=reason,
            **({"old": "withdrawn"} if terms.get("withdraw_old") else {}),
        )
    return document


def sign_revocations(
    engine: Engine,
    folder: Path,
    *,
    now: datetime,
    actor: str,
    valid: timedelta = timedelta(days=NEXT_UPDATE_DAYS),
) -> tuple[RevocationList, bytes]:
    """Sign the list of every revoked license; returns it and the file to hand over.

    Its number, the line in the audit log and the list come out of one transaction: no number is given twice.
    ``valid`` is how long until the next list is due. Raises ``AzlicError`` when the key cannot be used, or when the
    list is larger than a trust store takes.
    """
    issuer, signer = issuer_id(folder), issuer_signer(folder)
    issued_at = now.replace(microsecond=0)
    with writing(engine) as connection:
        last = connection.execute(select(func.max(issuer_tables.RevocationListRow.number))).scalar()
        revocations = RevocationList(
            issuer=issuer,
            number=(last or 0) + 1,
            issued_at=issued_at,
            next_update=issued_at + valid,
            licenses=_list_revoked(connection),
        )
        content = seal(revocations.to_bytes(), RevocationList.payload_type, signer)
        if len(content) > RevocationList.limit:
            raise AzlicError(
                f"the revocation list would be larger than {RevocationList.limit} bytes, more than trust stores take",
                hint="rotate the issuing key and withdraw the old one, which revokes everything it signed",
            )
        connection.execute(
            insert(issuer_tables.RevocationListRow).values(
                number=revocations.number, issued_at=iso(issued_at), digest=hashlib.sha256(content).digest()
            )
        )
        subject = f"list {revocations.number}"
        note(connection, at=now, actor=actor, action="revocations", subject=subject, licenses=len(revocations.licenses))
    return revocations, content


def _list_revoked(connection: Connection) -> tuple[RevokedLicense, ...]:
    table = issuer_tables.RevocationRow
    rows = connection.execute(
        select(table.license_id, table.up_to_serial, table.reason, table.revoked_at).order_by(table.key)
    )
    return tuple(RevokedLicense.model_validate(dict(row)) for row in rows.mappings())


def sign_clock_reset(
    engine: Engine, folder: Path, *, instant: datetime, reason: str, site: str | None, now: datetime, actor: str
) -> tuple[ClockReset, bytes]:
    """Sign a clock reset, to be taken once; returns it and the file to hand over.

    Raises ``AzlicError`` when the key cannot be used, ``BadCall`` for a reason or a site that is not a line of text,
    and for an instant that the issuer's own clock has not reached.
    """
    if instant > now:
        raise BadCall(
            f"{iso(instant)} is ahead of this machine's clock, which says {iso(now.replace(microsecond=0))}",
            hint="give the instant that the site's clock is to go back to, or correct this clock",
        )
    signer = issuer_signer(folder)
    try:
        reset = ClockReset(
            reset_id=str(uuid_utils.uuid7()),
            site=site,
            instant=instant,
            issued_at=now.replace(microsecond=0),
            reason=reason,
        )
    except ValidationError as error:
        names, words = first_fault(error)
        raise BadCall(f"{' '.join(names)}: {words}", hint="azlic issuer clock-reset --help") from error
    with writing(engine) as connection:
        note(
            connection,
            at=now,
            actor=actor,
            action="clock-reset",
            subject=reset.reset_id,
            to=iso(instant),
            reason=reason,
            **({"site": site} if site else {}),
        )
    return reset, seal(reset.to_bytes(), ClockReset.payload_type, signer)
