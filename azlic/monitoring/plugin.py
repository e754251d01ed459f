"""The line of a monitoring plugin: a status, what is wrong, and figures behind a bar.

Source: Monitoring Plugins Development Guidelines; 'label'=value[UOM];[warn];[crit];[min];[max].
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

from licensing.core.text import counted, printable
from usage.alerts.acknowledgements import WatchedAlert
from usage.alerts.alert import Alert, Severity
from usage.alerts.conditions.ledger import LEDGER_UNREADABLE
from usage.alerts.conditions.license import URGENT_DAYS
from usage.alerts.state import State, UnreadableLedger

_WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
_NAMED = 3
_RESERVED = 64
LINE_BYTES = 1023
"""A line has at most 1 KiB with its newline: more is cut off by what reads it. Source: Nagios' plugin API."""


def plugin_status(found: Iterable[WatchedAlert]) -> int:
    """0 OK, 1 WARNING, 2 CRITICAL; 3 UNKNOWN where the ledger could not be asked and nothing else is critical."""
    loud = _loud(found)
    known = [alert for alert in loud if alert.id != LEDGER_UNREADABLE]
    if any(alert.severity is Severity.CRITICAL for alert in known):
        return 2
    if len(known) < len(loud):
        return 3
    return int(any(alert.severity is Severity.WARNING for alert in known))


def check_line(state: State, found: Sequence[WatchedAlert], *, lead_days: int) -> str:
    """One line for a monitoring system. What does not fit is left out whole, and counted."""
    status = _WORDS[plugin_status(found)]
    loud = [alert for alert in _loud(found) if alert.severity >= Severity.WARNING]
    words = f"{counted(len(loud), 'alert')}: {_named(loud)}" if loud else _fine(state)
    line = f"AZLIC {status} - {words} |"
    figures = list(_figures(state, found, lead_days))
    for number, figure in enumerate(figures):
        left_out = f" left_out={len(figures) - number};;;0"
        if len(f"{line} {figure}{left_out}".encode()) > LINE_BYTES:
            return line + left_out
        line += f" {figure}"
    return line


def unknown_line(why: str) -> str:
    """The line where nothing could be looked at, cut to what a monitoring system reads."""
    line = printable(" ".join(f"AZLIC UNKNOWN - {why.replace('|', '/')}".split()))
    kept = line.encode()[: LINE_BYTES - 4].decode(errors="ignore")
    return line if len(line.encode()) <= LINE_BYTES else f"{kept} ..."


def _named(loud: Sequence[Alert]) -> str:
    """The worst alerts by their ids, or by their kinds where an id is too long to leave room for others."""
    told: list[str] = []
    room = LINE_BYTES // 2
    for alert in loud[:_NAMED]:
        whole, short = (_plain(f"{name} {alert.stage}") for name in (alert.id.replace(":", " ", 1), alert.kind))
        item = whole if len(whole.encode()) <= room - _RESERVED * (_NAMED - len(told)) else short
        told.append(item)
        room -= len(item.encode())
    more = [f"and {len(loud) - len(told):,} more"] if len(loud) > len(told) else []
    return "; ".join([*told, *more])


def _loud(found: Iterable[WatchedAlert]) -> list[Alert]:
    return [one.alert for one in found if one.acknowledgement is None]


def _fine(state: State) -> str:
    number = len(state.licenses)
    ledger = "" if isinstance(state.ledger, UnreadableLedger) or state.ledger.progress else "no ledger, "
    return f"{counted(number, 'license')}, {ledger}nothing needs attention"


def _plain(text: str) -> str:
    return " ".join(printable(text.replace("|", "/")).split())


def _figures(state: State, found: Iterable[WatchedAlert], lead_days: int) -> Iterator[str]:
    loud = _loud(found)
    for severity in sorted(Severity, reverse=True):
        yield f"{severity.word}={sum(alert.severity is severity for alert in loud)};;;0"
    yield f"licenses={len(state.licenses)};;;0"
    ends = [fact.term.expires_at for fact in state.licenses if fact.term is not None]
    if ends:  # without a license there is no figure: 0 or -1 days would be a lie
        yield f"first_end={(min(ends) - state.now) // timedelta(days=1)};{lead_days}:;{URGENT_DAYS}:"
    for plan in () if isinstance(state.ledger, UnreadableLedger) else state.ledger.plans:
        if plan.usage is not None:
            yield f"{_label(f'{plan.name} used')}={plan.usage.percent:f}%;90;100;0"


def _label(name: str) -> str:
    """A label between single quotes; what has a meaning there is replaced."""
    return f"'{_plain(name).replace('=', '-').replace(chr(39), '-')}'"
