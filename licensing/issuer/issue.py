"""The issuer: decides who may download which license, and makes it.

The rules of a download, in the order they are asked:

1. the API key is one of a resource's two              else Invalid
2. the resource is the one the endpoint names          else Mismatch
3. the container is of the resource's kind             else Mismatch
4. the subscription is approved                        else ContainerUseUnauthorized
5. the resource's SKU is DC0                           else ContainerUseUnauthorized
6. the container is on the resource's list             else ContainerUseUnauthorized
7. its license is not revoked                          else ContainerUseUnauthorized
8. the container's version is in the licensed range    else Mismatch
9. a commitment plan is in force                       else OutOfQuota
10. the instances asked for are on the list            else Mismatch

A signed offline request carries no key: rules 1 and 2 are then asked by licensing.issuer.desk.

Whoever comes while too many others wait gets BillingEndpointBusy. Every answer is a line of the audit log, written in
the same transaction; only where the store cannot be written is there none.
"""

import base64
import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from securesystemslib.signer import Signer
from sqlalchemy import Connection, Engine, select

from licensing.core.errors import AzlicError
from licensing.db.database import DatabaseBusy, reading, wait_seconds_of, writing
from licensing.delivery.denial import Denial, DenialCode
from licensing.delivery.protocol import LicenseRequest
from licensing.issuer.audit import note
from licensing.issuer.downloads import NO_KEY, Asking, Payer, enter_denial, enter_download, owner_of
from licensing.issuer.resources import DISCONNECTED_SKU
from licensing.issuer.revocations import revocation_of
from licensing.issuer.rules import Refused, ask_key, ask_list, ask_plan, ask_resource, require
from licensing.issuer.tables import ContentKeyRow, ResourceContainerRow, ResourceRow
from licensing.issuer.terms import container_terms, names
from licensing.signing.document import (
    LICENSE_TYPE,
    CommittedPlan,
    License,
    LicensedContainer,
    LicensedResource,
)
from licensing.signing.envelope import MAX_ENVELOPE_BYTES, seal


@dataclass(frozen=True, slots=True)
class _Grant:
    """Everything a license is made from, once every rule has said yes: two rows of the store, and what follows."""

    resource: ResourceRow
    listed: ResourceContainerRow
    container: LicensedContainer
    plan: CommittedPlan
    instances: tuple[str, ...] | None


class Issuer:
    """The issuer's rules over its store. One license id per resource and container type; its serial only rises."""

    def __init__(self, engine: Engine, signer: Signer, *, base_url: str) -> None:
        self._engine = engine
        self._signer = signer
        self._base_url = base_url.rstrip("/")
        self._line = threading.Lock()

    def download(self, request: LicenseRequest, *, resource: str, api_key: str, now: datetime) -> bytes | Denial:
        """Answer a download: the bytes of ``license.dat``, or why not.

        The serial, the rows and the license come out of one transaction: no serial is given twice.
        Raises ``DatabaseBusy`` when its turn does not come in time.
        """
        with self._in_turn(), writing(self._engine) as connection:
            return self._answer(connection, Asking(request, resource, owner_of(connection, api_key), now))

    def answer(
        self, connection: Connection, request: LicenseRequest, *, resource: str, now: datetime
    ) -> bytes | Denial:
        """Answer, in the caller's transaction, a request whose right to the resource was established without a key.

        Rule 3 and those after it are asked; the store says key slot 0.
        """
        return self._answer(connection, Asking(request, resource, Payer(resource, NO_KEY), now))

    def check_key(self, *, resource: str, api_key: str, now: datetime) -> Denial | None:
        """Whether a key is one of a resource's: rules 1 and 2. Only a denial is a line of the audit log."""
        with reading(self._engine) as connection:
            payer = owner_of(connection, api_key)
        try:
            ask_key(payer, resource)
        except Refused as no:
            with self._in_turn(), writing(self._engine) as connection:
                note(connection, at=now, actor=payer.actor, action="key denial", subject=resource, code=no.denial.code)
            return no.denial
        return None

    @contextlib.contextmanager
    def _in_turn(self) -> Iterator[None]:
        # the store has one writer at a time: waiting here costs no connection, and is fairer than its own polling
        if not self._line.acquire(timeout=wait_seconds_of(self._engine)):
            raise DatabaseBusy("too many downloads wait for the issuer's store", hint="try again later")
        try:
            yield
        finally:
            self._line.release()

    def _answer(self, connection: Connection, asking: Asking) -> bytes | Denial:
        try:
            grant = _judge(connection, asking)
        except Refused as no:
            enter_denial(connection, asking, no.denial)
            return no.denial
        license_ = self._license(connection, grant, asking)
        content = self._seal(license_)
        enter_download(connection, asking, license_, content)
        return content

    def _license(self, connection: Connection, grant: _Grant, asking: Asking) -> License:
        issued_at = asking.now.replace(microsecond=0)
        resource, listed = grant.resource, grant.listed
        term = resource.term_seconds if listed.term_seconds is None else listed.term_seconds
        return License(
            license_id=listed.license_id,
            serial=listed.serial + 1,
            container=grant.container,
            resource=LicensedResource(name=resource.name, endpoint=f"{self._base_url}/{resource.name}"),
            site=asking.request.site,
            instances=grant.instances,
            issued_at=issued_at,
            not_before=issued_at,
            expires_at=min(issued_at + timedelta(seconds=term), grant.plan.ends_at),
            grace_days=resource.grace_days if listed.grace_days is None else listed.grace_days,
            plan=grant.plan,
            content_keys=_content_keys(connection, listed.type),
        )

    def _seal(self, license_: License) -> bytes:
        content = seal(license_.to_bytes(), LICENSE_TYPE, self._signer)
        if len(content) > MAX_ENVELOPE_BYTES:
            raise AzlicError(
                f"the license would be larger than the {MAX_ENVELOPE_BYTES} bytes a license may have: it holds"
                f" {len(license_.content_keys)} content keys and {len(license_.instances or ())} instances",
                hint="remove content keys that no image needs any more, or name fewer instances or repositories",
            )
        return content


def _judge(connection: Connection, asking: Asking) -> _Grant:
    """Ask the rules in their order. Raises ``Refused`` with the first that says no."""
    resource, version, now = asking.resource, asking.request.container_version, asking.now
    found = ask_resource(connection, asking.payer, resource, asking.request.container_type)
    require(
        found.sku == DISCONNECTED_SKU,
        DenialCode.UNAUTHORIZED,
        f"resource {resource} has SKU {found.sku}, and only {DISCONNECTED_SKU} runs disconnected containers",
        f"azlic issuer resource add enters one of SKU {DISCONNECTED_SKU}: a resource's SKU never changes",
    )
    listed = ask_list(connection, resource, asking.request.container_type)
    if revoked := revocation_of(connection, listed.license_id, listed.serial + 1):
        detail = f"license {listed.license_id} was revoked at {revoked.revoked_at}: {revoked.reason}"
        hint = "azlic issuer container renew-id begins a new license"
        raise Refused(Denial(DenialCode.UNAUTHORIZED, detail, hint=hint))
    licensed = container_terms(
        listed.type, listed.version_from, listed.version_below, names(listed.repositories), listed.model
    )
    require(
        licensed.admits(version),
        DenialCode.MISMATCH,
        f"resource {resource} licenses versions {licensed.version_from} up to, not including,"
        f" {licensed.version_below}, the container is {version}",
    )
    plan = ask_plan(found, now)
    return _Grant(found, listed, licensed, plan, _instances(names(listed.instances), asking.request))


def _instances(licensed: tuple[str, ...], request: LicenseRequest) -> tuple[str, ...] | None:
    """The instances of the license: those asked for, or all of the resource's list; none where it floats."""
    for name in request.instances or ():
        if licensed:
            require(
                name in licensed,
                DenialCode.MISMATCH,
                f"instance {name} is not one of {', '.join(licensed)}",
                "azlic issuer container list shows the instances, azlic issuer container set changes them",
            )
    return request.instances or licensed or None


def _content_keys(connection: Connection, kind: str) -> dict[str, str]:
    """Every key that opens sealed files of this container type, by its id."""
    rows = connection.execute(
        select(ContentKeyRow.key_id, ContentKeyRow.secret)
        .where(ContentKeyRow.container_type == kind)
        .order_by(ContentKeyRow.key_id)
    )
    return {row.key_id: base64.b64encode(row.secret).decode() for row in rows}
