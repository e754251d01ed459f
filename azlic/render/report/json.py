"""A monthly report as fields for a script: quantities as exact numbers, instants in ISO 8601."""

from collections.abc import Mapping, Sequence

from azlic.output import encodable
from azlic.render.answer import Answer
from azlic.render.closed_months import closing_fields, late_fields
from azlic.render.counts import counted_ahead_fields, meters_fields
from azlic.render.plans import plan_fields
from azlic.render.words import unit_of
from usage.auditing.recomputation import Recomputed
from usage.ledger.counts import together
from usage.months import Month
from usage.plans.model import Rule
from usage.quantity import from_micro
from usage.reporting.activity import ContainerActivity
from usage.reporting.daily import Usage
from usage.reporting.forecast import Cover, Outlook, Pace, Projection
from usage.reporting.plan_usage import Amounts, PlanUsage
from usage.reporting.report import MonthlyReport
from usage.reporting.subtotals import Subtotal, Subtotals


def _report_text(report: MonthlyReport, _recomputed: Recomputed | None = None) -> str:
    from azlic.render.report.table import report_text  # a script has no use for tables

    return report_text(report, block=encodable("█", instead="#"))


def _report_fields(report: MonthlyReport, recomputed: Recomputed | None = None) -> object:
    return _month_fields(report) | _proof(recomputed)


REPORT = Answer("azlic.report/v1", _report_text, _report_fields)


def _proof(recomputed: Recomputed | None) -> dict[str, object]:
    if recomputed is None:
        return {}
    whole = together(recomputed.counts)
    counts = {"records": whole.records, "late_records": whole.late, "corrections": whole.corrections}
    meters = {"meters": meters_fields(recomputed.counts)}
    return {"recomputed": counts | meters | {"difference": recomputed.difference}}


def _month_fields(report: MonthlyReport) -> dict[str, object]:
    quality = report.quality
    return {
        "month": report.month,
        "as_of": report.as_of,
        "closed": closing_fields(report.closed),
        "plans": [_plan(report, usage) for usage in report.plans],
        "undecided": [
            _usage(usage, None) | _resource(report, usage) | {"plans": list(report.candidates[usage.meter])}
            for usage in report.undecided
        ],
        "unmapped": [
            _usage(usage, None)
            | _resource(report, usage)
            | {"plans_at_other_times": list(report.other_times.get(usage.meter, ()))}
            for usage in report.unmapped
        ],
        "undecided_subtotals": _on_none(report.undecided_subtotals),
        "unmapped_subtotals": _on_none(report.unmapped_subtotals),
        "other_plans_history": [
            {"plan": found.plan.name, "unit": found.plan.unit, "history": _history(found.months)}
            for found in report.other_history
        ],
        "unmapped_history": {meter: _history(months) for meter, months in report.unmapped_history.items()},
        "containers": [_activity(one) for one in report.containers],
        "strikes": report.strikes,
        "quality": {
            "clean": quality.clean,
            "quarantined": quality.quarantined,
            "conflicts": quality.conflicts,
            "ahead": quality.ahead,
            "settled": quality.settled,
            "pending_bytes": quality.pending_bytes,
            "vanished": quality.vanished,
            "findings": quality.findings,
            "settled_findings": quality.settled_findings,
            "missing_records": quality.missing_records,
            "unmapped_meters": quality.unmapped_meters,
            "undecided_meters": quality.undecided_meters,
            "idle_rules": quality.idle_rules,
            "last_audit": quality.last_audit,
            "counted_ahead": counted_ahead_fields(quality.counted_ahead),
        },
    }


def _plan(report: MonthlyReport, usage: PlanUsage) -> dict[str, object]:
    return {
        "plan": plan_fields(usage.plan),
        "period_starts_at": usage.period_starts_at,
        "period_ends_at": usage.period_ends_at,
        "counted_until": usage.counted_until,
        "unit": usage.plan.unit,
        "committed": from_micro(usage.committed),
        "used": from_micro(usage.used),
        "remaining": from_micro(usage.remaining),
        "percent": usage.percent,
        "percent_of_time": usage.percent_of_time,
        "month": from_micro(usage.month),
        "year_to_date": from_micro(usage.year_to_date),
        "used_up_on": usage.used_up_on and usage.used_up_on.date(),
        "overage": from_micro(max(0, -usage.remaining)),
        "cover": _cover(usage.cover),
        "pace": usage.pace and _pace(usage.pace),
        "projection": usage.projection and _projection(usage.projection),
        "projected_cover": _cover(usage.projected_cover),
        "history": _history(usage.history),
        "usages": [
            _usage(row, usage)
            | _resource(report, row)
            | {
                "period": from_micro(row.period),
                "in_plan_units": _amounts(amounts),
                "ratios": _ratios(usage, row.meter),
                **rule_fields(rules),
            }
            for row, amounts, rules in zip(usage.usages, usage.amounts, usage.rules, strict=True)
        ],
        "subtotals": subtotals_fields(usage.subtotals, ("month", "period", "year_to_date")),
    }


def subtotals_fields(found: Subtotals, spans: Sequence[str]) -> dict[str, object]:
    """By site and by resource; ``resource`` is null for what was used where none is known."""
    return {
        "sites": [{"site": name} | _subtotal(one, spans) for name, one in found.sites.items()],
        "resources": [{"resource": name or None} | _subtotal(one, spans) for name, one in found.resources.items()],
    }


def _subtotal(one: Subtotal, spans: Sequence[str]) -> dict[str, object]:
    return {**dict(zip(spans, map(from_micro, one.amounts), strict=True)), "records": one.records}


def rule_fields(rules: Sequence[Rule]) -> dict[str, object]:
    """The rules that decided, and the last of them as ``rule``; null where none had to."""
    return {"rule": rules[-1] if rules else None, "rules": rules}


def _on_none(found: Mapping[str, Subtotals]) -> list[dict[str, object]]:
    return [{"meter": meter, **subtotals_fields(one, ("month", "year_to_date"))} for meter, one in found.items()]


def _resource(report: MonthlyReport, row: Usage) -> dict[str, object]:
    return {"resource": report.places.of(row.site, row.container_type, row.container_id).resource or None}


def _amounts(amounts: Amounts) -> object:
    """``late_and_corrected`` are in the order of the row's."""
    return {
        "month": from_micro(amounts.month),
        "period": from_micro(amounts.period),
        "year_to_date": from_micro(amounts.year_to_date),
        "late_and_corrected": list(map(from_micro, amounts.lines[1:])),
    }


def _ratios(usage: PlanUsage, meter: str) -> list[dict[str, object]]:
    """The ratios that a meter was counted in: ``per`` of its unit are ``plan_units`` of the plan's."""
    return [
        {"from": ratio.since, "plan_units": ratio.share.multiplier, "per": ratio.share.divisor}
        for ratio in usage.ratios[meter]
    ]


def _usage(usage: Usage, drawn: PlanUsage | None) -> dict[str, object]:
    """``unit`` is null where nobody has stated the meter's."""
    return {
        "site": usage.site,
        "container_type": usage.container_type,
        "container_id": usage.container_id,
        "meter": usage.meter,
        "unit": drawn and unit_of(drawn.share_of(usage.meter), drawn.plan.unit),
        "month": from_micro(usage.month),
        "year_to_date": from_micro(usage.year_to_date),
        "records": usage.records,
        "last_at": usage.last_at,
        "late_and_corrected": late_fields(usage),
    }


def _cover(cover: Cover | None) -> object:
    if cover is None:
        return None
    return {"overage": from_micro(cover.overage), "units": cover.full, "units_prorated": cover.prorated}


def _pace(pace: Pace) -> dict[str, object]:
    ends = {"lowest": pace.lowest, "highest": pace.highest}
    return {"weeks": pace.weeks, "per_day": from_micro(int(pace.per_day))} | {
        name: None if value is None else from_micro(int(value)) for name, value in ends.items()
    }


def _projection(projection: Projection) -> dict[str, object]:
    """``least`` and ``most`` are those of the lowest and the highest week; null while there is but one."""
    outlooks = {"expected": projection.expected, "least": projection.least, "most": projection.most}
    return {name: one and _outlook(one) for name, one in outlooks.items()}


def _outlook(outlook: Outlook) -> dict[str, object]:
    """``runs_out_at`` is null when the commitment lasts to the period's end, or is used up already."""
    return {
        "used_at_period_end": from_micro(outlook.used),
        "runs_out_at": outlook.runs_out_at,
    }


def _history(months: Sequence[tuple[Month, int]]) -> list[dict[str, object]]:
    return [{"month": month, "quantity": from_micro(quantity)} for month, quantity in months]


def _activity(one: ContainerActivity) -> dict[str, object]:
    return {
        "site": one.site,
        "container_type": one.container_type,
        "container_id": one.container_id,
        "last_at": one.last_at,
        "quiet_days": one.quiet_days,
        "habit_days": one.habit,
        "standing": one.standing,
    }
