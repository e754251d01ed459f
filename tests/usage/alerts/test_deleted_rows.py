"""What stays silent once rows are deleted: the table of docs/ledger.md, row by row."""

import re
import shutil
from collections.abc import Callable, Collection, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, select, update

from licensing.db.database import reading, writing
from licensing.db.readonly import view_of
from tests.site import Site
from tests.usage.alerts.test_state import Look
from tests.usage.ledgers import unguarded
from tests.usage.lines import a_line
from tests.usage.mount import Mount
from usage.alerts.conditions.all import alerts_of
from usage.alerts.rules import Rules
from usage.alerts.store import acknowledge, remember_audit
from usage.auditing.faults import AuditCheck
from usage.auditing.run import audit
from usage.auditing.table_classes import TABLES, TableClass
from usage.ledger.last_audit import LastAudit, read_last_audit
from usage.ledger.tables.alerts import AuditOutcomeRow, FailedAuditRow, NoticeRow, ToldAlertRow

DOCUMENTED = (Path(__file__).parents[3] / "docs" / "ledger.md").read_text()
ADVISORY = sorted(name for name, kept in TABLES.items() if kept.of is TableClass.ADVISORY)
HIDDEN = {
    "witness": {"clock-suspect"},
    "known_license": {"license-missing"},
    "notice": {"channel-failing:pager"},
    "told_alert": {"channel-failing:mail"},
}
"""Of the site below."""


@pytest.fixture
def alarmed(mount: Mount) -> Iterator[Look]:
    """A site whose every advisory table has something to tell."""
    site = mount.site
    look = Look(site, site.folder / "licenses")
    for name in ("gone", "here"):
        site.install(folder=_made(site.folder / "licenses" / name))
    site.sleep(days=5)
    mount.write([a_line("a"), b"no record"])
    mount.ingest()
    look.remember()
    shutil.rmtree(site.folder / "licenses" / "gone")
    values = {"alert": "another", "attempts": 1, "tried_at": site.now, "error": "down"}
    with writing(site.ledger) as connection:
        connection.execute(insert(NoticeRow).values(**values, stage="1", channel="pager"))
        told = values | {"severity": 2, "since": site.now, "ended_at": site.now}
        connection.execute(insert(ToldAlertRow).values(**told, channel="mail"))
    remember_audit(site.ledger, sound=False, detail="batch 1 was edited", now=site.now, failed=[3])
    (quarantine,) = (alert for alert in alerts_of(look.state(), Rules()) if alert.id == "quarantine")
    acknowledge(site.ledger, quarantine, until=site.now + timedelta(days=9), now=site.now, by="me")
    site.now -= timedelta(days=2)
    yield look


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def rows_gone(ledger: Engine, tables: Collection[str]) -> None:
    with unguarded(ledger) as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        for table in tables:
            assert connection.exec_driver_sql(f"DELETE FROM {table}").rowcount  # noqa: S608


def kinds(look: Look) -> set[str]:
    return {name if name.startswith("channel") else name.split(":")[0] for name in look.ids()}


def test_deleting_the_rows_of_a_table_hides_what_is_documented(alarmed: Look) -> None:
    database = alarmed.site.folder / "azlic.db"
    before, kept = kinds(alarmed), database.read_bytes()
    assert before >= {"audit-failed", *(alert for alerts in HIDDEN.values() for alert in alerts)}
    for table in [*ADVISORY, "failed_audit"]:
        rows_gone(alarmed.site.ledger, [table])
        assert before - kinds(alarmed) == HIDDEN.get(table, set()), table
        is_found = table in {"failed_audit", "witness", "source"}
        assert audit(alarmed.site.ledger).sound is not is_found, table
        alarmed.site.ledger.dispose()
        database.write_bytes(kept)


def test_each_table_that_may_be_lost_is_documented_with_the_alerts_it_takes_along() -> None:
    (part,) = re.findall(r"## What a deleted row hides\n(.*?)\n## ", DOCUMENTED, re.DOTALL)
    told = {
        table: hides
        for tables, hides in re.findall(r"^\| (`.+?`) \| (.*?) \|", part, re.MULTILINE)
        for table in re.findall(r"`(\w+)`", tables)
    }
    assert told.keys() >= {*ADVISORY, "failed_audit"}
    for table, hides in told.items():
        named = {alert.split(":")[0] for alert in HIDDEN.get(table, ())}
        assert set(re.findall(r"`([a-z-]+)`", hides)) == named, table


def last(ledger: Engine) -> LastAudit | None:
    with reading(ledger) as connection:
        return read_last_audit(view_of(connection))


Deed = Callable[[Engine], None]


def passed(ledger: Engine) -> None:
    with unguarded(ledger) as connection:
        connection.execute(update(AuditOutcomeRow).values(sound=True))
        connection.execute(update(FailedAuditRow).values(passed_at=FailedAuditRow.failed_at))


def entries_gone(ledger: Engine) -> None:
    with unguarded(ledger) as connection:
        connection.exec_driver_sql("DELETE FROM entry WHERE table_name = 'failed_audit'")


@pytest.mark.parametrize(
    "deed", [lambda ledger: rows_gone(ledger, ["audit_outcome", "failed_audit"]), passed, entries_gone]
)
def test_a_failed_audit_is_not_forgotten_by_one_deed_and_no_audit_passes_after_it(site: Site, deed: Deed) -> None:
    remember_audit(site.ledger, sound=False, detail="batch 3 was edited", now=site.now, failed=[3])
    deed(site.ledger)
    told = last(site.ledger)
    assert told is not None and "batch 3 was edited" in told.failure
    found = audit(site.ledger)
    assert found.counts.keys() == {AuditCheck.BOOKED}


def test_only_an_audit_that_looks_as_far_makes_up_for_one_that_failed(site: Site) -> None:
    def remember(*, sound: bool, failed: Collection[int] = (), left_out: Collection[int] = ()) -> LastAudit:
        remember_audit(site.ledger, sound=sound, detail="x", now=site.now, failed=failed, left_out=left_out)
        told = last(site.ledger)
        assert told is not None
        return told

    assert not remember(sound=False, failed=[9, 7]).sound
    for left in ([7, 9], [7], [9]):
        told = remember(sound=True, left_out=left)
        assert (told.sound, told.again) == (False, "azlic audit --against FILE --files")
    assert remember(sound=True, left_out=[10]).sound
    assert not remember(sound=False, failed=[3]).sound
    assert remember(sound=True, left_out=[7, 9, 10]).sound
    assert audit(site.ledger).sound


def test_the_same_failure_makes_the_chain_no_longer(site: Site) -> None:
    for _ in range(3):
        remember_audit(site.ledger, sound=False, detail="batch 3 was edited", now=site.now, failed=[3])
    with reading(site.ledger) as connection:
        assert len(connection.execute(select(FailedAuditRow.number)).all()) == 1
    assert audit(site.ledger).batches == 1
