"""The license request of a site without a network: signed there, carried to the issuer, answered with license.dat.

It names what a download would name and carries no API key: the site's signature replaces it.
"""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import uuid_utils
from pydantic import StringConstraints, ValidationError
from securesystemslib.signer import Signer

from licensing.core.errors import BadCall, NoGoodLicense
from licensing.core.files import write_whole
from licensing.core.instants import iso
from licensing.core.validation_messages import first_fault
from licensing.delivery.protocol import LicenseRequest
from licensing.signing.document import Count, Instant, Label, StrictModel, parse_document
from licensing.signing.envelope import seal
from licensing.verdict.verdict import Verdict

REQUEST_TYPE = "application/vnd.azlic.license-request.v1+json"

_Id = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]


class HeldLicense(StrictModel):
    """The license that the site has in hand, so that the issuer sees what it replaces."""

    license_id: _Id
    serial: Count


class OfflineRequest(LicenseRequest):
    """What a site asks for, and who it is. ``request_id`` is answered once; ``requested_at`` is by the site's clock."""

    request_id: _Id
    site: Label
    resource: Label
    held: HeldLicense | None = None
    requested_at: Instant

    def to_bytes(self) -> bytes:
        """The payload that gets signed: UTF-8 JSON; what is not stated stays out."""
        return self.model_dump_json(exclude_none=True).encode()


def new_request(*, site: str, now: datetime, held: HeldLicense | None = None, **wanted: Any) -> OfflineRequest:
    """A request with an id of its own.

    ``wanted`` are the fields of ``OfflineRequest`` that say what is asked for. Raises ``BadCall`` for what no license
    could be made from, and where the site has no name.
    """
    if not site:
        raise BadCall("this site has no name for a request", hint='set AZLIC_SITE, or site = "NAME" in azlic.toml')
    fields = wanted | {"site": site, "held": held, "requested_at": iso(now.replace(microsecond=0))}
    try:
        return OfflineRequest.model_validate(fields | {"request_id": str(uuid_utils.uuid7())})
    except ValidationError as error:
        names, words = first_fault(error)
        raise BadCall(f"{names[0]}: {words}", hint="azlic request --help") from error


def current_license(verdict: Verdict, *, resource: str, container: str) -> HeldLicense:
    """The license in hand, as a request names it; that it has ended does not matter.

    Raises ``NoGoodLicense`` where none was verified, or where it is not one of this resource and container type.
    """
    license_ = verdict.license
    if license_ is None:
        raise NoGoodLicense(
            f"the license in hand is {verdict.status}: {verdict.detail}",
            hint="leave out --held; the issuer then does not see what the new license replaces",
        )
    if (license_.resource.name, license_.container.type) != (resource, container):
        raise NoGoodLicense(
            f"the license in hand is one of resource {license_.resource.name} for {license_.container.type}",
            hint="name the license that is to be replaced with --held, or leave it out",
        )
    return HeldLicense(license_id=license_.license_id, serial=license_.serial)


def write_request(path: Path, request: OfflineRequest, signer: Signer) -> None:
    """Sign a request and write its file. Raises ``AzlicError`` where it cannot be written."""
    write_whole(path, seal(request.to_bytes(), REQUEST_TYPE, signer))


def parse_request(payload: bytes) -> OfflineRequest:
    """Read a request from bytes whose signature has been checked.

    Raises ``BadDocument`` with the first thing that is wrong, named by its field; a value is never repeated.
    """
    return parse_document(payload, OfflineRequest)
