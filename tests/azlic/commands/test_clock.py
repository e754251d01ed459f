"""`azlic clock`: a clock that once ran ahead, whichever command it was under, and the way back."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from licensing.core.errors import AzlicError
from licensing.core.instants import iso
from licensing.db.database import writing
from licensing.history.remember import advance
from licensing.history.striking import strike
from licensing.verdict.seen import WitnessKind
from tests.azlic.conftest import Cli
from tests.frozen import Clock, clock_at
from tests.site import START, Site
from tests.usage.commitments import day
from tests.usage.lines import a_line
from tests.usage.mount import Mount

WRONG = day("2029-05-04")
REASON = "the camera ran in 2029"
STATED = ("--container", "text-translation", "--expires", "2026-12-31")
SHOWING = {
    "ingest": ("output",),
    "verify": ("license", "--record"),
    "adopt": ("opaque", *STATED[:-1], "2030-01-01", "--yes"),
    "export": ("-o", "e.azlic"),
}
"""The commands that show the ledger what the clock says."""


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch, site: Site, cli: Cli) -> Iterator[Clock]:
    monkeypatch.setenv("AZLIC_LICENSES", str(site.license))
    monkeypatch.setenv("AZLIC_SITE", "hall-7")
    monkeypatch.setenv("AZLIC_SITE_KEYS", str(site.folder / "site-keys"))
    with clock_at(START) as frozen:
        site.install()
        (site.folder / "opaque").mkdir()
        (site.folder / "opaque" / "license.dat").write_bytes(b"another maker's")
        Mount(site).write([a_line("a")])
        assert cli("ingest", "output").status == 0
        assert cli("adopt", "opaque", *STATED).status == 0
        assert cli("site", "init").status == 0
        yield frozen


def alerts(cli: Cli) -> set[str]:
    return {alert["kind"] for alert in json.loads(cli("alerts", "--json").out)["alerts"]}


@pytest.mark.parametrize("name", SHOWING)
def test_a_clock_that_ran_ahead_is_struck_and_everything_is_as_it_was(cli: Cli, clock: Clock, name: str) -> None:
    clock.move_to(WRONG)
    cli(*name.split(), *SHOWING[name])
    clock.move_to(START)
    for license_ in ("license", "opaque"):
        assert "CLOCK SUSPECT" in cli("verify", license_).out
    assert "clock-suspect" in alerts(cli)
    assert cli("clock", "strike", "--reason", REASON, "--yes").status == 0
    for license_ in ("license", "opaque"):
        assert cli("verify", license_).status == 0
    assert cli("clock", "status").status == 0
    assert alerts(cli) & {"clock-suspect", "witness-struck"} == {"witness-struck"}


def test_a_strike_is_shown_everywhere_and_the_alert_ends_with_an_audit(cli: Cli, site: Site, clock: Clock) -> None:
    with writing(site.ledger) as connection:
        for kind in WitnessKind:
            advance(connection, kind, WRONG, f"a {kind}")
    told = cli("clock", "strike", "record", "evaluation", "--reason", REASON, "--yes")
    assert told.status == 0 and told.out.count("struck: ") == 2
    assert "a license already showed" in cli("verify", "license").out
    cli("clock", "strike", "--reason", REASON, "--yes", "--json")
    forms = {name: cli("report", "2026-03", "--format", name).out for name in ("table", "json", "markdown", "html")}
    shown = forms | {name: cli(*name.split()).out for name in ("clock status", "clock status --json", "alerts")}
    clock.tick()
    shown |= {"audit": cli("audit").out, "audit --json": cli("audit", "--json").out}
    assert {name for name, text in shown.items() if REASON not in " ".join(text.split())} == set()
    assert {name for name, text in shown.items() if "2029-05-04" not in text} == set()
    assert "witness-struck" not in alerts(cli)
    assert cli("report", "2026-04").out.count(REASON) == 0


def test_what_is_not_ahead_cannot_be_struck(cli: Cli) -> None:
    answer = cli("clock", "strike", "--reason", REASON, "--yes")
    assert answer.status == 2 and f"later than {iso(START)}" in answer.err


def test_a_strike_needs_a_reason(cli: Cli, site: Site) -> None:
    with writing(site.ledger) as connection:
        advance(connection, WitnessKind.RECORD, WRONG, "a record")
    answer = cli("clock", "strike", "--reason", " ", "--yes")
    assert answer.status == 2 and "needs a reason" in answer.err


@pytest.mark.skipif(os.geteuid() != 0, reason="gives the ledger to another user")
def test_only_the_ledgers_owner_may_strike(site: Site) -> None:
    with writing(site.ledger) as connection:
        advance(connection, WitnessKind.RECORD, WRONG, "a record")
    for folder in (site.folder, *(one for one in site.folder.parents if "pytest" in str(one))):
        folder.chmod(0o777)  # another user has to get in
    Path(site.database).chmod(0o666)
    site.ledger.dispose()
    child = os.fork()
    if not child:  # pragma: no cover - another process
        os.setuid(65534)
        try:
            strike(site.ledger, tuple(WitnessKind), reason=REASON, now=START, by="nobody")
        except AzlicError as error:
            os._exit(7 if "only the owner" in error.message else 8)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
