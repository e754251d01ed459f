"""The site as metrics: from verdicts and the state of the ledger to a registry, for a scrape or a text file.

An instant is an absolute time, and what is not known has no sample: never a number that means something else
(facts §5, gardener #190 and the sentinels that disagree).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from licensing.verdict.verdict import Status, Verdict
from usage.quantity import MICRO
from usage.reporting.report import MonthlyReport
from usage.reporting.snapshot import LedgerState

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def registry(verdicts: Sequence[Verdict], ledger: LedgerState | None, *, as_of: datetime) -> CollectorRegistry:
    """All that is to be watched as of an instant. Without a readable ledger there are the licenses alone."""
    found = CollectorRegistry()
    found.register(_Site([*_licenses(verdicts), *(_ledger(ledger) if ledger else ()), *_self(as_of)]))
    return found


def metrics_text(verdicts: Sequence[Verdict], ledger: LedgerState | None, *, as_of: datetime) -> bytes:
    """The same in Prometheus' text format; it ends with a newline."""
    return generate_latest(registry(verdicts, ledger, as_of=as_of))


class _Site(Collector):
    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _licenses(verdicts: Sequence[Verdict]) -> Iterable[Metric]:
    expiry = GaugeMetricFamily(
        "azlic_license_expiry_timestamp_seconds",
        "When a verified license ends; no sample where none was verified.",
        labels=("path", "container", "resource"),
    )
    state = GaugeMetricFamily(
        "azlic_license_state", "1 for the state that a license is in, 0 for all others.", labels=("path", "state")
    )
    missing = GaugeMetricFamily("azlic_license_missing", "1 where there is no license file.", labels=("path",))
    for verdict in verdicts:
        path = _label(verdict.path)
        if verdict.license is not None:
            names = verdict.license.container.type, verdict.license.resource.name
            expiry.add_metric((path, *map(_label, names)), verdict.license.expires_at.timestamp())
        for status in Status:
            state.add_metric((path, status.value), float(verdict.status is status))
        missing.add_metric((path,), float(verdict.status is Status.MISSING))
    return expiry, state, missing


def _ledger(ledger: LedgerState) -> Iterable[Metric]:
    quality, head = ledger.report.quality, ledger.head
    yield from _commitments(ledger.report)
    units = CounterMetricFamily(
        "azlic_usage_units", "All that was ever used, in the meter's unit.", labels=("container_type", "meter", "site")
    )
    for labels, micro in ledger.units.items():
        units.add_metric([_label(label) for label in labels], micro / MICRO)
    yield units
    yield GaugeMetricFamily("azlic_ledger_batches", "Batches in the chain of the ledger.", value=head.batches)
    newest = GaugeMetricFamily(
        "azlic_ledger_last_ingest_timestamp_seconds", "When the newest batch was taken; no sample before the first."
    )
    if head.taken_at is not None:
        newest.add_metric((), head.taken_at.timestamp())
    yield newest
    yield GaugeMetricFamily(
        "azlic_quarantine_lines",
        "Lines kept apart, bad or in conflict, that nobody has settled.",
        value=quality.quarantined + quality.conflicts,
    )
    yield GaugeMetricFamily(
        "azlic_findings_open", "Findings that nobody has settled.", value=sum(quality.findings.values())
    )


def _commitments(report: MonthlyReport) -> Iterable[Metric]:
    """The periods that run now; the month may have seen an earlier one of the same plan, or may see a later one."""
    ratio = GaugeMetricFamily(
        "azlic_commitment_used_ratio", "What a meter used of its plan's commitment.", labels=("plan", "meter")
    )
    units = GaugeMetricFamily(
        "azlic_commitment_units", "What the running period commits to, in the plan's unit.", labels=("plan",)
    )
    for usage in report.plans:
        if not usage.period_starts_at <= report.as_of < usage.period_ends_at:
            continue
        units.add_metric((_label(usage.plan.name),), usage.committed / MICRO)
        for share in usage.plan.meters:
            used = sum(row.period for row in usage.usages if row.meter == share.meter)
            names = (_label(usage.plan.name), _label(share.meter))
            ratio.add_metric(names, share.in_plan_units(used) / usage.committed)
    return ratio, units


def _self(as_of: datetime) -> Iterable[Metric]:
    yield GaugeMetricFamily(
        "azlic_as_of_timestamp_seconds", "The instant that all of this is about.", value=as_of.timestamp()
    )


def _label(value: object) -> str:
    """A label's value; the bytes of a path that are no UTF-8 are written as their codes."""
    return str(value).encode("utf-8", "backslashreplace").decode()
