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

from licensing.containers import CONTAINER_TYPES
from licensing.core.errors import AzlicError
from licensing.core.instants import iso, to_the_second
from licensing.db.database import DatabaseBusy, wait_seconds_of, writing
from licensing.db.schema import rows_of
from licensing.delivery.denial import Denial, DenialCode
from licensing.delivery.protocol import LicenseRequest
from licensing.issuer.containers import find_listed
from licensing.issuer.downloads import NO_KEY, Asking, Payer, enter_denial, enter_download, owner_of
from licensing.issuer.plans import plan_at
from licensing.issuer.resources import DISCONNECTED_SKU
from licensing.issuer.revocations import revocation_of
from licensing.issuer.tables import ContentKeyRow, ResourceContainerRow, ResourceRow, SubscriptionRow
from licensing.issuer.terms import container_terms, names
from licensing.signing.document import (
    LICENSE_TYPE,
    CommittedPlan,
    License,
    LicensedContainer,
    LicensedResource,
)
from licensing.signing.envelope import MAX_ENVELOPE_BYTES, seal


class _No(Exception):
    """A rule's refusal, on its way to the answer."""

    def __init__(self, denial: Denial) -> None:
        super().__init__(denial.detail)
        self.denial = denial


def _require(condition: bool, code: DenialCode, detail: str, hint: str | None = None) -> None:
    if not condition:
        raise _No(Denial(code, detail, hint=hint))


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
        except _No as no:
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
    """Ask the rules in their order. Raises ``_No`` with the first that says no."""
    owner, resource, version, now = asking.payer.resource, asking.resource, asking.request.container_version, asking.now
    _require(owner is not None, DenialCode.INVALID, "the API key does not belong to any resource")
    _require(owner == resource, DenialCode.MISMATCH, f"the API key does not belong to resource {resource}")
    (found,) = rows_of(connection, ResourceRow, ResourceRow.name == resource)
    _ask_resource(connection, found, asking.request.container_type)
    listed = _ask_list(connection, found, asking.request.container_type)
    licensed = container_terms(
        listed.type, listed.version_from, listed.version_below, names(listed.repositories), listed.model
    )
    _require(
        licensed.admits(version),
        DenialCode.MISMATCH,
        f"resource {resource} licenses versions {licensed.version_from} up to, not including,"
        f" {licensed.version_below}, the container is {version}",
    )
    plan = plan_at(found, now)
    _require(
        plan.starts_at <= now < plan.ends_at,
        DenialCode.OUT_OF_QUOTA,
        f"plan {plan.name} runs from {iso(plan.starts_at)} to {iso(plan.ends_at)}, and it is now {to_the_second(now)}",
    )
    return _Grant(found, listed, licensed, plan, _instances(names(listed.instances), asking.request))


def _instances(licensed: tuple[str, ...], request: LicenseRequest) -> tuple[str, ...] | None:
    """The instances of the license: those asked for, or all of the resource's list; none where it floats."""
    for name in request.instances or ():
        if licensed:
            _require(
                name in licensed,
                DenialCode.MISMATCH,
                f"instance {name} is not one of {', '.join(licensed)}",
                "azlic issuer container list shows the instances, azlic issuer container set changes them",
            )
    return request.instances or licensed or None


def _ask_resource(connection: Connection, resource: ResourceRow, container_type: str) -> None:
    """Rules 3 to 5: its kind, its approval, its SKU."""
    kind = CONTAINER_TYPES.get(container_type)
    _require(
        kind is not None and kind.resource_kind == resource.kind,
        DenialCode.MISMATCH,
        f"resource {resource.name}, of kind {resource.kind}, does not license {container_type} containers",
    )
    approved_at = connection.execute(
        select(SubscriptionRow.approved_at).where(SubscriptionRow.name == resource.subscription)
    ).scalar_one()
    _require(approved_at is not None, DenialCode.UNAUTHORIZED, f"subscription {resource.subscription} is not approved")
    _require(
        resource.sku == DISCONNECTED_SKU,
        DenialCode.UNAUTHORIZED,
        f"resource {resource.name} has SKU {resource.sku}, and only {DISCONNECTED_SKU} runs disconnected containers",
        f"azlic issuer resource add enters one of SKU {DISCONNECTED_SKU}: a resource's SKU never changes",
    )


def _ask_list(connection: Connection, resource: ResourceRow, container_type: str) -> ResourceContainerRow:
    """Rules 6 and 7: the container is on the resource's list, and its license is not revoked. Gives its row."""
    row = find_listed(connection, resource.name, container_type)
    if row is None:
        detail = f"resource {resource.name} has no {container_type} containers on its list"
        raise _No(Denial(DenialCode.UNAUTHORIZED, detail, hint="azlic issuer container add adds them"))
    if revoked := revocation_of(connection, row.license_id, row.serial + 1):
        detail = f"license {row.license_id} was revoked at {revoked.revoked_at}: {revoked.reason}"
        raise _No(Denial(DenialCode.UNAUTHORIZED, detail, hint="azlic issuer container renew-id begins a new license"))
    return row


def _content_keys(connection: Connection, kind: str) -> dict[str, str]:
    """Every key that opens sealed files of this container type, by its id."""
    rows = connection.execute(
        select(ContentKeyRow.key_id, ContentKeyRow.secret)
        .where(ContentKeyRow.container_type == kind)
        .order_by(ContentKeyRow.key_id)
    )
    return {row.key_id: base64.b64encode(row.secret).decode() for row in rows}
