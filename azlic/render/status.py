"""What is in force at a site and how it stands, on one screen and as fields for a script."""

from collections.abc import Iterator, Sequence

from azlic.lines import fold, joined, wrap
from azlic.monitoring.status import SiteStatus
from azlic.output import style
from azlic.render.alerts import SEVERITY_COLOURS
from azlic.render.answer import Answer
from azlic.render.verdict import COLOURS
from licensing.core.instants import iso
from licensing.core.text import counted, printable
from licensing.verdict.severity import status_counts
from usage.alerts.alert import severity_counts
from usage.ledger.checkpoints import head_text
from usage.quantity import from_micro, group_digits

_CELLS = 10
_SHOWN = 3
"""Of each kind of thing so many are shown, the worst first: all of it stands on a screen of 24 lines."""


def status_text(status: SiteStatus) -> str:
    """Settings, ledger, licenses, plans, alerts, and what runs: each in a few lines."""
    settings = status.settings
    lines = [f"{settings.site or 'This site'}, as of {iso(status.as_of)}"]
    lines += _entry("settings", str(status.file) if status.file.is_file() else f"no file {status.file}: defaults")
    lines += _entry("ledger", status.database)
    lines += _ledger(status)
    lines += _licenses(status)
    lines += _plans(status)
    lines += _alerts(status)
    lines += _entry("outputs", ", ".join(map(str, settings.outputs)) or "none")
    lines += _entry("enabled", ", ".join(status.enabled) or "no unit: azlic units writes them")
    return joined(lines)


def _entry(name: str, text: str) -> list[str]:
    return wrap(printable(text), f"{name:<{_CELLS}}", " " * _CELLS)


def _ledger(status: SiteStatus) -> Iterator[str]:
    if status.fault:
        yield from (style(line, "red") for line in _entry("", f"cannot be read: {status.fault}"))
    elif status.ledger is None:
        yield from _entry("", "not there yet: the first azlic ingest makes it")
    else:
        held = status.ledger
        newest = f", the newest of {held.taken_at:%Y-%m-%d %H:%M} UTC" if held.taken_at else ""
        yield from _entry(
            "", f"{counted(held.records, 'record')} in {counted(held.batches, 'batch', 'batches')}{newest}"
        )
        closed = f"closed up to {held.closed}" if held.closed else "no month is closed"
        yield from _entry("", f"{closed}; head {head_text(held.head)}")


def _licenses(status: SiteStatus) -> Iterator[str]:
    found = status.licenses
    counts = ", ".join(f"{count:,} {name}" for name, count in status_counts(found).items())
    yield from _entry("licenses", f"{counted(len(found), 'license')}: {counts}" if found else "none is wanted")
    for one in found[:_SHOWN]:
        days = "" if one.days_left is None else f"{one.days_left:,} d"
        line = f"  {one.status:<14}{days:>8}  {printable(one.path)}"
        yield from (style(part, COLOURS.get(one.status, "red")) for part in fold(line))
    yield from _more(found, "azlic verify")


def _plans(status: SiteStatus) -> Iterator[str]:
    if status.ledger is None:
        yield from _entry("plans", "not known: they stand in the ledger")
        return
    if not status.plans:
        yield from _entry("plans", "none runs now")
        return
    yield from _entry("plans", f"{counted(len(status.plans), 'period')} now")
    for usage in sorted(status.plans, key=lambda one: -one.percent)[:_SHOWN]:
        of = f"of {group_digits(usage.committed)} {usage.plan.unit}"
        told = f"{usage.percent:,} % {of}; {usage.percent_of_time:,} % of the time"
        yield from fold(f"  {printable(usage.plan.name)}  {told}")
    yield from _more(status.plans, "azlic report")


def _alerts(status: SiteStatus) -> Iterator[str]:
    loud = [one.alert for one in status.alerts if one.acknowledgement is None]
    quiet = len(status.alerts) - len(loud)
    told = severity_counts(loud) or "nothing needs attention"
    yield from _entry("alerts", f"{told}; {quiet:,} acknowledged" if quiet else told)
    for alert in sorted(loud, key=lambda one: -one.severity)[:_SHOWN]:
        yield from (style(part, SEVERITY_COLOURS[alert.severity]) for part in fold(f"  {printable(alert.id)}"))
    yield from _more(loud, "azlic alerts")


def _more(found: Sequence[object], command: str) -> list[str]:
    more = len(found) - _SHOWN
    return [f"  and {more:,} more: {command}"] if more > 0 else []


def _status_fields(status: SiteStatus) -> object:
    """Everything, where the text shows the worst of each; quantities in the plan's unit."""
    settings, held = status.settings, status.ledger
    return {
        "as_of": status.as_of,
        "site": settings.site or None,
        "settings_file": status.file if status.file.is_file() else None,
        "ledger": {
            "place": status.database,
            "fault": status.fault or None,
            "records": held.records if held else None,
            "batches": held.batches if held else None,
            "newest_batch_at": held.taken_at if held else None,
            "head": head_text(held.head) if held else None,
            "closed_up_to": held.closed if held else None,
        },
        "licenses": [
            {
                "path": one.path,
                "container": one.container_type,
                "status": one.status,
                "days_left": one.days_left,
                "expires_at": one.expires_at,
            }
            for one in status.licenses
        ],
        "plans": [
            {
                "plan": usage.plan.name,
                "unit": usage.plan.unit,
                "committed": from_micro(usage.committed),
                "used": from_micro(usage.used),
                "percent": usage.percent,
                "percent_of_time": usage.percent_of_time,
                "period_ends_at": usage.period_ends_at,
            }
            for usage in status.plans
        ],
        "alerts": [one.alert.fields() | {"acknowledged": one.acknowledgement is not None} for one in status.alerts],
        "outputs": settings.outputs,
        "enabled": status.enabled,
    }


STATUS = Answer("azlic.status/v1", status_text, _status_fields)
