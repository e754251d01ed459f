"""What a download leaves behind at the issuer: the raised serial, a row for the license, a line in the audit log."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, insert, select, update

from licensing.core.instants import iso
from licensing.delivery.denial import Denial
from licensing.delivery.protocol import LicenseRequest
from licensing.issuer.audit import note
from licensing.issuer.resources import key_digest
from licensing.issuer.tables import DownloadRow, ResourceContainerRow, ResourceKeyRow
from licensing.signing.document import License

NO_KEY = 0
"""The key slot of a request whose right to the resource was established without an API key."""


class Payer(NamedTuple):
    """The resource that pays, None where the API key is nobody's, and the slot of the key that speaks for it."""

    resource: str | None
    key_slot: int

    @property
    def actor(self) -> str:
        """Who asked, as the audit log names it; of a key that is nobody's, nothing is kept."""
        if self.resource is None:
            return "unknown API key"
        return f"{self.resource} offline request" if self.key_slot == NO_KEY else f"{self.resource} API key {self[1]}"


@dataclass(frozen=True, slots=True)
class Asking:
    """A license that is asked for: which, of which resource, who pays, and when."""

    request: LicenseRequest
    resource: str
    payer: Payer
    now: datetime


def owner_of(connection: Connection, api_key: str) -> Payer:
    """The resource and slot a key belongs to; every key is compared, each in constant time."""
    digest = key_digest(api_key)
    rows = connection.execute(select(ResourceKeyRow.resource, ResourceKeyRow.slot, ResourceKeyRow.digest)).all()
    owners = [Payer(row.resource, row.slot) for row in rows if hmac.compare_digest(row.digest, digest)]
    return owners[0] if owners else Payer(None, NO_KEY)


def enter_download(connection: Connection, asking: Asking, license_: License, content: bytes) -> None:
    """Raise the serial, and write down which license was given to whom."""
    request = asking.request
    connection.execute(
        update(ResourceContainerRow)
        .where(ResourceContainerRow.license_id == license_.license_id)
        .values(serial=license_.serial)
    )
    connection.execute(
        insert(DownloadRow).values(
            resource=asking.resource,
            container_type=request.container_type,
            container_version=request.container_version,
            key_slot=asking.payer.key_slot,
            license_id=license_.license_id,
            serial=license_.serial,
            issued_at=iso(license_.issued_at),
            expires_at=iso(license_.expires_at),
            digest=hashlib.sha256(content).digest(),
            site=request.site,
        )
    )
    note(
        connection,
        at=asking.now,
        actor=asking.payer.actor,
        action="download",
        subject=license_.license_id,
        serial=license_.serial,
        container=request.container_type,
        version=request.container_version,
        site=request.site,
        until=iso(license_.expires_at),
    )


def enter_denial(connection: Connection, asking: Asking, denial: Denial) -> None:
    """Write down what was denied to whom; of an API key, nothing."""
    note(
        connection,
        at=asking.now,
        actor=asking.payer.actor,
        action="denial",
        subject=asking.resource,
        code=denial.code,
        container=asking.request.container_type,
        version=asking.request.container_version,
        site=asking.request.site,
    )
