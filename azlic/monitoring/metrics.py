"""Metrics for Prometheus: absolute instants, and states in series of their own.

What is not known has no number: a license that is missing has no end, and says so in ``azlic_license_absent``.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, generate_latest

import azlic
from licensing.core.errors import BadCall
from licensing.core.files import write_whole
from licensing.verdict.verdict import Cause
from usage.alerts.acknowledgements import WatchedAlert
from usage.alerts.alert import Severity
from usage.alerts.state import LedgerFacts, LicenseFact, RefusedLicense, State
from usage.months import Month
from usage.quantity import MICRO

STATES = ("valid", "grace", "expired", "not-yet-valid", "missing", "unreadable", "opaque", "invalid")


def write_metrics(path: Path, state: State, found: Sequence[WatchedAlert]) -> None:
    """Put the metrics where node_exporter's textfile collector reads them: whole or not at all, readable to all.

    Raises ``BadCall`` for a name that the collector would not read.
    """
    if path.suffix != ".prom":
        raise BadCall(f"{path}: a textfile collector reads only *.prom", hint=f"--prometheus {path}.prom")
    write_whole(path, metrics(state, found), mode=0o644)


def metrics(state: State, found: Sequence[WatchedAlert]) -> bytes:
    """The metrics in Prometheus' text format; no sample bears a time stamp."""
    page = _Page()
    page.put("azlic_build_info", "The azlic that wrote this.", 1, version=azlic.__version__)
    page.put("azlic_last_run_timestamp_seconds", "When azlic looked last.", _unix(state.now))
    page.put("azlic_ledger_readable", "Whether the ledger could be asked.", int(isinstance(state.ledger, LedgerFacts)))
    page.put("azlic_clock_suspect", "Whether the clock is behind what was seen.", int(state.clock_behind is not None))
    for fact in state.licenses:
        _license(page, fact, state)
    if isinstance(state.ledger, LedgerFacts):
        _usage(page, state.ledger)
    for disk in state.disks:
        page.put("azlic_disk_free_bytes", "Free on a disk that azlic needs.", disk.free_bytes, path=disk.path)
    _alerts(page, found)
    return page.text()


class _Page:
    """Gauges by name, in the order of their first sample."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._gauges: dict[str, Gauge] = {}

    def put(self, name: str, help_: str, value: float, **labels: str) -> None:
        gauge = self._gauges.get(name)
        if gauge is None:
            gauge = self._gauges[name] = Gauge(name, help_, list(labels), registry=self._registry)
        (gauge.labels(**{key: _text(text) for key, text in labels.items()}) if labels else gauge).set(value)

    def text(self) -> bytes:
        return generate_latest(self._registry)


def _license(page: _Page, fact: LicenseFact, state: State) -> None:
    labels = {"path": fact.path, "container": fact.container}
    path = {"path": fact.path}
    now_in = _state_label(fact, state)
    absent = int(now_in == "missing")
    page.put("azlic_license_absent", "Whether there is no license where one is expected.", absent, **path)
    for label in STATES:
        page.put("azlic_license_state", "1 for the state it is in.", int(label == now_in), **path, state=label)
    if fact.term is not None:
        page.put("azlic_license_expires_timestamp_seconds", "When it ends.", _unix(fact.term.expires_at), **labels)
        ends = _unix(fact.term.grace_ends_at)
        page.put("azlic_license_grace_ends_timestamp_seconds", "When its grace ends.", ends, **labels)


def _state_label(fact: LicenseFact, state: State) -> str:
    """The state a license is in; what has no word of its own here is invalid, as an adopted one is that was changed."""
    status = state.status_of(fact)
    changed = isinstance(fact, RefusedLicense) and fact.cause is Cause.ADOPTED_CHANGED
    return status if status in STATES and not changed else "invalid"


def _usage(page: _Page, ledger: LedgerFacts) -> None:
    for plan in ledger.plans:
        labels = {"plan": plan.name}
        page.put("azlic_plan_ends_timestamp_seconds", "When a plan ends.", _unix(plan.ends_at), **labels)
        if usage := plan.usage:
            labels["unit"] = usage.plan.unit
            page.put("azlic_commitment_quantity", "What the period commits to.", usage.committed / MICRO, **labels)
            page.put("azlic_commitment_used_quantity", "What is used of it.", usage.used / MICRO, **labels)
            ends = _unix(usage.period_ends_at)
            page.put("azlic_commitment_period_ends_timestamp_seconds", "When the period ends.", ends, **labels)
            out = usage.projection.expected.runs_out_at if usage.projection else None
            if out is not None:
                name = "azlic_commitment_runs_out_timestamp_seconds"
                page.put(name, "When it is used up at the present pace.", _unix(out), **labels)
    for heard in ledger.containers:
        place = {"site": heard.site, "type": heard.container_type, "container": heard.container_id}
        name = "azlic_container_last_record_timestamp_seconds"
        page.put(name, "The time of its newest usage record.", _unix(heard.last_at), **place)
    for doubt in ledger.doubts:
        page.put("azlic_doubts", "What waits for somebody to look into it.", doubt.number, kind=doubt.kind)
    page.put("azlic_months_pending", "Months that are over and not closed.", len(ledger.pending_months))
    if ledger.pending_months:
        oldest: Month = ledger.pending_months[0]
        since = _unix(oldest.next.starts_at)
        page.put("azlic_oldest_pending_month_ended_timestamp_seconds", "When the oldest of them ended.", since)


def _alerts(page: _Page, found: Sequence[WatchedAlert]) -> None:
    counts = Counter((one.alert.severity, one.acknowledgement is not None) for one in found)
    for severity in Severity:
        for noted in (False, True):
            labels = {"severity": severity.word, "acknowledged": str(noted).lower()}
            page.put("azlic_alerts", "How many alerts there are.", counts[severity, noted], **labels)
    for one in found:
        page.put(
            "azlic_alert_since_timestamp_seconds",
            "Since when an alert has been there.",
            _unix(one.alert.since),
            id=one.alert.id,
            kind=one.alert.kind,
            severity=one.alert.severity.word,
            acknowledged=str(one.acknowledgement is not None).lower(),
        )


def _unix(instant: datetime) -> float:
    return instant.timestamp()


def _text(text: str) -> str:
    """A label: the bytes of a file's name that are no text are escaped."""
    return text.encode("utf-8", "backslashreplace").decode()
