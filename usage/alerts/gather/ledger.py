"""What the ledger tells: one SELECT for each fact, none of them over the records."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from licensing.core.instants import from_milliseconds
from usage.alerts.state import AuditFact, ChannelFact, Doubt, HandOver, PlanFact
from usage.ledger.readonly import Ask
from usage.months import DAY_MS, Month, day_number
from usage.plans.model import Change, MeterShare, Plan
from usage.reporting.daily import DayUse, UseKind, bearing_day
from usage.reporting.plan_usage import first_of_twelve, usage_of_plan

_LAYERS = 3  # a usage file lies in a container's folder, in a service's, in the output folder
_FOLDERS_OF = 200


def read_plans(ask: Ask) -> list[Plan]:
    """All plans, in the order of their start, as ``usage.plans.store`` reads them."""
    shares: dict[int, list[MeterShare]] = defaultdict(list)
    for plan, *share in ask("SELECT plan, meter, multiplier, divisor FROM plan_meter"):
        shares[plan].append(MeterShare(*share))
    changes: dict[int, list[Change]] = defaultdict(list)
    query = "SELECT plan, effective_at, units, quota, prorated, entered_at FROM plan_change ORDER BY key"
    for plan, effective_at, units, quota, prorated, entered_at in ask(query):
        effective, entered = from_milliseconds(effective_at), from_milliseconds(entered_at)
        changes[plan].append(Change(effective, units, quota, bool(prorated), entered))
    query = (
        "SELECT key, name, plan_type, tier, count, quota, unit, period, starts_at, ends_at, auto_renew"
        " FROM plan ORDER BY starts_at, name"
    )
    return [_plan(*row, meters=tuple(shares[row[0]]), changes=tuple(changes[row[0]])) for row in ask(query)]


def _plan(_: int, *row: Any, meters: tuple[MeterShare, ...], changes: tuple[Change, ...]) -> Plan:
    name, plan_type, tier, count, quota, unit, period, starts_at, ends_at, auto_renew = row
    return Plan(
        name=name,
        plan_type=plan_type,
        tier=tier,
        count=count,
        quota=quota,
        unit=unit,
        period=period,
        starts_at=from_milliseconds(starts_at),
        ends_at=from_milliseconds(ends_at),
        auto_renew=bool(auto_renew),
        meters=meters,
        changes=changes,
    )


def read_days_of_use(ask: Ask, start: datetime, end: datetime) -> list[DayUse]:
    """All use of the days from ``start`` to ``end``; what was booked about a closed month stands on its new month."""
    labels = "series.site, series.container_type, series.container_id, series.meter"
    query = (
        f"SELECT total.day, {labels}, total.quantity, total.records, total.last_at"  # noqa: S608 - two numbers of ours
        " FROM total JOIN series ON series.key = total.series"
        f" WHERE total.day >= {day_number(start)} AND total.day < {day_number(end)} ORDER BY total.day, total.series"
    )
    days = [
        DayUse(day, site, kind, container, meter, quantity, records, from_milliseconds(last_at))
        for day, site, kind, container, meter, quantity, records, last_at in ask(query)
    ]
    own = "SELECT requested_at FROM record WHERE record.id = correction.record_id AND correction.month = booked_month"
    query = (
        f"SELECT correction.booked_month, COALESCE(({own}), correction.booked_at), {labels}, correction.quantity"  # noqa: S608
        " FROM correction JOIN series ON series.key = correction.series"
        f" WHERE correction.booked_month >= {Month.of(start).number} ORDER BY correction.number"
    )
    for month, at, site, kind, container, meter, quantity in ask(query):
        booked_at = from_milliseconds(at)
        day = bearing_day(Month.from_number(month), booked_at)
        if day_number(start) <= day < day_number(end):
            days.append(DayUse(day, site, kind, container, meter, quantity, 0, booked_at, kind=UseKind.CORRECTED))
    return days


def days_looked_at(plans: Sequence[Plan], now: datetime) -> tuple[datetime, datetime]:
    """The days that standing, pace and silence are made of."""
    month = Month.of(now)
    running = [plan.period_around(now)[0] for plan in plans if plan.starts_at <= now < plan.ends_at]
    return min([first_of_twelve(month).starts_at, *running]), month.next.starts_at


def read_plan_facts(plans: Sequence[Plan], days: Sequence[DayUse], now: datetime) -> tuple[PlanFact, ...]:
    """Each plan that has begun: how it stands, and what comes after it."""
    return tuple(
        PlanFact(
            name=plan.name,
            container=plan.plan_type,
            ends_at=plan.ends_at,
            renews=plan.auto_renew,
            followed=_has_successor(plan, plans),
            used_after=_is_used_after(plan, plans, days),
            usage=usage_of_plan(plan, plan.period_around(now), days, Month.of(now), as_of=now)
            if now < plan.ends_at
            else None,
        )
        for plan in plans
        if plan.starts_at <= now
    )


def _has_successor(plan: Plan, plans: Sequence[Plan]) -> bool:
    after = [other for other in plans if other is not plan and other.starts_at <= plan.ends_at < other.ends_at]
    meters = {share.meter for other in after for share in other.meters}
    return bool(plan.meters) and all(share.meter in meters for share in plan.meters)


def _is_used_after(plan: Plan, plans: Sequence[Plan], days: Iterable[DayUse]) -> bool:
    """Whether a meter of a plan was used after its end, on a day on which no plan has that meter."""
    meters, end = {share.meter for share in plan.meters}, day_number(plan.ends_at)
    spans = [
        (share.meter, day_number(other.starts_at), day_number(other.ends_at))
        for other in plans
        for share in other.meters
        if share.meter in meters
    ]
    return any(
        use.day >= end
        and use.meter in meters
        and not any(meter == use.meter and first <= use.day < past for meter, first, past in spans)
        for use in days
    )


def read_doubts(ask: Ask) -> tuple[Doubt, ...]:
    """What waits for somebody: lines kept apart, records that are missing, findings nobody has settled."""
    kept = ask("SELECT kind, count(*), min(taken_at) FROM quarantine WHERE settled_at IS NULL GROUP BY kind")
    missing = ask("SELECT sum(last - first + 1), min(found_at) FROM gap")
    found = ask(
        "SELECT kind, count(*), min(found_at) FROM finding"
        " WHERE settled_at IS NULL AND kind <> 'gap' GROUP BY kind ORDER BY kind"
    )
    rows = [("quarantine" if kind == "bad-line" else kind, *rest) for kind, *rest in sorted(kept)]
    rows += [("gap", int(number), since) for number, since in missing if number]
    return tuple(Doubt(kind, number, from_milliseconds(since)) for kind, number, since in [*rows, *found])


def read_pending_months(ask: Ask, now: datetime) -> tuple[Month, ...]:
    """Months with use that are over and not closed, the oldest first."""
    today = day_number(Month.of(now).starts_at)
    closed = {number for (number,) in ask("SELECT month FROM closed_month")}
    days = ask(f"SELECT DISTINCT day FROM total WHERE day < {today}")  # noqa: S608 - a number of ours
    months = {Month.of(from_milliseconds(day * DAY_MS)) for (day,) in days}
    return tuple(sorted(month for month in months if month.number not in closed))


def read_hand_over(ask: Ask) -> HandOver | None:
    """Since when usage waits for its receipt; None where all of it has one."""
    ((through, receipt_at),) = ask(
        "SELECT coalesce(max(last_batch), 0), max(acknowledged_at) FROM export WHERE acknowledged_at IS NOT NULL"
    )
    ((waits_since,),) = ask(
        f"SELECT min(taken_at) FROM batch WHERE sequence > {through} AND records > 0"  # noqa: S608
    )
    if waits_since is None:
        return None
    return HandOver(from_milliseconds(waits_since), from_milliseconds(receipt_at) if receipt_at else None)


def read_audit_outcome(ask: Ask) -> AuditFact | None:
    """What the last audit said; None where there was none."""
    for audited_at, sound, detail in ask("SELECT audited_at, sound, detail FROM audit_outcome"):
        return AuditFact(from_milliseconds(audited_at), bool(sound), detail)
    return None


def read_failing_channels(ask: Ask) -> tuple[ChannelFact, ...]:
    """The channels that have not taken what they were told."""
    query = (
        "SELECT channel, max(attempts), max(error) FROM notice"
        " WHERE sent_at IS NULL AND error IS NOT NULL GROUP BY channel ORDER BY channel"
    )
    return tuple(ChannelFact(*row) for row in ask(query))


def read_output_folders(ask: Ask) -> list[Path]:
    """The output folders that the newest usage files were taken from."""
    query = f"SELECT path FROM source WHERE vanished_at IS NULL ORDER BY key DESC LIMIT {_FOLDERS_OF}"  # noqa: S608
    folders = {path.rsplit("/", _LAYERS)[0] for (path,) in ask(query) if path.startswith("/")}
    return [Path(folder) for folder in sorted(folders)]


def read_first_seen(ask: Ask) -> dict[str, datetime]:
    """Since when each alert has been there."""
    return {alert: from_milliseconds(since) for alert, since in ask("SELECT alert, since FROM open_alert")}
