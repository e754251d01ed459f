"""The issuer's book: which resources there are, their API keys, who is approved, and every license given out."""

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import uuid_utils
from pydantic import ValidationError
from sqlalchemy import Engine, insert, select, update

from licensing.containers import CONTAINER_TYPES, container_type
from licensing.database import open_database, place, reading, writing
from licensing.document import (
    CommittedPlan,
    LicensedContainer,
)
from licensing.errors import AzlicError, BadCall
from licensing.instants import iso
from licensing.issuer_tables import Download, Resource, ResourceContainer, ResourceKey, Subscription
from licensing.wording import first_fault

VERSION_FROM, VERSION_BELOW = "3.2", "4"
KEY_SLOTS = (1, 2)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LONGEST_GRACE_DAYS = 366


@dataclass(frozen=True, slots=True)
class NewResource:
    """A resource to be entered: which kind of container it pays for, on which plan, and for how long a license runs.

    Its name is one segment of its endpoint. Raises ``BadCall`` for what no license could ever be made from.
    """

    name: str
    subscription: str
    container_type: str
    plan: CommittedPlan
    term: timedelta = timedelta(days=365)
    grace_days: int = 0
    version_from: str = VERSION_FROM
    version_below: str = VERSION_BELOW

    def __post_init__(self) -> None:
        object.__setattr__(self, "container_type", container_type(self.container_type).name)
        if not _NAME.fullmatch(self.name):
            raise BadCall(
                f"{self.name!r} cannot name a resource",
                hint="a letter or digit, then letters, digits and . - _, 64 at most: it becomes a part of the endpoint",
            )
        for what, text in (
            ("subscription", self.subscription),
            ("plan type", self.plan.plan_type),
            ("tier", self.plan.tier),
            ("unit", self.plan.quota.unit),
        ):
            if not text or text != text.strip() or not text.isprintable():
                raise BadCall(f"the {what} {text!r} is empty, or has blanks around it", hint="write it without them")
        if self.term < timedelta(seconds=1):
            raise BadCall("the term is shorter than a second", hint="write it as 365d, 12h, 30m or 20s")
        if not 0 <= self.grace_days <= _LONGEST_GRACE_DAYS:
            raise BadCall(f"the grace is not from 0 to {_LONGEST_GRACE_DAYS} days", hint="0 grants none")
        try:
            licensed_container(self.container_type, self.version_from, self.version_below)
        except ValidationError as error:
            raise BadCall(
                f"versions from {self.version_from!r} and below {self.version_below!r}: {first_fault(error)[1]}",
                hint=f"for example from {VERSION_FROM} and below {VERSION_BELOW}",
            ) from error


@dataclass(frozen=True, slots=True)
class KnownResource:
    """A resource as the issuer keeps it. ``approved_at`` is None until its subscription was approved."""

    name: str
    subscription: str
    approved_at: str | None
    container_type: str
    version_from: str
    version_below: str
    plan: CommittedPlan
    term: timedelta
    grace_days: int


@dataclass(frozen=True, slots=True)
class IssuedLicense:
    """A line of the issuer's book: a license that was given out."""

    license_id: str
    serial: int
    resource: str
    container_type: str
    container_version: str
    key_slot: int
    issued_at: str
    expires_at: str
    site: str | None = None


def licensed_container(kind: str, version_from: str, version_below: str) -> LicensedContainer:
    return LicensedContainer(
        type=kind,
        repositories=CONTAINER_TYPES[kind].repositories,
        version_from=version_from,
        version_below=version_below,
    )


def key_digest(api_key: str) -> bytes:
    """What is kept of an API key. The keys are 256 random bits, so a plain digest cannot be guessed back."""
    return hashlib.sha256(api_key.encode()).digest()


def add_resource(engine: Engine, resource: NewResource) -> Sequence[str]:
    """Enter a resource with its plan; returns its two keys, which are shown this once and kept as digests only.

    Raises ``BadCall`` for a name that is taken.
    """
    kind = CONTAINER_TYPES[resource.container_type]
    keys = [_new_key() for _ in KEY_SLOTS]
    with writing(engine) as connection:
        if connection.execute(select(Resource.name).where(Resource.name == resource.name)).first():
            raise BadCall(f"there is a resource {resource.name} already", hint="choose another name")
        if not connection.execute(select(Subscription.name).where(Subscription.name == resource.subscription)).first():
            connection.execute(insert(Subscription).values(name=resource.subscription))
        connection.execute(
            insert(Resource).values(
                name=resource.name,
                subscription=resource.subscription,
                kind=kind.resource_kind,
                plan=resource.plan.model_dump_json(),
                term_seconds=resource.term // timedelta(seconds=1),
                grace_days=resource.grace_days,
            )
        )
        connection.execute(
            insert(ResourceContainer).values(
                resource=resource.name,
                type=resource.container_type,
                license_id=str(uuid_utils.uuid7()),
                serial=0,
                version_from=resource.version_from,
                version_below=resource.version_below,
            )
        )
        for slot, key in zip(KEY_SLOTS, keys, strict=True):
            connection.execute(insert(ResourceKey).values(resource=resource.name, slot=slot, digest=key_digest(key)))
    return keys


def new_api_key(engine: Engine, resource: str, slot: int) -> str:
    """Make a new key in one slot of a resource and return it, this once; the old one is Invalid from now on.

    The other key goes on working, so that clients can be moved over without a pause. Raises ``BadCall`` when there is
    no such resource or slot.
    """
    key = _new_key()
    with writing(engine) as connection:
        changed = connection.execute(
            update(ResourceKey)
            .where(ResourceKey.resource == resource, ResourceKey.slot == slot)
            .values(digest=key_digest(key))
        )
        if not changed.rowcount:
            raise BadCall(f"there is no key {slot} of a resource {resource}", hint="see: azlic issuer resource list")
    return key


def _new_key() -> str:
    return secrets.token_hex(32)


def open_issuer(target: str) -> Engine:
    """Open the issuer's store, which only ``azlic issuer init`` makes.

    Raises ``AzlicError`` when it is not there.
    """
    if "://" not in target and not Path(target).exists():
        raise AzlicError(
            f"there is no issuer's store at {Path(target).absolute()}",
            hint="azlic issuer init makes it; or name another with --database",
        )
    return open_database(target, upgrade=True)


def open_stocked_issuer(target: str) -> Engine:
    """Open an issuer's store that holds a resource: without one there is nothing to serve, to approve or to list.

    Raises ``AzlicError`` when it is not there, or holds none, as another database does.
    """
    engine = open_issuer(target)
    with reading(engine) as connection:
        if connection.execute(select(Resource.name).limit(1)).first() is None:
            raise AzlicError(
                f"{place(engine)} holds no resource of any issuer",
                hint="azlic issuer resource add enters one; or name the issuer's store with --database",
            )
    return engine


def resources(engine: Engine) -> list[KnownResource]:
    """Every resource, in the order of the names."""
    statement = (
        select(Resource.__table__, Subscription.approved_at, ResourceContainer.__table__)
        .join(Subscription, Subscription.name == Resource.subscription)
        .join(ResourceContainer, ResourceContainer.resource == Resource.name)
        .order_by(Resource.name)
    )
    with reading(engine) as connection:
        return [
            KnownResource(
                name=row.name,
                subscription=row.subscription,
                approved_at=row.approved_at,
                container_type=row.type,
                version_from=row.version_from,
                version_below=row.version_below,
                plan=CommittedPlan.model_validate_json(row.plan),
                term=timedelta(seconds=row.term_seconds),
                grace_days=row.grace_days,
            )
            for row in connection.execute(statement)
        ]


def approve(engine: Engine, subscription: str, *, now: datetime) -> None:
    """Approve a subscription for the containers of its resources. Raises ``BadCall`` when there is no such one."""
    with writing(engine) as connection:
        changed = connection.execute(
            update(Subscription).where(Subscription.name == subscription).values(approved_at=iso(now))
        )
        if not changed.rowcount:
            raise BadCall(f"there is no subscription {subscription}", hint="see: azlic issuer resource list")


def issued(engine: Engine) -> list[IssuedLicense]:
    """Every license that was given out, the newest last."""
    with reading(engine) as connection:
        return [
            IssuedLicense(**{name: value for name, value in row.items() if name not in ("key", "digest")})
            for row in connection.execute(select(Download.__table__).order_by(Download.key)).mappings()
        ]
