"""Commitments: what was bought, for which time, which meters draw on it, and what each of its periods commits to."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from fractions import Fraction
from math import gcd
from typing import Literal, NamedTuple

from licensing.core.errors import BadCall
from usage.months import Month, is_midnight
from usage.plans.arm_id import account_of, name_with_account, same_arm_id
from usage.quantity import MAX_WHOLE, MICRO

Period = Literal["month", "year"]
MAX_UNITS = 2**31 - 1
_VALUE_LENGTH = 1000
LABEL_LENGTH = 200


@dataclass(frozen=True, slots=True)
class MeterShare:
    """A meter that draws on a plan: ``divisor`` of its unit are ``multiplier`` of the plan's (3600 seconds, 1 hour).

    Kept in lowest terms.
    """

    meter: str
    multiplier: int = 1
    divisor: int = 1

    def __post_init__(self) -> None:
        if not (1 <= self.multiplier <= MAX_WHOLE and 1 <= self.divisor <= MAX_WHOLE):
            raise BadCall(
                f"{self.multiplier} for each {self.divisor} is not a valid ratio for meter {self.meter}",
                hint="both are whole numbers from 1 to 1,000,000,000,000",
            )
        common = gcd(self.multiplier, self.divisor)
        object.__setattr__(self, "multiplier", self.multiplier // common)
        object.__setattr__(self, "divisor", self.divisor // common)

    @property
    def ratio(self) -> Fraction:
        """How much of the plan's unit one of the meter's is, exactly."""
        return Fraction(self.multiplier, self.divisor)

    def in_plan_units(self, micro: int) -> int:
        """Millionths of the meter's unit as millionths of the plan's, rounded down."""
        return micro * self.multiplier // self.divisor


@dataclass(frozen=True, slots=True)
class Change:
    """Units added in mid-term: the period of ``effective_at`` commits to ``quota`` more (millionths).

    Every later period commits to the full quota of these units. A row with negative numbers takes one back that was
    entered by mistake. ``prorated`` says whether the quota was worked out or stated.
    """

    effective_at: datetime
    units: int
    quota: int
    prorated: bool
    entered_at: datetime
    entered_by: str | None = None


@dataclass(frozen=True, slots=True)
class NextTerm:
    """What a plan becomes at its end: ``count`` units of ``quota`` (millionths), up to ``ends_at``."""

    tier: str
    count: int
    quota: int
    ends_at: datetime


class Renewal(NamedTuple):
    """What is to come at a plan's end, as it stands from ``effective_at`` on."""

    effective_at: datetime
    auto_renew: bool
    next_term: NextTerm | None
    entered_at: datetime
    entered_by: str


Scope = Literal["container", "output", "resource", "site"]
"""By what a rule names what a plan takes."""


@dataclass(frozen=True, slots=True, order=True)
class Rule:
    """What a plan takes where another has the same meter: a container by id or type, a folder, a resource, a site."""

    scope: Scope
    value: str

    def __post_init__(self) -> None:
        if not (1 <= len(self.value) <= _VALUE_LENGTH and self.value.isprintable()):
            raise BadCall(f"{self.value!r} is not a valid {self.scope}", hint="use 1 to 1000 printable characters")


PlanIdentity = tuple[int, datetime]
"""What a plan is known by under any name: its number in the book, and its first day."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A commitment of ``count`` units of ``quota`` (millionths of ``unit``) for every ``period``.

    From ``starts_at`` up to, not including, ``ends_at``, both in UTC. Its meters are kept in the order of their names,
    its changes in the order they were entered. A period that the plan's start or end cuts short commits to the quota
    in full, as stated: where it was pro-rated, that quota is stated.

    It is one term of what was bought; the terms of a plan of Azure's share its ``arm_id``. ``auto_renew`` is what
    stands now, ``renewals`` how it came to it. ``renewed_from`` names the term whose renewal this one is: it is what
    was noted to come then, as nobody has entered it yet. ``key`` is its number in the book, 0 outside it.
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
    auto_renew: bool = False
    meters: tuple[MeterShare, ...] = ()
    changes: tuple[Change, ...] = ()
    arm_id: str | None = None
    renewals: tuple[Renewal, ...] = ()
    renewed_from: str | None = None
    rules: tuple[Rule, ...] = ()
    key: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "meters", tuple(sorted(self.meters, key=lambda share: share.meter)))
        names = [share.meter for share in self.meters]
        for label in (self.name, self.plan_type, self.tier, self.unit, *names):
            if not (1 <= len(label) <= LABEL_LENGTH and label.isprintable()):
                raise BadCall(
                    f"{label!r} is not a valid name for a part of a plan", hint="use 1 to 200 printable characters"
                )
        if twice := [name for name in names if names.count(name) > 1]:
            raise BadCall(f"meter {twice[0]} is listed twice in plan {self.name}", hint="name each meter once")
        if self.starts_at >= self.ends_at:
            raise BadCall(f"plan {self.name} ends before it starts", hint="the end is the first instant after the plan")
        if not (is_midnight(self.starts_at) and is_midnight(self.ends_at)):
            raise BadCall(f"plan {self.name} does not start and end at 00:00 UTC", hint="give both as plain dates")
        if self.count < 1 or self.quota < 1:
            raise BadCall(f"plan {self.name} commits to nothing", hint="count and quota are 1 or more")
        if self.count > MAX_UNITS or self.quota > MAX_WHOLE * MICRO:
            raise BadCall(
                f"plan {self.name} commits to more than can be counted",
                hint="a quota is at most 1,000,000,000,000, a count 2,147,483,647",
            )

    @property
    def identity(self) -> "PlanIdentity":
        """What a plan is known by under any name: its number in the book, and its first day."""
        return self.key, self.starts_at

    @property
    def account(self) -> str | None:
        """The account it belongs to, as far as it is known."""
        return None if self.arm_id is None else account_of(self.arm_id)

    @property
    def title(self) -> str:
        """The name, with the account beside it."""
        return name_with_account(self.name, self.account)

    def goes_by(self, name: str) -> bool:
        """Whether it is meant by a name: its own, or its ARM id."""
        return self.name == name or (self.arm_id is not None and same_arm_id(self.arm_id, name))

    def is_later_term_of(self, plan: "Plan") -> bool:
        """Whether both are terms of the same purchase, and this one is the later."""
        same = self.renewed_from == plan.name or (self.arm_id and plan.arm_id and same_arm_id(self.arm_id, plan.arm_id))
        return bool(same) and self.starts_at > plan.starts_at

    @property
    def noted_term(self) -> NextTerm | None:
        """What was noted that it becomes at its end."""
        return self.renewals[-1].next_term if self.renewals else None

    @property
    def next_term(self) -> NextTerm | None:
        """What it becomes at its end: as it was noted, or the same again where it renews itself.

        None where it ends, or where it was cut short, so that nothing says what a whole term commits to.
        """
        if self.noted_term:
            return self.noted_term
        ends_at = same_length_after(self.starts_at, self.ends_at) if self.auto_renew else None
        if ends_at is None:
            return None
        return NextTerm(self.tier, self.units_by(self.ends_at), self.quota, ends_at)

    def renewed(self) -> "Plan | None":
        """The term after this one, as far as it is known."""
        coming = self.next_term
        if coming is None:
            return None
        return replace(
            self,
            name=later_name(self.name.removesuffix(_since(self.starts_at)), self.ends_at),
            tier=coming.tier,
            count=coming.count,
            quota=coming.quota,
            starts_at=self.ends_at,
            ends_at=coming.ends_at,
            changes=(),
            renewals=(),
            renewed_from=self.name,
        )

    def commitment_at(self, instant: datetime) -> int:
        """What the period of an instant commits to, with the units added up to that instant: millionths."""
        start, _ = self.period_around(instant)
        return self.count * self.quota + sum(
            change.quota if change.effective_at >= start else change.units * self.quota
            for change in self.changes
            if change.effective_at <= instant
        )

    def units_by(self, instant: datetime) -> int:
        """How many units the plan has at an instant."""
        return self.count + sum(change.units for change in self.changes if change.effective_at <= instant)

    def prorate(self, units: int, day: datetime) -> int:
        """What units that start on a day add to its period: floor(quota x units x days left / days), with that day.

        Millionths, rounded down to whole units of the plan. Source: facts/azure-disconnected §3.3, three real plans.
        """
        start, end = self.period_around(day)
        return self.quota * units * (end - day).days // (end - start).days // MICRO * MICRO

    def period_around(self, instant: datetime) -> tuple[datetime, datetime]:
        """The period that contains an instant, half-open: the calendar month, or a year from the plan's start.

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

    def periods(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The plan's periods that run during any part of an interval, in their order."""
        at = max(start, self.starts_at)
        while at < min(end, self.ends_at):
            period = self.period_around(at)
            yield period
            at = period[1]

    def covers(self, start: datetime, end: datetime) -> bool:
        """Whether the plan runs during any part of an interval."""
        return self.starts_at < end and start < self.ends_at


def later_name(name: str, starts_at: datetime) -> str:
    """What a later term of a plan is called: Azure calls it as the one before."""
    return f"{name}{_since(starts_at)}"


def _since(starts_at: datetime) -> str:
    return f"@{starts_at:%Y-%m-%d}"


def same_length_after(start: datetime, end: datetime) -> datetime | None:
    """The end of a term as long as that from ``start`` to ``end`` and right after it, in months of the calendar."""
    months = (end.year - start.year) * 12 + end.month - start.month
    if start.day != end.day or months < 1:
        return None
    year, month = divmod(end.year * 12 + end.month - 1 + months, 12)
    try:
        return end.replace(year=year, month=month + 1)
    except ValueError:  # the 31st of a month of 30 days: no term of whole months
        return None


def _years_after(start: datetime, years: int) -> datetime:
    """The same day in another year; the 29th of February becomes the 1st of March."""
    try:
        return start.replace(year=start.year + years)
    except ValueError:
        return start.replace(year=start.year + years, month=3, day=1)
