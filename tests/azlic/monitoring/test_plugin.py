"""The plugin's line: whatever there is to tell, it is one line of 1 KiB that a monitoring system can read."""

import re
from datetime import timedelta

import pytest

from azlic.monitoring.plugin import check_line, unknown_line
from licensing.verdict.verdict import Status
from tests.usage.alerts.states import NOON, a_fact, a_plan_fact, a_state, a_usage
from usage.alerts.acknowledgements import WatchedAlert
from usage.alerts.conditions.all import alerts_of
from usage.alerts.rules import Rules
from usage.alerts.state import RefusedLicense

FIGURE = r"(?:'[^'=|]+'|[a-z_]+)=-?[0-9.]+%?;[0-9:]*;[0-9:]*;?[0-9]*"
LINE = re.compile(rf"AZLIC (?:OK|WARNING|CRITICAL|UNKNOWN) - [^|\n]+ \| {FIGURE}(?: {FIGURE})*")
NAMES = {
    "short": "/srv/read",
    "long": "/srv/" + "x" * 4000,
    "half": "/srv/" + "y" * 400,
    "not UTF-8": "/srv/" + "\udcff" * 90,
    "beyond ASCII": "/srv/" + "ü" * 200,
    "hostile": "/srv/a|b;c='d' e\n" * 9,
}


def a_line(path: str, licenses: int, plans: int, used: int) -> str:
    refused = tuple(RefusedLicense(f"{path}-{n}", Status.MISSING, "gone", None, "", None) for n in range(licenses))
    state = a_state(
        licenses=(*refused, a_fact(NOON + timedelta(days=3), path=path)),
        plans=tuple(a_plan_fact(a_usage(used), name=f"{path}-{n}") for n in range(plans)),
    )
    found = [WatchedAlert(alert, None) for alert in alerts_of(state, Rules())]
    return check_line(state, found, lead_days=60)


@pytest.mark.parametrize("used", [0, 1, 10**7, 10**12])
@pytest.mark.parametrize("number", [0, 1, 2, 60])
@pytest.mark.parametrize("path", NAMES.values(), ids=NAMES)
def test_a_line_is_whole_and_short(path: str, number: int, used: int) -> None:
    line = a_line(path, number, number, used)
    assert LINE.fullmatch(line), line
    assert len(f"{line}\n".encode()) <= 1024
    alerts = int(re.findall("- ([0-9,]+) alert", line)[0].replace(",", ""))
    named = line.partition(" | ")[0].count("; ") + 1
    assert named == alerts or f"; and {alerts - named + 1:,} more" in line
    figures = re.findall(FIGURE, line.partition(" | ")[2])
    left = [int(figure[9:].partition(";")[0]) for figure in figures if figure.startswith("left_out=")]
    assert len(figures) - len(left) + sum(left) == 5 + number


@pytest.mark.parametrize("why", [f"no ledger at {name}" for name in NAMES.values()], ids=NAMES)
def test_why_nothing_is_known_fits_too(why: str) -> None:
    line = unknown_line(why)
    assert line.startswith("AZLIC UNKNOWN - no ledger") and "|" not in line and "\n" not in line
    assert len(f"{line}\n".encode()) <= 1024
