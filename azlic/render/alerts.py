"""Alerts, for people and for scripts."""

from collections.abc import Sequence
from datetime import datetime

from azlic.lines import joined
from azlic.output import style
from azlic.render.answer import Answer
from azlic.render.text import indented
from licensing.core.instants import iso
from licensing.core.text import printable
from usage.alerts.acknowledgements import WatchedAlert
from usage.alerts.alert import Alert, Severity, severity_counts

SEVERITY_COLOURS = {Severity.CRITICAL: "red", Severity.WARNING: "yellow", Severity.NOTICE: "blue"}
_HEADING = f"{'SEVERITY':<10}{'SINCE':<12}{'STAGE':<18}ALERT"


def alerts_text(found: Sequence[WatchedAlert], now: datetime, *, has_ledger: bool = True) -> str:
    """A line for each alert with what it means and what to do below it; then what somebody has acknowledged.

    Where there is no ledger, and none has to be, that is said, for nothing is known of usage then.
    """
    told = _alerts_text(found, now)
    return told if has_ledger else f"{told}\nThere is no ledger: nothing is known of usage."


def _alerts_text(found: Sequence[WatchedAlert], now: datetime) -> str:
    loud = [one.alert for one in found if one.acknowledgement is None]
    quiet = [one for one in found if one.acknowledgement is not None]
    if not found:
        return f"No alerts as of {iso(now)}."
    lines = [f"As of {iso(now)}, the worst first; dates are UTC.", ""]
    if loud:
        lines += [_HEADING, *(line for alert in loud for line in _alert(alert))]
    if quiet:
        lines += ["" if loud else "Nothing new.", "Acknowledged:"]
        lines += [line for one in quiet for line in _acknowledgement(one)]
    return joined([*lines, "", _summary(loud, quiet)])


def _alert(alert: Alert) -> list[str]:
    head = f"{alert.severity.word:<10}{alert.since:%Y-%m-%d}  {alert.stage:<16}  {printable(alert.id)}"
    return [style(head, SEVERITY_COLOURS[alert.severity]), *_indent(alert.meaning), *_indent(f"-> {alert.action}")]


def _acknowledgement(one: WatchedAlert) -> list[str]:
    assert one.acknowledgement is not None  # noqa: S101 - the caller sorted them so
    ack = one.acknowledgement
    head = f"{one.alert.severity.word:<10}{one.alert.since:%Y-%m-%d}  {one.alert.stage:<16}  {printable(one.alert.id)}"
    return [head, *_indent(f"quiet until {ack.until:%Y-%m-%d}, by {ack.acknowledged_by}")]


def _summary(loud: Sequence[Alert], quiet: Sequence[WatchedAlert]) -> str:
    told = severity_counts(loud)
    return f"{told or 'nothing new'}; {len(quiet):,} acknowledged." if quiet else f"{told}."


def _indent(text: str) -> list[str]:
    return indented(printable(text), 10)


def _alerts_fields(found: Sequence[WatchedAlert], now: datetime, *, has_ledger: bool = True) -> object:
    return {"as_of": now, "ledger": has_ledger, "alerts": [one.alert.fields() | _ack_fields(one) for one in found]}


def _ack_fields(one: WatchedAlert) -> dict[str, object]:
    ack = one.acknowledgement
    return {
        "acknowledged": ack is not None,
        "quiet_until": ack.until if ack else None,
        "acknowledged_by": ack.acknowledged_by if ack else None,
    }


ALERTS = Answer("azlic.alerts/v1", alerts_text, _alerts_fields)
