"""The issuer: decides who may download which license, and makes it.

The rules of a download, in the order they are asked:

1. the API key is one of a resource's two              else Invalid
2. the resource is the one the endpoint names          else Mismatch
3. the container is of the resource's kind             else Mismatch
4. the subscription is approved                        else ContainerUseUnauthorized
5. the resource may license this container             else ContainerUseUnauthorized
6. the container's version is in the licensed range    else Mismatch
7. a commitment plan is in force                       else OutOfQuota
8. the named instances are the resource's own          else Mismatch

A signed offline request carries no key: rules 1 and 2 are then asked by licensing.issuer_desk.
"""

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from securesystemslib.signer import Signer
from sqlalchemy import Connection, Engine, insert, select, update

from licensing.containers import CONTAINER_TYPES
from licensing.database import writing
from licensing.denial import Denial, DenialCode
from licensing.document import (
    LICENSE_TYPE,
    CommittedPlan,
    License,
    LicensedContainer,
    LicensedResource,
)
from licensing.envelope import seal
from licensing.instants import iso
from licensing.issuer_book import key_digest, licensed_container
from licensing.issuer_tables import Download, Resource, ResourceContainer, ResourceKey, Subscription
from licensing.protocol import LicenseRequest

_NO_KEY = 0
_Payer = tuple[str | None, int]
"""A resource and the slot of the API key that speaks for it."""


class _No(Exception):
    """A rule's refusal, on its way to the answer."""

    def __init__(self, denial: Denial) -> None:
        super().__init__(denial.detail)
        self.denial = denial


def _require(condition: bool, code: DenialCode, detail: str) -> None:
    if not condition:
        raise _No(Denial(code, detail))


@dataclass(frozen=True, slots=True)
class _Grant:
    """Everything a license is made from, once every rule has said yes."""

    resource: Any
    license_id: str
    last_serial: int
    container: LicensedContainer
    plan: CommittedPlan
    key_slot: int
    instances: tuple[str, ...] | None


class Issuer:
    """The issuer's rules over its store. One license id per resource and container type; its serial only rises."""

    def __init__(self, engine: Engine, signer: Signer, *, base_url: str) -> None:
        self._engine = engine
        self._signer = signer
        self._base_url = base_url.rstrip("/")

    def download(self, request: LicenseRequest, *, resource: str, api_key: str, now: datetime) -> bytes | Denial:
        """Answer a download: the bytes of ``license.dat``, or why not.

        The serial, the line in the book and the license come out of one transaction: no serial is given twice.
        """
        with writing(self._engine) as connection:
            return self._answer(connection, request, resource, _owner(connection, api_key), now)

    def answer(
        self, connection: Connection, request: LicenseRequest, *, resource: str, now: datetime
    ) -> bytes | Denial:
        """Answer, in the caller's transaction, a request whose right to the resource was established without a key.

        Rule 3 and those after it are asked; the book says key slot 0.
        """
        return self._answer(connection, request, resource, (resource, _NO_KEY), now)

    def _answer(
        self, connection: Connection, request: LicenseRequest, resource: str, payer: _Payer, now: datetime
    ) -> bytes | Denial:
        try:
            grant = self._judge(connection, request, resource, payer, now)
        except _No as no:
            return no.denial
        license_ = self._license(grant, request, now)
        content = seal(license_.to_bytes(), LICENSE_TYPE, self._signer)
        connection.execute(
            update(ResourceContainer)
            .where(ResourceContainer.license_id == license_.license_id)
            .values(serial=license_.serial)
        )
        connection.execute(
            insert(Download).values(
                resource=resource,
                container_type=request.container_type,
                container_version=request.container_version,
                key_slot=grant.key_slot,
                license_id=license_.license_id,
                serial=license_.serial,
                issued_at=iso(license_.issued_at),
                expires_at=iso(license_.expires_at),
                digest=hashlib.sha256(content).digest(),
                site=license_.site,
            )
        )
        return content

    def _judge(
        self, connection: Connection, request: LicenseRequest, resource: str, payer: _Payer, now: datetime
    ) -> _Grant:
        """Ask the rules in their order. Raises ``_No`` with the first that says no."""
        owner, slot = payer
        _require(owner is not None, DenialCode.INVALID, "the API key is not one of any resource")
        _require(owner == resource, DenialCode.MISMATCH, f"the API key is not one of resource {resource}")
        found = connection.execute(select(Resource.__table__).where(Resource.name == resource)).one()
        kind = CONTAINER_TYPES.get(request.container_type)
        _require(
            kind is not None and kind.resource_kind == found.kind,
            DenialCode.MISMATCH,
            f"resource {resource}, of kind {found.kind}, does not license {request.container_type} containers",
        )
        approved_at = connection.execute(
            select(Subscription.approved_at).where(Subscription.name == found.subscription)
        ).scalar_one()
        _require(
            approved_at is not None,
            DenialCode.UNAUTHORIZED,
            f"subscription {found.subscription} is not approved",
        )
        container = connection.execute(
            select(ResourceContainer.__table__).where(
                ResourceContainer.resource == resource, ResourceContainer.type == request.container_type
            )
        ).one_or_none()
        if container is None:
            detail = f"resource {resource} has no {request.container_type} containers on its list"
            raise _No(Denial(DenialCode.UNAUTHORIZED, detail))
        licensed = licensed_container(container.type, container.version_from, container.version_below)
        _require(
            licensed.admits(request.container_version),
            DenialCode.MISMATCH,
            f"resource {resource} licenses versions {licensed.version_from} up to, not including,"
            f" {licensed.version_below}, the container is {request.container_version}",
        )
        plan = CommittedPlan.model_validate_json(found.plan)
        _require(
            plan.starts_at <= now < plan.ends_at,
            DenialCode.OUT_OF_QUOTA,
            f"plan {plan.name} runs from {iso(plan.starts_at)} to {iso(plan.ends_at)}, and now is {iso(now)}",
        )
        instances = _instances(container.instances, request)
        return _Grant(found, container.license_id, container.serial, licensed, plan, slot, instances)

    def _license(self, grant: _Grant, request: LicenseRequest, now: datetime) -> License:
        issued_at = now.replace(microsecond=0)
        resource = grant.resource
        return License(
            license_id=grant.license_id,
            serial=grant.last_serial + 1,
            container=grant.container,
            resource=LicensedResource(name=resource.name, endpoint=f"{self._base_url}/{resource.name}"),
            site=request.site,
            instances=grant.instances,
            issued_at=issued_at,
            not_before=issued_at,
            expires_at=min(issued_at + timedelta(seconds=resource.term_seconds), grant.plan.ends_at),
            grace_days=resource.grace_days,
            plan=grant.plan,
        )


def _owner(connection: Connection, api_key: str) -> _Payer:
    """The resource and slot a key belongs to; every key is compared, each in constant time."""
    digest = key_digest(api_key)
    rows = connection.execute(select(ResourceKey.resource, ResourceKey.slot, ResourceKey.digest)).all()
    owners = [(row.resource, row.slot) for row in rows if hmac.compare_digest(row.digest, digest)]
    return owners[0] if owners else (None, _NO_KEY)


def _instances(listed: str | None, request: LicenseRequest) -> tuple[str, ...] | None:
    """The instances of the license: those asked for, or all of the resource's list; none where it floats."""
    licensed = tuple(json.loads(listed)) if listed else None
    if licensed and request.instances:
        for name in request.instances:
            _require(name in licensed, DenialCode.MISMATCH, f"instance {name} is not one of {', '.join(licensed)}")
    return request.instances or licensed
