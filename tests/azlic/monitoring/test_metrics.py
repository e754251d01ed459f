"""Metrics: a scrape of the page and the textfile tell the same of one site, and rules, dashboard and docs fit them."""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import httpx
import pytest

from azlic.monitoring.metrics import STATES, metrics_text
from azlic.monitoring.ready_made import fill_rules
from licensing.verdict.verdict import Status
from tests.azlic.commands.test_report import busy
from tests.azlic.conftest import Cli
from tests.azlic.monitoring.prometheus import Samples, families, parsed, rules, selectors, value
from tests.azlic.web.pages import page_of
from tests.frozen import clock_at
from tests.licensing.verification.test_verification_trust import listed
from tests.site import METER, START, Site, a_license
from tests.usage.alerts.states import NOON, a_fact, a_state, refused
from tests.usage.commitments import day, enter, plan
from tests.usage.lines import a_line
from tests.usage.months import Months
from tests.usage.mount import Mount
from usage.alerts.acknowledgements import with_acknowledgements
from usage.alerts.conditions.all import alerts_of
from usage.alerts.rules import Rules
from usage.alerts.state import LicenseFact

__all__ = ["busy"]

ROOT = Path(__file__).parent.parent.parent.parent
RULES_TESTS = sorted(Path(__file__).parent.glob("prometheus-rules-test*.yml"))
MEASURED_ANEW = "azlic_disk_free_bytes"
"""The one metric that differs between two looks at the same instant."""


def nothing(*_: object) -> None:
    """The site stays as it is."""


@dataclass
class Outputs:
    """Both outputs of one site."""

    cli: Cli
    site: Site
    monkeypatch: pytest.MonkeyPatch

    def told(self, *paths: Path, spoil: Callable[[], object] = nothing) -> tuple[str, str]:
        """The scrape and the textfile, looked at now, after the served site was spoiled."""
        self.monkeypatch.setenv("AZLIC_LICENSES", ":".join(map(str, paths or (self.site.license,))))
        with page_of(self.site, *paths) as url:
            self.site.ledger.dispose()
            spoil()
            scraped = httpx.get(f"{url}/metrics")
        with clock_at(self.site.now):
            self.cli("check", "--prometheus", "azlic.prom")
        assert scraped.status_code == 200
        return scraped.text, (self.site.folder / "azlic.prom").read_text()

    def told_alike(self, *paths: Path, spoil: Callable[[], object] = nothing) -> Samples:
        """The samples of both, which are the same."""
        scrape, textfile = self.told(*paths, spoil=spoil)
        assert families(scrape) == families(textfile)
        found = parsed(scrape)
        assert _settled(found) == _settled(parsed(textfile))
        return found


def _settled(samples: Samples) -> Samples:
    return {key: 0 if key[0] == MEASURED_ANEW else number for key, number in samples.items()}


@pytest.fixture
def outputs(cli: Cli, site: Site, monkeypatch: pytest.MonkeyPatch) -> Outputs:
    return Outputs(cli, site, monkeypatch)


@pytest.fixture
def everything(busy: Mount, outputs: Outputs) -> tuple[str, str]:
    """Both outputs of a site of which everything is known: each metric that there is has a sample."""
    site = busy.site
    site.install()
    busy.append([a_line("much", 300_000, at=day("2026-03-18")), b"bad"])
    busy.ingest()
    return outputs.told()


def test_both_outputs_are_the_same(everything: tuple[str, str]) -> None:
    scrape, textfile = everything
    assert families(scrape) == families(textfile) and _settled(parsed(scrape)) == _settled(parsed(textfile))
    assert len(parsed(scrape)) > 60


def test_nothing_is_a_counter_since_a_correction_takes_use_back(everything: tuple[str, str]) -> None:
    assert set(families(everything[0]).values()) == {"gauge"}
    assert not any(name.endswith("_total") for name in families(everything[0]))


def labels_of(text: str) -> dict[str, frozenset[str]]:
    """The labels that each metric has."""
    return {name: frozenset(label for label, _ in labels) for name, labels in parsed(text)}


def test_every_metric_is_documented_with_its_labels_and_no_other(everything: tuple[str, str]) -> None:
    table = re.findall(
        r"^\| `(azlic_\w+)` \| ([^|]*?) ?\| [^|]+ \|$", (ROOT / "docs/alerts.md").read_text(), re.MULTILINE
    )
    assert len(dict(table)) == len(table)
    assert {name: frozenset(labels.replace(",", " ").split()) for name, labels in table} == labels_of(everything[0])


def test_every_name_and_label_that_rules_dashboard_and_docs_ask_for_is_there(everything: tuple[str, str]) -> None:
    known = labels_of(everything[0])
    texts = {path.name: path.read_text() for path in (*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", *RULES_TESTS)}
    texts |= {name: text.decode() for name, text in fill_rules(lead_days=60).items()}
    asked = {name: selectors(text.replace('\\"', '"')) for name, text in texts.items()}
    assert [
        (name, metric, labels)
        for name, found in asked.items()
        for metric, labels in found
        if metric not in known or not labels <= known[metric]
    ] == []
    for name in ("alerts.md", "azlic.rules.yml", "azlic-grafana.json"):
        assert len(asked[name]) > 10, name
    assert sum(len(asked[path.name]) for path in RULES_TESTS) > 10


RULES = fill_rules(lead_days=60)["azlic.rules.yml"].decode()
DASHBOARD = fill_rules(lead_days=60)["azlic-grafana.json"].decode()


def test_rules_and_dashboard_show_labels_that_there_are(everything: tuple[str, str]) -> None:
    known = labels_of(everything[0])
    shown = [
        (rule.expression, re.findall(r"\$labels\.(\w+)", " ".join(rule.annotations.values()))) for rule in rules(RULES)
    ]
    targets = [target for panel in json.loads(DASHBOARD)["panels"] for target in panel["targets"]]
    shown += [(target["expr"], re.findall(r"\{\{(\w+)\}\}", target.get("legendFormat", ""))) for target in targets]
    for expression, labels in shown:
        for name, _ in selectors(expression):
            assert set(labels) <= known[name], (expression, labels)


def test_the_states_that_a_rule_asks_for_are_states_there_are() -> None:
    texts = [RULES, DASHBOARD, *(path.read_text() for path in RULES_TESTS)]
    asked = re.findall(r'azlic_license_state\{[^}]*state(?:=~|!~|!=|=)\\?"([^"\\]*)', " ".join(texts))
    assert asked and {state for pattern in asked for state in pattern.split("|")} <= set(STATES)


BY_DATES: dict[Status, Callable[[], LicenseFact]] = {
    Status.VALID: a_fact,
    Status.EXPIRING: lambda: a_fact(NOON + timedelta(days=30)),
    Status.GRACE: lambda: a_fact(NOON - timedelta(days=1), grace_ends_at=NOON + timedelta(days=1)),
    Status.EXPIRED: lambda: a_fact(NOON),
    Status.NOT_YET_VALID: lambda: a_fact(begins=NOON + timedelta(days=1)),
    Status.CLOCK_SUSPECT: lambda: a_fact(issued_at=NOON + timedelta(days=1)),
}


def fact_of(status: Status) -> LicenseFact:
    """A license that is in a state at noon."""
    return BY_DATES[status]() if status in BY_DATES else refused(status)


@pytest.mark.parametrize("status", Status)
def test_each_state_of_a_license_has_a_rule_that_fires_as_loud_as_the_alert(status: Status) -> None:
    state = a_state(licenses=(fact_of(status),))
    alerts = alerts_of(state, Rules())
    samples = parsed(metrics_text(state, with_acknowledgements(alerts, {}, NOON)).decode())
    one_hot = {
        dict(labels)["state"] for (name, labels), number in samples.items() if name == "azlic_license_state" and number
    }
    assert one_hot == {Status.VALID if status is Status.EXPIRING else status}
    fired = [
        rule.severity or dict(labels)["severity"] for rule in rules(RULES) for labels in rule.firing(samples, NOON)
    ]
    assert set(fired) == {alert.severity.word for alert in alerts}
    assert bool(fired) == (status is not Status.VALID)


def _end(site: Site, _: Cli, *, grace_days: int) -> None:
    site.install(a_license(expires_at=START + timedelta(hours=1), grace_days=grace_days))
    site.sleep(hours=1)


def _revoke(site: Site, _: Cli) -> None:
    site.install()
    listed(site, site.public_key.parent)


def _turn_the_clock_back(site: Site, _: Cli) -> None:
    site.install()
    site.sleep(days=-1)


def _spoil_the_ledger(site: Site) -> None:
    (site.folder / "azlic.db").write_bytes(b"no ledger" * 200)


@dataclass(frozen=True)
class Case:
    """How a site came to be so, and the states of its licenses."""

    make: Callable[[Site, Cli], object]
    states: tuple[Status, ...]
    spoil: Callable[[Site], object] = nothing
    readable: float | None = 1


def _adopt(site: Site, cli: Cli, *, folder: Path | None = None, ends: str = "2027-01-01") -> None:
    """Let the operator state, in June 2025, when a license ends that azlic cannot read."""
    folder = folder or site.license
    (folder / "license.dat").write_bytes(b"\x01 opaque")
    with clock_at("2025-06-01"):
        answer = cli("adopt", folder, "--container", "text-translation", "--expires", ends)
    assert answer.status == 0, answer


def _adopt_behind_a_link(site: Site, cli: Cli) -> None:
    elsewhere = site.license.rename(site.folder / "elsewhere")
    site.license.symlink_to(elsewhere)
    _adopt(site, cli, folder=elsewhere, ends="2026-01-01")


def _seen_and_gone(site: Site, cli: Cli) -> None:
    for name in ("one", "two"):
        site.install(folder=site.folder / "license" / name)
    with clock_at(site.now):
        cli("alerts")


CASES = {
    "a good license": Case(lambda site, _: site.install(), (Status.VALID,)),
    "no license": Case(nothing, (Status.MISSING,)),
    "one that is gone with its folder": Case(
        _seen_and_gone, (Status.VALID, Status.MISSING), lambda site: shutil.rmtree(site.license / "two")
    ),
    "one that has ended": Case(partial(_end, grace_days=0), (Status.EXPIRED,)),
    "one in its grace": Case(partial(_end, grace_days=5), (Status.GRACE,)),
    "one that was revoked": Case(_revoke, (Status.REVOKED,)),
    "one issued after now": Case(_turn_the_clock_back, (Status.CLOCK_SUSPECT,)),
    "a torn one": Case(lambda site, _: site.install().write_bytes(b'{"payload'), (Status.MALFORMED,)),
    "one that azlic cannot read": Case(
        lambda site, _: (site.license / "license.dat").write_bytes(b"\x01 opaque"), (Status.OPAQUE,)
    ),
    "an adopted one": Case(_adopt, (Status.VALID,)),
    "an adopted one that has ended": Case(partial(_adopt, ends="2026-01-01"), (Status.EXPIRED,)),
    "an adopted one that has ended, through a link": Case(_adopt_behind_a_link, (Status.EXPIRED,)),
    "an adopted one that was changed": Case(
        _adopt, (Status.OPAQUE,), lambda site: (site.license / "license.dat").write_bytes(b"\x01 other")
    ),
    "a ledger that cannot be read": Case(
        lambda site, _: site.install(), (Status.VALID,), _spoil_the_ledger, 0
    ),
    "a ledger that is gone": Case(
        lambda site, _: site.install(), (Status.VALID,), lambda site: (site.folder / "azlic.db").unlink(), 0
    ),
    "an adopted one, and a ledger that cannot be read": Case(
        _adopt, (Status.OPAQUE,), _spoil_the_ledger, 0
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_both_outputs_tell_the_same_and_nothing_unknown_is_good(
    name: str, outputs: Outputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, site = CASES[name], outputs.site
    assert site.ledger
    monkeypatch.setenv("AZLIC_LICENSES", str(site.license))
    case.make(site, outputs.cli)
    found = outputs.told_alike(spoil=lambda: case.spoil(site))
    said = sorted(
        (dict(labels)["path"], dict(labels)["state"])
        for (name, labels), number in found.items()
        if name == "azlic_license_state" and number
    )
    assert tuple(state for _, state in said) == case.states
    assert value(found, "azlic_ledger_readable") == case.readable
    of_the_ledger = {name for name, _ in found} & {"azlic_doubts", "azlic_months_pending", "azlic_ledger_batches"}
    assert len(of_the_ledger) == (3 if case.readable else 0)
    if case.readable == 0:
        assert value(found, "azlic_clock_suspect") is None


def test_a_license_that_is_missing_has_no_end(outputs: Outputs) -> None:
    found = outputs.told_alike()
    assert value(found, "azlic_license_absent", path=str(outputs.site.license)) == 1
    assert not any(name == "azlic_license_expires_timestamp_seconds" for name, _ in found)


def test_a_ledger_without_a_batch_has_no_last_ingest(outputs: Outputs) -> None:
    found = outputs.told_alike()
    assert value(found, "azlic_ledger_batches") == 0
    assert value(found, "azlic_ledger_last_ingest_timestamp_seconds") is None


def test_use_commitment_and_health_are_those_of_the_ledger(outputs: Outputs, site: Site) -> None:
    mount = Mount(site)
    site.enter_plan()
    mount.write([a_line("a", 125_000), a_line("b", 0.25), b"bad"])
    mount.ingest()
    found = outputs.told_alike()
    assert value(found, "azlic_usage_units", type="read", meter=METER, site="") == 125_000.25
    assert value(found, "azlic_commitment_quantity", plan="read-2026", unit="Transaction") == 500_000
    assert value(found, "azlic_commitment_used_quantity", plan="read-2026", unit="Transaction") == 125_000.25
    name = "azlic_commitment_meter_used_quantity"
    assert value(found, name, plan="read-2026", unit="Transaction", meter=METER) == 125_000.25
    assert value(found, "azlic_ledger_batches") == 2, "one for the plan, one for the records"
    assert value(found, "azlic_ledger_last_ingest_timestamp_seconds") == site.now.timestamp()
    assert value(found, "azlic_doubts", kind="quarantine") == 1 and value(found, "azlic_doubts", kind="gap") == 0


def test_of_a_plan_whose_period_changes_in_the_month_the_running_one_counts(outputs: Outputs, site: Site) -> None:
    enter(site, plan("2025-03-15", "2027-03-15"))
    mount = Mount(site)
    mount.write([a_line("a", 50_000, at=day("2026-03-14")), a_line("b", 100_000, at=day("2026-03-15"))])
    mount.ingest()
    for at, used in (("2026-03-14", 50_000), ("2026-03-15", 100_000)):
        site.now = day(at)
        labels = {"plan": "read-2026", "unit": "Transaction"}
        assert value(outputs.told_alike(), "azlic_commitment_used_quantity", **labels) == used


def test_what_was_used_falls_with_a_correction(outputs: Outputs, site: Site) -> None:
    months = Months(Mount(site))
    months.use("a", 10, START - timedelta(days=1))
    assert value(outputs.told_alike(), "azlic_usage_units", type="read", meter=METER, site="") == 10
    site.now = day("2026-03-06")
    months.close("2026-02")
    months.correct("a", "4")
    assert value(outputs.told_alike(), "azlic_usage_units", type="read", meter=METER, site="") == 4


def test_sums_do_not_end_at_64_bits(outputs: Outputs, site: Site) -> None:
    mount = Mount(site)
    mount.write([a_line(f"a{number}", 10**12, at=day(f"2026-03-{number % 28 + 1:02}")) for number in range(60)])
    mount.ingest()
    assert value(outputs.told_alike(), "azlic_usage_units", type="read", meter=METER, site="") == 60 * 10**12


def test_names_from_outside_stay_within_their_label(outputs: Outputs, site: Site) -> None:
    mount = Mount(site)
    hostile = 'a"} 1 # {x="'
    mount.write([a_line("a", 1, containerType=hostile)])
    mount.ingest()
    strange = site.folder / "x\udcff\n"
    found = outputs.told_alike(strange)
    assert value(found, "azlic_usage_units", type=hostile, meter=METER, site="") == 1
    assert value(found, "azlic_license_absent", path=f"{site.folder}/x\\udcff\\n") == 1
