"""The containers a resource may license: each with a license id of its own, a serial, and its terms."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import uuid_utils
from sqlalchemy import Connection, Engine, insert, select, update

from licensing.containers import CONTAINER_TYPES, container_type
from licensing.core.errors import BadCall
from licensing.db.database import reading, writing
from licensing.db.schema import row_of, rows_of
from licensing.issuer.audit import note
from licensing.issuer.revocations import revocation_of
from licensing.issuer.tables import ResourceContainerRow, ResourceRow
from licensing.issuer.terms import NewContainer, names


@dataclass(frozen=True, slots=True)
class KnownContainer:
    """A container type on a resource's list. ``serial`` is the last one given for ``license_id``, 0 for none yet.

    ``term`` and ``grace_days`` are None where the resource's own count, ``repositories``, ``instances`` and ``model``
    empty where nothing narrows them; ``revoked_at`` is None unless the license id was revoked with all its serials.
    """

    resource: str
    container_type: str
    license_id: str
    serial: int
    version_from: str
    version_below: str
    repositories: tuple[str, ...]
    instances: tuple[str, ...]
    term: timedelta | None
    grace_days: int | None
    revoked_at: str | None
    model: str | None = None


def add_container(engine: Engine, resource: str, container: NewContainer, *, now: datetime, actor: str) -> str:
    """Put a container type on a resource's list; returns the license id that its licenses will have.

    Raises ``BadCall`` when there is no such resource, when it is of another kind, or has this type already.
    """
    kind = CONTAINER_TYPES[container.container_type]
    with writing(engine) as connection:
        found = connection.execute(select(ResourceRow.kind).where(ResourceRow.name == resource)).scalar()
        if found is None:
            raise BadCall(f"there is no resource {resource}", hint="see: azlic issuer resource list")
        if found != kind.resource_kind:
            fitting = [other.name for other in CONTAINER_TYPES.values() if other.resource_kind == found]
            raise BadCall(
                f"resource {resource}, of kind {found}, cannot license {kind.name} containers",
                hint=f"it may license: {', '.join(fitting)}",
            )
        if find_listed(connection, resource, kind.name) is not None:
            raise BadCall(
                f"resource {resource} has {kind.name} containers on its list already",
                hint="azlic issuer container set changes their terms",
            )
        license_id = insert_container(connection, resource, container)
        _note_terms(connection, "container add", resource, container, license_id, now=now, actor=actor)
    return license_id


def insert_container(connection: Connection, resource: str, container: NewContainer) -> str:
    """Write the row of a container type, under a new license id."""
    license_id = str(uuid_utils.uuid7())
    values = container.columns() | {"resource": resource, "license_id": license_id, "serial": 0}
    connection.execute(insert(ResourceContainerRow).values(values))
    return license_id


def _note_terms(
    connection: Connection,
    action: str,
    resource: str,
    container: NewContainer,
    license_id: str,
    *,
    now: datetime,
    actor: str,
) -> None:
    terms = container.columns()
    terms["container"] = terms.pop("type")
    note(connection, at=now, actor=actor, action=action, subject=resource, license_id=license_id, **terms)


def set_container(engine: Engine, resource: str, container: NewContainer, *, now: datetime, actor: str) -> str:
    """Give a container type on a resource's list other terms, replacing all of them; they count from the next download.

    The license id and its serial go on; returns the former. Raises ``BadCall`` when it is not on the list.
    """
    with writing(engine) as connection:
        row = _container_row(connection, resource, container.container_type)
        connection.execute(
            update(ResourceContainerRow)
            .where(ResourceContainerRow.license_id == row.license_id)
            .values(container.columns())
        )
        _note_terms(connection, "container set", resource, container, row.license_id, now=now, actor=actor)
    return str(row.license_id)


def renew_license_id(engine: Engine, resource: str, kind: str, *, now: datetime, actor: str) -> str:
    """Begin a new license for a container whose license was revoked: a new id, its serial from 1 again; returns the id.

    Raises ``BadCall`` when it is not on the list, or its license is not revoked: two would run side by side.
    """
    with writing(engine) as connection:
        row = _container_row(connection, resource, container_type(kind).name)
        if revocation_of(connection, row.license_id, row.serial + 1) is None:
            raise BadCall(
                f"license {row.license_id} of resource {resource} is not revoked",
                hint=f"first: azlic issuer revoke {row.license_id} --reason TEXT",
            )
        license_id = str(uuid_utils.uuid7())
        connection.execute(
            update(ResourceContainerRow)
            .where(ResourceContainerRow.license_id == row.license_id)
            .values(license_id=license_id, serial=0)
        )
        note(
            connection,
            at=now,
            actor=actor,
            action="container renew-id",
            subject=resource,
            container=row.type,
            license_id=license_id,
            instead_of=row.license_id,
        )
    return license_id


def find_listed(connection: Connection, resource: str, kind: str) -> ResourceContainerRow | None:
    """The row of a container type on a resource's list."""
    own = ResourceContainerRow.resource == resource, ResourceContainerRow.type == kind
    return row_of(connection, ResourceContainerRow, *own)


def _container_row(connection: Connection, resource: str, kind: str) -> ResourceContainerRow:
    row = find_listed(connection, resource, kind)
    if row is None:
        raise BadCall(
            f"resource {resource} has no {kind} containers on its list", hint="see: azlic issuer container list"
        )
    return row


def list_containers(engine: Engine) -> list[KnownContainer]:
    """Every container type on any resource's list, in the order of the resources' names."""
    in_order = ResourceContainerRow.resource, ResourceContainerRow.type
    with reading(engine) as connection:
        listed = rows_of(connection, ResourceContainerRow, order_by=in_order)
        return [_known_container(connection, row) for row in list(listed)]


def _known_container(connection: Connection, row: ResourceContainerRow) -> KnownContainer:
    revocation = revocation_of(connection, row.license_id, row.serial + 1)
    return KnownContainer(
        resource=row.resource,
        container_type=row.type,
        license_id=row.license_id,
        serial=row.serial,
        version_from=row.version_from,
        version_below=row.version_below,
        repositories=names(row.repositories),
        instances=names(row.instances),
        term=None if row.term_seconds is None else timedelta(seconds=row.term_seconds),
        grace_days=row.grace_days,
        revoked_at=revocation.revoked_at if revocation else None,
        model=row.model,
    )
