"""The monthly report: what was used, held against what was committed, and how sound the numbers are.

It reads the totals, never the records: its cost does not grow with the ledger.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, func, select

from usage.months import Month, day_number, from_milliseconds
from usage.plans import MeterShare, Plan, plans
from usage.tables import Finding, Quarantine, Series, Source, Total


@dataclass(frozen=True, slots=True)
class Usage:
    """What one meter of one container used, in millionths of the meter's unit: in the month, and since 1 January."""

    container_type: str
    container_id: str
    meter: str
    month: int
    year_to_date: int
    records: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class PlanUsage:
    """A plan against its use, in millionths of the plan's unit.

    ``used`` is from the start of the period to the end of the reported month; ``month`` and ``year_to_date`` as in
    ``Usage``. ``remaining`` is negative once more was used than committed.
    """

    plan: Plan
    period_starts_at: datetime
    period_ends_at: datetime
    used: int
    month: int
    year_to_date: int
    usages: tuple[Usage, ...]

    @property
    def remaining(self) -> int:
        """What is left of the period's commitment."""
        return self.plan.committed - self.used

    @property
    def percent(self) -> float:
        """How much of the period's commitment is used, in percent, to one decimal, rounded down."""
        return self.used * 1000 // self.plan.committed / 10


@dataclass(frozen=True, slots=True)
class Quality:
    """How sound the numbers are: everything that was kept out of them, and every doubt about their sources."""

    quarantined: int
    conflicts: int
    pending_bytes: int
    findings: Mapping[str, int]
    vanished: int
    unmapped_meters: tuple[str, ...]

    @property
    def clean(self) -> bool:
        """Whether there is nothing to look into."""
        return not (
            self.quarantined
            or self.conflicts
            or self.pending_bytes
            or self.findings
            or self.vanished
            or self.unmapped_meters
        )


@dataclass(frozen=True, slots=True)
class MonthlyReport:
    """A month of a site. ``unmapped`` is usage that draws on no plan of that time: shown, never dropped."""

    month: Month
    as_of: datetime
    plans: tuple[PlanUsage, ...]
    unmapped: tuple[Usage, ...]
    quality: Quality


def monthly_report(connection: Connection, month: Month, *, as_of: datetime) -> MonthlyReport:
    """The report on a month, from the ledger as it stands; ``as_of`` is the instant it was asked for."""
    usages = _usages(connection, month)
    covering = [plan for plan in plans(connection) if plan.covers(month.starts_at, month.next.starts_at)]
    drawn = {share.meter for plan in covering for share in plan.meters}
    unmapped = tuple(usage for usage in usages if usage.meter not in drawn)
    return MonthlyReport(
        month=month,
        as_of=as_of,
        plans=tuple(_plan_usage(connection, plan, month, usages) for plan in covering),
        unmapped=unmapped,
        quality=_quality(connection, sorted({usage.meter for usage in unmapped})),
    )


def _usages(connection: Connection, month: Month) -> list[Usage]:
    """What each container and meter used in the month and in its year up to the month's end; no use, no row."""
    year = _sums(connection, datetime(month.year, 1, 1, tzinfo=UTC), month.next.starts_at)
    in_month = _sums(connection, month.starts_at, month.next.starts_at)
    return [
        Usage(
            container_type=container_type,
            container_id=container_id,
            meter=meter,
            month=in_month[key].quantity if (key := (container_type, container_id, meter)) in in_month else 0,
            year_to_date=sums.quantity,
            records=in_month[key].records if key in in_month else 0,
            last_at=from_milliseconds(sums.last_at),
        )
        for (container_type, container_id, meter), sums in sorted(year.items())
    ]


@dataclass(frozen=True, slots=True)
class _Sums:
    quantity: int
    records: int
    last_at: int


def _sums(connection: Connection, start: datetime, end: datetime) -> dict[tuple[str, str, str], _Sums]:
    columns = (Series.container_type, Series.container_id, Series.meter)
    query = (
        select(*columns, func.sum(Total.quantity), func.sum(Total.records), func.max(Total.last_at))
        .join(Series, Series.key == Total.series)
        .where(Total.day >= day_number(start), Total.day < day_number(end))
        .group_by(*columns)
    )
    return {
        (kind, container, meter): _Sums(int(quantity), int(records), int(last_at))
        for kind, container, meter, quantity, records, last_at in connection.execute(query)
    }


def _plan_usage(connection: Connection, plan: Plan, month: Month, usages: Iterable[Usage]) -> PlanUsage:
    shares = {share.meter: share for share in plan.meters}
    last = min(month.next.starts_at, plan.ends_at)
    period_starts_at, period_ends_at = plan.period_around(last - timedelta(microseconds=1))
    month_starts_at = max(month.starts_at, plan.starts_at)
    year_starts_at = max(datetime(month.year, 1, 1, tzinfo=UTC), plan.starts_at)
    return PlanUsage(
        plan=plan,
        period_starts_at=period_starts_at,
        period_ends_at=period_ends_at,
        used=_drawn(_sums(connection, period_starts_at, last), shares),
        month=_drawn(_sums(connection, month_starts_at, last), shares),
        year_to_date=_drawn(_sums(connection, year_starts_at, last), shares),
        usages=tuple(usage for usage in usages if usage.meter in shares),
    )


def _drawn(sums: Mapping[tuple[str, str, str], _Sums], shares: Mapping[str, MeterShare]) -> int:
    """What the meters of a plan drew on it: summed in the meter's unit, then converted once."""
    by_meter: Counter[str] = Counter()
    for (_, _, meter), total in sums.items():
        by_meter[meter] += total.quantity
    return sum(share.in_plan_units(by_meter[meter]) for meter, share in shares.items())


def _quality(connection: Connection, unmapped_meters: list[str]) -> Quality:
    kept = {
        row.kind: row.number
        for row in connection.execute(select(Quarantine.kind, func.count().label("number")).group_by(Quarantine.kind))
    }
    findings = {
        row.kind: row.number
        for row in connection.execute(
            select(Finding.kind, func.count().label("number")).group_by(Finding.kind).order_by(Finding.kind)
        )
    }
    pending, vanished = connection.execute(
        select(
            func.coalesce(func.sum(Source.size - Source.offset).filter(Source.vanished_at.is_(None)), 0),
            func.count(Source.vanished_at),
        )
    ).one()
    return Quality(
        quarantined=kept.get("bad-line", 0),
        conflicts=kept.get("conflict", 0),
        pending_bytes=int(pending),
        findings=findings,
        vanished=vanished,
        unmapped_meters=tuple(unmapped_meters),
    )
