"""Lists: records of the ledger by the time of their use, corrections as they were booked; newest first, bounded."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Generic, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, select

from licensing.core.errors import BadCall
from licensing.core.instants import from_milliseconds, milliseconds
from usage.ledger.correction_kinds import LATE
from usage.ledger.tables.months import CorrectionRow
from usage.ledger.tables.records import RecordRow, SeriesRow
from usage.ledger.this_site import THIS_SITE
from usage.months import Month

_NAMES_TOLD = 10
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which records are listed: written from ``start`` up to, not including, ``end``; None chooses all.

    ``container`` is an id or a type.
    """

    start: datetime | None = None
    end: datetime | None = None
    site: str | None = None
    container: str | None = None
    meter: str | None = None


@dataclass(frozen=True, slots=True)
class Listing(Generic[_Item]):
    """The newest items, as many as were asked for; ``more`` says that there are others."""

    items: Sequence[_Item]
    more: bool


@dataclass(frozen=True, slots=True)
class ListedRecord:
    """A record as it was reported; ``counts`` is what it counts with all corrections, in millionths like ``quantity``.

    ``late_in`` is the month that counts it, where it came after its own was closed.
    """

    id: str
    requested_at: datetime
    site: str
    container_type: str
    container_version: str
    container_id: str
    meter: str
    quantity: int
    counts: int
    late_in: Month | None


@dataclass(frozen=True, slots=True)
class ListedCorrection:
    """One row that was booked about a record: ``month`` is the record's, ``booked_month`` counts the quantity."""

    number: int
    kind: str
    record_id: str
    site: str
    container_id: str
    meter: str
    month: Month
    booked_month: Month
    quantity: int
    reason: str
    booked_at: datetime


def list_records(
    connection: Connection, chosen: Chosen, *, limit: int, as_taken: bool = False
) -> Listing[ListedRecord]:
    """The chosen records that were used last, or, ``as_taken``, those that the ledger took last.

    Raises ``BadCall`` for a name that the ledger does not know.
    """
    _refuse_unknown(connection, chosen)
    columns = (
        RecordRow.id,
        RecordRow.requested_at,
        SeriesRow.site,
        SeriesRow.container_type,
        SeriesRow.container_version,
        SeriesRow.container_id,
        SeriesRow.meter,
        RecordRow.quantity,
    )
    query = select(*columns).join(SeriesRow, SeriesRow.key == RecordRow.series).where(*_labels(chosen))
    if chosen.start is not None:
        query = query.where(RecordRow.requested_at >= milliseconds(chosen.start))
    if chosen.end is not None:
        query = query.where(RecordRow.requested_at < milliseconds(chosen.end))
    newest = [RecordRow.requested_at.desc(), RecordRow.number.desc()][as_taken:]
    found = connection.execute(query.order_by(*newest).limit(limit + 1)).all()
    changes, late = _booked_about(connection, [row.id for row in found])
    items = [
        ListedRecord(
            id=row.id,
            requested_at=from_milliseconds(row.requested_at),
            site=row.site,
            container_type=row.container_type,
            container_version=row.container_version,
            container_id=row.container_id,
            meter=row.meter,
            quantity=row.quantity,
            counts=row.quantity + changes.get(row.id, 0),
            late_in=late.get(row.id),
        )
        for row in found[:limit]
    ]
    return Listing(items, len(found) > limit)


def list_corrections(connection: Connection, *, month: Month | None = None, limit: int) -> Listing[ListedCorrection]:
    """The newest corrections and late records; of a month those that are about it, and those booked in it."""
    columns = (
        CorrectionRow.number,
        CorrectionRow.kind,
        CorrectionRow.record_id,
        SeriesRow.site,
        SeriesRow.container_id,
        SeriesRow.meter,
        CorrectionRow.month,
        CorrectionRow.booked_month,
        CorrectionRow.quantity,
        CorrectionRow.reason,
        CorrectionRow.booked_at,
    )
    query = select(*columns).join(SeriesRow, SeriesRow.key == CorrectionRow.series)
    if month is not None:
        query = query.where((CorrectionRow.month == month.number) | (CorrectionRow.booked_month == month.number))
    found = connection.execute(query.order_by(CorrectionRow.number.desc()).limit(limit + 1)).all()
    items = [
        ListedCorrection(
            number=row.number,
            kind=row.kind,
            record_id=row.record_id,
            site=row.site,
            container_id=row.container_id,
            meter=row.meter,
            month=Month.from_number(row.month),
            booked_month=Month.from_number(row.booked_month),
            quantity=row.quantity,
            reason=row.reason,
            booked_at=row.booked_at,
        )
        for row in found[:limit]
    ]
    return Listing(items, len(found) > limit)


def site_of(name: str) -> str:
    """A site as the ledger has it, by the name that people give it; this site has none there."""
    return "" if name == THIS_SITE else name


def refuse_unknown(what: str, name: str, known: Iterable[str]) -> None:
    """Refuse a name that is none of those known, and tell these. Raises ``BadCall``."""
    names = sorted(set(known))
    if name in names:
        return
    shown = ", ".join(one or THIS_SITE for one in names[:_NAMES_TOLD])
    more = f" and {len(names) - _NAMES_TOLD:,} more" if len(names) > _NAMES_TOLD else ""
    raise BadCall(
        f"there is no {what} {name!r} in the ledger", hint=f"known: {shown}{more}" if names else "it is empty"
    )


def _refuse_unknown(connection: Connection, chosen: Chosen) -> None:
    named = (
        ("site", None if chosen.site is None else site_of(chosen.site), (SeriesRow.site,)),
        ("container", chosen.container, (SeriesRow.container_id, SeriesRow.container_type)),
        ("meter", chosen.meter, (SeriesRow.meter,)),
    )
    for what, name, columns in named:
        if name is not None:
            known = [connection.execute(select(column).distinct()).scalars() for column in columns]
            refuse_unknown(what, name, chain.from_iterable(known))


def _labels(chosen: Chosen) -> list[ColumnElement[bool]]:
    labels: list[ColumnElement[bool]] = []
    if chosen.site is not None:
        labels.append(SeriesRow.site == site_of(chosen.site))
    if chosen.container is not None:
        labels.append((SeriesRow.container_id == chosen.container) | (SeriesRow.container_type == chosen.container))
    if chosen.meter is not None:
        labels.append(SeriesRow.meter == chosen.meter)
    return labels


def _booked_about(connection: Connection, identities: Sequence[str]) -> tuple[dict[str, int], dict[str, Month]]:
    """What corrections by hand changed about records, and the months in which late ones count."""
    columns = CorrectionRow.record_id, CorrectionRow.kind, CorrectionRow.quantity, CorrectionRow.booked_month
    changes: dict[str, int] = {}
    late: dict[str, Month] = {}
    for start in range(0, len(identities), _IDS_A_QUERY):
        query: Select[str, str, int, int] = select(*columns)
        query = query.where(CorrectionRow.record_id.in_(identities[start : start + _IDS_A_QUERY]))
        for identity, kind, quantity, month in connection.execute(query):
            if kind == LATE:
                late[identity] = Month.from_number(month)
            else:
                changes[identity] = changes.get(identity, 0) + quantity
    return changes, late


_IDS_A_QUERY = 500
