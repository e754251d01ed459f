"""Commitment plans: what was bought, for which time, and which meters draw on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, insert, select

from licensing.document import CommittedPlan
from licensing.errors import BadCall
from usage.months import Month, is_midnight
from usage.quantity import MICRO
from usage.tables import Plan as PlanRow
from usage.tables import PlanMeter

Period = Literal["month", "year"]


@dataclass(frozen=True, slots=True)
class MeterShare:
    """A meter that draws on a plan; ``multiplier``/``divisor`` turn its unit into the plan's (hours out of seconds)."""

    meter: str
    multiplier: int = 1
    divisor: int = 1

    def in_plan_units(self, micro: int) -> int:
        """Millionths of the meter's unit as millionths of the plan's, rounded down."""
        return micro * self.multiplier // self.divisor


@dataclass(frozen=True, slots=True)
class Plan:
    """A commitment of ``count`` units of ``quota`` (millionths of ``unit``) for every ``period``.

    From ``starts_at`` up to, not including, ``ends_at``, both in UTC. Its meters are kept in the order of their names.
    """

    name: str
    plan_type: str
    tier: str
    count: int
    quota: int
    unit: str
    period: Period
    starts_at: datetime
    ends_at: datetime
    meters: tuple[MeterShare, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "meters", tuple(sorted(self.meters, key=lambda share: share.meter)))
        if self.starts_at >= self.ends_at:
            raise BadCall(f"plan {self.name} ends before it starts", hint="the end is the first instant after the plan")
        if not (is_midnight(self.starts_at) and is_midnight(self.ends_at)):
            raise BadCall(f"plan {self.name} does not start and end at 00:00 UTC", hint="give both as plain dates")
        if self.count < 1 or self.quota < 1:
            raise BadCall(f"plan {self.name} commits to nothing", hint="count and quota are 1 or more")

    @property
    def committed(self) -> int:
        """What one period commits to, in millionths of the plan's unit."""
        return self.count * self.quota

    def period_around(self, instant: datetime) -> tuple[datetime, datetime]:
        """The period an instant lies in, half-open: the calendar month, or the year counted from the plan's start.

        A period never reaches beyond the plan.
        """
        if self.period == "month":
            month = Month.of(instant)
            start, end = month.starts_at, month.next.starts_at
        else:
            years = instant.year - self.starts_at.year
            if _years_after(self.starts_at, years) > instant:
                years -= 1
            start, end = _years_after(self.starts_at, years), _years_after(self.starts_at, years + 1)
        return max(start, self.starts_at), min(end, self.ends_at)

    def covers(self, start: datetime, end: datetime) -> bool:
        """Whether the plan runs during any part of an interval."""
        return self.starts_at < end and start < self.ends_at


def _years_after(start: datetime, years: int) -> datetime:
    """The same day in another year; the 29th of February becomes the 1st of March."""
    try:
        return start.replace(year=start.year + years)
    except ValueError:
        return start.replace(year=start.year + years, month=3, day=1)


def from_document(document: CommittedPlan) -> Plan:
    """The plan a license carries, as the ledger keeps it."""
    return Plan(
        name=document.name,
        plan_type=document.plan_type,
        tier=document.tier,
        count=document.count,
        quota=document.quota.quantity * MICRO,
        unit=document.quota.unit,
        period=document.period,
        starts_at=document.starts_at,
        ends_at=document.ends_at,
        meters=tuple(map(MeterShare, document.meters)),
    )


def add_plan(connection: Connection, plan: Plan) -> bool:
    """Enter a plan; False when the very same plan is there already.

    Raises ``BadCall`` when another plan has its name, or draws on the same meter at the same time.
    """
    for other in plans(connection):
        if other == plan:
            return False
        if other.name == plan.name:
            raise BadCall(
                f"there is another plan named {plan.name}", hint="choose another name, or see: azlic plan list"
            )
        shared = {share.meter for share in other.meters} & {share.meter for share in plan.meters}
        if shared and other.covers(plan.starts_at, plan.ends_at):
            raise BadCall(
                f"meter {min(shared)} already draws on plan {other.name} at that time",
                hint="a meter draws on one plan at a time; leave it out, or let the plans follow each other",
            )
    key = connection.execute(
        insert(PlanRow)
        .values(
            name=plan.name,
            plan_type=plan.plan_type,
            tier=plan.tier,
            count=plan.count,
            quota=plan.quota,
            unit=plan.unit,
            period=plan.period,
            starts_at=plan.starts_at,
            ends_at=plan.ends_at,
        )
        .returning(PlanRow.key)
    ).scalar_one()
    for share in plan.meters:
        connection.execute(
            insert(PlanMeter).values(plan=key, meter=share.meter, multiplier=share.multiplier, divisor=share.divisor)
        )
    return True


def plans(connection: Connection) -> Sequence[Plan]:
    """All plans, in the order of their start."""
    shares: dict[int, list[MeterShare]] = {}
    for row in connection.execute(select(PlanMeter.__table__).order_by(PlanMeter.meter)):
        shares.setdefault(row.plan, []).append(MeterShare(row.meter, row.multiplier, row.divisor))
    return [
        Plan(
            **{name: value for name, value in row.items() if name != "key"},
            meters=tuple(shares.get(row["key"], ())),
        )
        for row in connection.execute(select(PlanRow.__table__).order_by(PlanRow.starts_at, PlanRow.name)).mappings()
    ]
