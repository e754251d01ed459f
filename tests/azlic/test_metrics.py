"""What Prometheus is given: instants as instants, states apart, and no number for what is not known."""

from datetime import datetime
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from azlic.monitoring.scrape import metrics_text
from licensing.db.database import reading
from licensing.verdict.verdict import Status, Verdict
from tests.site import METER, Site, a_license
from tests.usage.commitments import day, enter, plan
from tests.usage.lines import a_line
from tests.usage.mount import Mount
from usage.reporting.snapshot import read_ledger_state

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(site: Site, verdicts: list[Verdict], *, now: datetime | None = None) -> Samples:
    with reading(site.ledger) as connection:
        state = read_ledger_state(connection, now=now or site.now)
    text = metrics_text(verdicts, state, as_of=site.now).decode()
    assert text.endswith("\n")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float | None:
    return found.get((name, tuple(sorted(labels.items()))))


def test_a_license_has_its_end_and_its_state(site: Site) -> None:
    site.install()
    path = str(site.license)
    found = samples(site, [site.verify()])
    end = a_license().expires_at.timestamp()
    labels = {"path": path, "container": "read", "resource": "plant-read"}
    assert value(found, "azlic_license_expiry_timestamp_seconds", **labels) == end
    states = {status: value(found, "azlic_license_state", path=path, state=status) for status in Status}
    assert states[Status.VALID] == 1 and sum(one or 0 for one in states.values()) == 1
    assert value(found, "azlic_license_missing", path=path) == 0


def test_a_license_that_is_missing_has_no_end(site: Site) -> None:
    found = samples(site, [site.verify()])
    assert value(found, "azlic_license_missing", path=str(site.license)) == 1
    assert not any(name == "azlic_license_expiry_timestamp_seconds" for name, _ in found)


def test_a_ledger_without_a_batch_has_no_last_ingest(site: Site) -> None:
    found = samples(site, [])
    assert value(found, "azlic_ledger_batches") == 0
    assert value(found, "azlic_ledger_last_ingest_timestamp_seconds") is None


def test_use_commitment_and_health_are_those_of_the_ledger(site: Site) -> None:
    mount = Mount(site)
    site.enter_plan()
    mount.write([a_line("a", 125_000), a_line("b", 0.25), b"bad"])
    mount.ingest()
    found = samples(site, [])
    assert value(found, "azlic_usage_units_total", container_type="read", meter=METER, site="") == 125_000.25
    assert value(found, "azlic_commitment_units", plan="read-2026") == 500_000
    assert value(found, "azlic_commitment_used_ratio", plan="read-2026", meter=METER) == 125_000.25 / 500_000
    assert value(found, "azlic_ledger_batches") == 1
    assert value(found, "azlic_ledger_last_ingest_timestamp_seconds") == site.now.timestamp()
    assert value(found, "azlic_quarantine_lines") == 1 and value(found, "azlic_findings_open") == 0


def test_of_a_plan_whose_period_changes_in_the_month_the_running_one_counts(site: Site) -> None:
    enter(site, plan("2025-03-15", "2027-03-15"))
    mount = Mount(site)
    mount.write([a_line("a", 50_000, at=day("2026-03-14")), a_line("b", 100_000, at=day("2026-03-15"))])
    mount.ingest()
    ratios = {
        at: value(samples(site, [], now=day(at)), "azlic_commitment_used_ratio", plan="read-2026", meter=METER)
        for at in ("2026-03-14", "2026-03-15")
    }
    assert ratios == {"2026-03-14": 0.1, "2026-03-15": 0.2}


def test_sums_do_not_end_at_64_bits(site: Site) -> None:
    mount = Mount(site)
    mount.write([a_line(f"a{number}", 10**12, at=day(f"2026-03-{number % 28 + 1:02}")) for number in range(60)])
    mount.ingest()
    found = samples(site, [])
    assert value(found, "azlic_usage_units_total", container_type="read", meter=METER, site="") == 60 * 10**12


def test_names_from_outside_stay_within_their_label(site: Site) -> None:
    mount = Mount(site)
    hostile = 'a"} 1 # {x="'
    mount.write([a_line("a", 1, containerType=hostile)])
    mount.ingest()
    strange = Verdict(Path("/x\udcff\n"), site.now, Status.MISSING, "nothing there", ())
    found = samples(site, [strange])
    assert value(found, "azlic_usage_units_total", container_type=hostile, meter=METER, site="") == 1
    assert value(found, "azlic_license_missing", path="/x\\udcff\n") == 1
