"""The site as metrics for Prometheus: the same for a scrape of the page and for a textfile collector.

All are gauges: a correction takes use back, and a counter may never fall. Ends are absolute instants, the state of a
license is a series of its own, and what is not known has no sample: never a number that means something else
(gardener #190: a sentinel that was exported read as "expired 19,600 days ago").
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import product
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

import azlic
from licensing.core.errors import BadCall
from licensing.core.files import write_whole
from licensing.core.text import printable
from licensing.verdict.verdict import Status
from usage.alerts.acknowledgements import WatchedAlert
from usage.alerts.alert import Severity
from usage.alerts.conditions.records import DOUBTS
from usage.alerts.conditions.trust import CLOCK_SUSPECT
from usage.alerts.state import LedgerFacts, LicenseFact, PlanFact, State, UnreadableLedger
from usage.quantity import MICRO

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
STATES = tuple(status for status in Status if status is not Status.EXPIRING)
"""The states of a license, in the words of `azlic verify`; one that ends soon is valid, and its end is a number."""

_METRICS: dict[str, tuple[str, tuple[str, ...]]] = {
    "azlic_build_info": ("The version of azlic that wrote this.", ("version",)),
    "azlic_last_run_timestamp_seconds": ("When azlic last looked.", ()),
    "azlic_ledger_readable": ("Whether the ledger could be read; no sample if there is none yet.", ()),
    "azlic_clock_suspect": (
        "Whether the clock is behind an instant seen before; no sample if only the ledger would know.",
        (),
    ),
    "azlic_license_absent": ("Whether there is no license where one is expected.", ("path",)),
    "azlic_license_state": ("1 for the state that the license is in.", ("path", "state")),
    "azlic_license_expires_timestamp_seconds": ("When the license ends.", ("path", "container")),
    "azlic_license_grace_ends_timestamp_seconds": ("When the grace of the license ends.", ("path", "container")),
    "azlic_ledger_batches": ("How many batches the ledger holds.", ()),
    "azlic_ledger_last_ingest_timestamp_seconds": ("When the newest batch was taken.", ()),
    "azlic_usage_units": ("Total usage to date, in the meter's unit.", ("site", "type", "meter")),
    "azlic_plan_ends_timestamp_seconds": ("When a plan ends.", ("plan",)),
    "azlic_commitment_quantity": ("The commitment of the period.", ("plan", "unit")),
    "azlic_commitment_used_quantity": ("How much of the commitment is used.", ("plan", "unit")),
    "azlic_commitment_used_ratio": ("How much of the commitment is used, 1 for all; rounded down.", ("plan", "unit")),
    "azlic_commitment_meter_used_quantity": ("How much of the commitment a meter used.", ("plan", "unit", "meter")),
    "azlic_commitment_period_ends_timestamp_seconds": ("When the period ends.", ("plan", "unit")),
    "azlic_commitment_runs_out_timestamp_seconds": (
        "When the commitment is used up at the present pace.",
        ("plan", "unit"),
    ),
    "azlic_container_last_record_timestamp_seconds": (
        "The time of the container's newest usage record.",
        ("site", "type", "container"),
    ),
    "azlic_doubts": ("Lines, gaps and findings that wait to be settled.", ("kind",)),
    "azlic_months_pending": ("Months that are over but not closed.", ()),
    "azlic_oldest_pending_month_ended_timestamp_seconds": ("When the oldest of them ended.", ()),
    "azlic_disk_free_bytes": ("Free space on a disk that azlic needs.", ("path",)),
    "azlic_alerts": ("Number of alerts.", ("severity", "acknowledged")),
    "azlic_alert_since_timestamp_seconds": (
        "When the alert began.",
        ("id", "kind", "severity", "acknowledged"),
    ),
}
"""Each metric's help and labels; `docs/alerts.md` shows the same table."""

_Sample = tuple[str, float, tuple[str, ...]]
"""A metric, its value, and its labels in their order."""


def write_metrics(path: Path, state: State, found: Sequence[WatchedAlert]) -> None:
    """Put the metrics where node_exporter's textfile collector reads them: whole or not at all, readable to all.

    Raises ``BadCall`` for a name that the collector would not read.
    """
    if path.suffix != ".prom":
        raise BadCall(f"{path}: a textfile collector reads only *.prom", hint=f"--prometheus {path}.prom")
    write_whole(path, metrics_text(state, found), mode=0o644)


def metrics_text(state: State, found: Sequence[WatchedAlert]) -> bytes:
    """The metrics in Prometheus' text format; no sample has a time stamp."""
    families = {name: GaugeMetricFamily(name, text, labels=labels) for name, (text, labels) in _METRICS.items()}
    for name, value, labels in _samples(state, found):
        families[name].add_metric([_label(text) for text in labels], value)
    registry = CollectorRegistry()
    registry.register(_Gauges([family for family in families.values() if family.samples]))
    return generate_latest(registry)


class _Gauges(Collector):
    def __init__(self, families: Sequence[GaugeMetricFamily]) -> None:
        self._families = families

    def collect(self) -> Iterable[GaugeMetricFamily]:
        return self._families


def _samples(state: State, found: Sequence[WatchedAlert]) -> Iterator[_Sample]:
    yield "azlic_build_info", 1, (azlic.__version__,)
    yield "azlic_last_run_timestamp_seconds", _unix(state.now), ()
    suspect = any(one.alert.id == CLOCK_SUSPECT for one in found)
    if suspect or not isinstance(state.ledger, UnreadableLedger):
        yield "azlic_clock_suspect", suspect, ()
    for fact in state.licenses:
        yield from _license(fact, state)
    if isinstance(state.ledger, UnreadableLedger):
        yield "azlic_ledger_readable", 0, ()
    elif state.ledger.progress:
        yield "azlic_ledger_readable", 1, ()
        yield "azlic_ledger_batches", state.ledger.progress.batches, ()
        if state.ledger.progress.taken_at:
            yield "azlic_ledger_last_ingest_timestamp_seconds", _unix(state.ledger.progress.taken_at), ()
        yield from _usage(state.ledger)
    for disk in state.disks:
        yield "azlic_disk_free_bytes", disk.free_bytes, (disk.path,)
    yield from _alerts(found)


def _license(fact: LicenseFact, state: State) -> Iterator[_Sample]:
    path, now_in = fact.path, state.status_of(fact)
    yield "azlic_license_absent", now_in is Status.MISSING, (path,)
    for status in STATES:
        yield "azlic_license_state", status is now_in, (path, status)
    if fact.term:
        named = path, fact.container
        yield "azlic_license_expires_timestamp_seconds", _unix(fact.term.expires_at), named
        yield "azlic_license_grace_ends_timestamp_seconds", _unix(fact.term.grace_ends_at), named


def _usage(ledger: LedgerFacts) -> Iterator[_Sample]:
    for used in ledger.used:
        yield "azlic_usage_units", used.quantity / MICRO, (used.site, used.container_type, used.meter)
    for plan in ledger.plans:
        yield "azlic_plan_ends_timestamp_seconds", _unix(plan.ends_at), (plan.name,)
        yield from _commitment(plan)
    for heard in ledger.containers:
        place = heard.site, heard.container_type, heard.container_id
        yield "azlic_container_last_record_timestamp_seconds", _unix(heard.last_at), place
    for kind, number in (dict.fromkeys(DOUBTS, 0) | {doubt.kind: doubt.number for doubt in ledger.doubts}).items():
        yield "azlic_doubts", number, (kind,)
    yield "azlic_months_pending", len(ledger.pending_months), ()
    for oldest in ledger.pending_months[:1]:
        yield "azlic_oldest_pending_month_ended_timestamp_seconds", _unix(oldest.next.starts_at), ()


def _commitment(plan: PlanFact) -> Iterator[_Sample]:
    """The plan's period that runs now, if one does."""
    if (usage := plan.usage) is None:
        return
    labels = plan.name, usage.plan.unit
    yield "azlic_commitment_quantity", usage.committed / MICRO, labels
    yield "azlic_commitment_used_quantity", usage.used / MICRO, labels
    yield "azlic_commitment_used_ratio", float(usage.percent.scaleb(-2)), labels
    used = Counter({share.meter: 0 for share in usage.plan.meters})
    for row, amounts in zip(usage.usages, usage.amounts, strict=True):
        used[row.meter] += amounts.period
    for meter, micro in used.items():
        yield "azlic_commitment_meter_used_quantity", micro / MICRO, (*labels, meter)
    yield "azlic_commitment_period_ends_timestamp_seconds", _unix(usage.period_ends_at), labels
    if usage.projection and usage.projection.expected.runs_out_at:
        yield "azlic_commitment_runs_out_timestamp_seconds", _unix(usage.projection.expected.runs_out_at), labels


def _alerts(found: Sequence[WatchedAlert]) -> Iterator[_Sample]:
    counts = Counter((one.alert.severity, one.acknowledgement is not None) for one in found)
    for severity, noted in product(Severity, (False, True)):
        yield "azlic_alerts", counts[severity, noted], (severity.word, str(noted).lower())
    for one in found:
        labels = one.alert.id, one.alert.kind, one.alert.severity.word, str(one.acknowledgement is not None).lower()
        yield "azlic_alert_since_timestamp_seconds", _unix(one.alert.since), labels


def _unix(instant: datetime) -> float:
    return instant.timestamp()


def _label(text: str) -> str:
    """A label: what cannot be printed of a file's name is escaped."""
    return printable(text)
