"""The resources that pay for containers: each with a plan, two API keys, and the terms of its licenses."""

import hashlib
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, insert, select, update

from licensing.containers import CONTAINER_TYPES
from licensing.core.errors import BadCall
from licensing.db.database import reading, writing
from licensing.db.schema import row_of
from licensing.issuer.audit import note
from licensing.issuer.containers import KnownContainer, insert_container, list_containers
from licensing.issuer.plans import check_plan, check_word, following_plan, plan_at
from licensing.issuer.tables import ResourceKeyRow, ResourceRow, SubscriptionRow
from licensing.issuer.terms import NewContainer, check_terms, seconds
from licensing.signing.document import CommittedPlan

DISCONNECTED_SKU = "DC0"
"""The SKU of a commitment to disconnected containers. Source: facts/azure-disconnected §3."""
KEY_SLOTS = (1, 2)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class NewResource:
    """A resource to be entered: the first container it pays for, on which plan, and for how long a license runs.

    Its name is one segment of its endpoint. One that ``stops_at_quota`` is OutOfQuota for connected containers once its
    plan is used up. Raises ``BadCall`` for what no license could ever be made from.
    """

    name: str
    subscription: str
    container_type: str
    plan: CommittedPlan
    term: timedelta = timedelta(days=365)
    grace_days: int = 0
    version_from: str | None = None
    version_below: str | None = None
    sku: str = DISCONNECTED_SKU
    stops_at_quota: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "container_type", self.first_container.container_type)
        if not _NAME.fullmatch(self.name):
            raise BadCall(
                f"{self.name!r} is not a valid resource name",
                hint="a letter or digit, then letters, digits and . - _, 64 at most: it becomes a part of the endpoint",
            )
        check_word("subscription", self.subscription)
        check_word("SKU", self.sku)
        check_plan(self.plan)
        check_terms(self.term, self.grace_days)

    @property
    def first_container(self) -> NewContainer:
        """What its list begins with; the terms are the resource's own."""
        return NewContainer(self.container_type, self.version_from, self.version_below)


@dataclass(frozen=True, slots=True)
class KnownResource:
    """A resource as the issuer keeps it. ``approved_at`` is None while its subscription is not approved.

    ``plan`` is the one that counts, ``next_plan`` one that takes over from it at its own start.
    """

    name: str
    kind: str
    sku: str
    subscription: str
    approved_at: str | None
    plan: CommittedPlan
    next_plan: CommittedPlan | None
    term: timedelta
    grace_days: int
    stops_at_quota: bool
    containers: tuple[KnownContainer, ...]


KeepKey = Callable[[int, str], None]
"""Takes a slot and its key to where they outlast the process."""


def key_digest(api_key: str) -> bytes:
    """What is kept of an API key. The keys are 256 random bits, so a plain digest cannot be guessed back."""
    return hashlib.sha256(api_key.encode()).digest()


def add_resource(
    engine: Engine, resource: NewResource, *, now: datetime, actor: str, keep: KeepKey | None = None
) -> Sequence[str]:
    """Enter a resource with its plan; returns its two keys, which are shown this once and kept as digests only.

    ``keep`` is called with each slot and key before they count; where it raises, nothing is entered.
    Raises ``BadCall`` for a name that is taken.
    """
    kind = CONTAINER_TYPES[resource.container_type].resource_kind
    keys = [_new_key() for _ in KEY_SLOTS]
    with writing(engine) as connection:
        if connection.execute(select(ResourceRow.name).where(ResourceRow.name == resource.name)).first():
            raise BadCall(f"resource {resource.name} already exists", hint="choose another name")
        if not connection.execute(
            select(SubscriptionRow.name).where(SubscriptionRow.name == resource.subscription)
        ).first():
            connection.execute(insert(SubscriptionRow).values(name=resource.subscription))
        connection.execute(insert(ResourceRow).values(_columns(resource, kind)))
        license_id = insert_container(connection, resource.name, resource.first_container)
        for slot, key in zip(KEY_SLOTS, keys, strict=True):
            connection.execute(insert(ResourceKeyRow).values(resource=resource.name, slot=slot, digest=key_digest(key)))
        note(
            connection,
            at=now,
            actor=actor,
            action="resource add",
            subject=resource.name,
            license_id=license_id,
            **_columns(resource, kind) | resource.first_container.columns(),
        )
        for slot, key in zip(KEY_SLOTS, keys, strict=True):
            if keep is not None:
                keep(slot, key)
    return keys


def _columns(resource: NewResource, kind: str) -> dict[str, Any]:
    return {
        "name": resource.name,
        "subscription": resource.subscription,
        "kind": kind,
        "sku": resource.sku,
        "plan": resource.plan.model_dump_json(),
        "term_seconds": seconds(resource.term),
        "grace_days": resource.grace_days,
        "stops_at_quota": resource.stops_at_quota,
    }


def new_api_key(
    engine: Engine, resource: str, slot: int, *, now: datetime, actor: str, keep: KeepKey | None = None
) -> str:
    """Make a new key in one slot of a resource and return it, this once; the old one is Invalid from now on.

    The other key goes on working, so that clients can be moved over without a pause. ``keep`` is called with slot and
    key before it counts. Raises ``BadCall`` when there is
    no such resource or slot.
    """
    key = _new_key()
    with writing(engine) as connection:
        changed = connection.execute(
            update(ResourceKeyRow)
            .where(ResourceKeyRow.resource == resource, ResourceKeyRow.slot == slot)
            .values(digest=key_digest(key))
        )
        if not changed.rowcount:
            raise BadCall(f"resource {resource} has no key {slot}", hint="see: azlic issuer resource list")
        note(connection, at=now, actor=actor, action="resource key", subject=resource, slot=slot)
        if keep is not None:
            keep(slot, key)
    return key


def stop_at_quota(engine: Engine, resource: str, stops: bool, *, now: datetime, actor: str) -> bool:
    """Let connected containers of a resource stop where its plan is used up, or go on; False where that is so already.

    Raises ``BadCall`` when there is no such resource.
    """
    with writing(engine) as connection:
        row = row_of(connection, ResourceRow, ResourceRow.name == resource)
        if row is None:
            raise BadCall(f"there is no resource {resource}", hint="see: azlic issuer resource list")
        if row.stops_at_quota is stops:
            return False
        connection.execute(update(ResourceRow).where(ResourceRow.name == resource).values(stops_at_quota=stops))
        note(connection, at=now, actor=actor, action="resource quota", subject=resource, stops_at_quota=stops)
    return True


def is_api_key(engine: Engine, resource: str, slot: int, api_key: str) -> bool:
    """Whether this is the key of a slot of a resource."""
    known = select(ResourceKeyRow.digest).where(ResourceKeyRow.resource == resource, ResourceKeyRow.slot == slot)
    with reading(engine) as connection:
        return connection.execute(known).scalar() == key_digest(api_key)


def _new_key() -> str:
    return secrets.token_hex(32)


def list_resources(engine: Engine, *, now: datetime) -> list[KnownResource]:
    """Every resource, in the order of the names, with the plan that counts now."""
    listed = list_containers(engine)
    statement = (
        select(ResourceRow.__table__, SubscriptionRow.approved_at)
        .join(SubscriptionRow, SubscriptionRow.name == ResourceRow.subscription)
        .order_by(ResourceRow.name)
    )
    with reading(engine) as connection:
        return [_known_resource(row, listed, now) for row in connection.execute(statement)]


def _known_resource(row: Any, listed: Sequence[KnownContainer], now: datetime) -> KnownResource:
    following = following_plan(row)
    return KnownResource(
        name=row.name,
        kind=row.kind,
        sku=row.sku,
        subscription=row.subscription,
        approved_at=row.approved_at,
        plan=plan_at(row, now),
        next_plan=following if following and following.starts_at > now else None,
        term=timedelta(seconds=row.term_seconds),
        grace_days=row.grace_days,
        stops_at_quota=row.stops_at_quota,
        containers=tuple(container for container in listed if container.resource == row.name),
    )
