"""The state, gathered from real folders and a real ledger."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, update

from licensing.adoption import OperatorStatement, adopt
from licensing.db.database import reading, writing
from licensing.db.sqlite_misfits import first_misfit
from licensing.issuer.rotation import rotate
from licensing.trust.updating import update_trust
from licensing.verdict.seen import Seen
from licensing.verdict.verdict import Status, Verdict
from licensing.verification import verify
from tests.licensing.another_user import as_another_user, reachable_folder, root_only
from tests.site import START, Site, a_license, a_plan
from tests.usage.commitments import day
from tests.usage.lines import a_chain, a_line
from tests.usage.mount import Mount
from usage.alerts.conditions.all import alerts_of
from usage.alerts.gather.state import site_state
from usage.alerts.rules import Rules
from usage.alerts.state import DatedLicense, LedgerFacts, State
from usage.alerts.store import acknowledge, forget_license, remember_audit, remember_look
from usage.ledger.tables.alerts import KnownLicenseRow, NoticeRow, OpenAlertRow
from usage.ledger.tables.handover import ExportRow
from usage.ledger.tables.months import ClosedMonthRow, CorrectionRow
from usage.ledger.tables.records import BatchRow
from usage.months import Month


class Look:
    """Looks at a site as its settings would have it, and counts how many licenses were verified."""

    def __init__(self, site: Site, *paths: Path) -> None:
        self.site = site
        self.paths = paths or (site.license,)
        self.verified = 0

    def state(self) -> State:
        def examine(path: Path, seen: Seen) -> Verdict:
            self.verified += 1
            return verify(path, trust=self.site.trust, as_of=self.site.now, seen=seen)

        return site_state(
            self.paths, examine, trust=self.site.trust, database=str(self.site.folder / "azlic.db"), now=self.site.now
        )

    def ledger(self) -> LedgerFacts:
        told = self.state().ledger
        assert isinstance(told, LedgerFacts)
        return told

    def ids(self) -> list[str]:
        return [alert.id for alert in alerts_of(self.state(), Rules())]

    def remember(self) -> None:
        state = self.state()
        with writing(self.site.ledger) as connection:
            remember_look(connection, state, alerts_of(state, Rules()))


def test_a_site_without_a_ledger_has_its_licenses(site: Site) -> None:
    site.install()
    assert Look(site).ids() == []
    site.now = day("2026-12-31T23:59:59")
    assert Look(site).ids() == [f"license-expiring:{site.license}"]


def test_the_ledger_is_not_written_by_looking(site: Site) -> None:
    site.install()
    site.enter_plan()
    before = (site.folder / "azlic.db").read_bytes()
    Look(site).state()
    assert (site.folder / "azlic.db").read_bytes() == before


def test_looking_does_not_load_sqlalchemy() -> None:
    told = "import sys, usage.alerts.gather.state, usage.alerts.conditions.all; print('sqlalchemy' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", told], check=True, capture_output=True, text=True)
    assert answer.stdout == "False\n"


def test_a_correction_stands_on_the_month_that_bears_it(mount: Mount) -> None:
    mount.site.enter_plan()
    mount.write([a_line("a", 5)])
    mount.ingest()
    with writing(mount.ledger) as connection:
        values = {"number": 1, "kind": "late", "booked_month": 202603, "month": 202602, "record_id": "b", "series": 1}
        connection.execute(
            insert(CorrectionRow).values(**values, quantity=-2_000_000, reason="", batch=1, booked_at=START)
        )
    (plan,) = Look(mount.site).ledger().plans
    assert plan.usage is not None and plan.usage.used == 3_000_000


def test_a_license_that_is_taken_away_with_its_folder_is_missed_until_it_is_forgotten(site: Site) -> None:
    """x509-certificate-exporter #312: what is not there has to be an answer, too."""
    folder = site.folder / "licenses"
    for name in ("one", "two"):
        site.install(folder=_made(folder / name))
    look = Look(site, folder)
    look.remember()
    shutil.rmtree(folder / "two")
    assert look.ids() == [f"license-missing:{folder / 'two'}"]
    look.remember()
    shutil.rmtree(folder / "one")
    assert look.ids() == [f"license-missing:{folder / name}" for name in ("one", "two")]
    forget_license(site.ledger, folder / "two")
    assert look.ids() == [f"license-missing:{folder / 'one'}"]


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def test_a_license_that_has_not_changed_is_verified_once_an_hour(site: Site) -> None:
    site.install()
    look = Look(site)
    look.remember()
    site.sleep(minutes=59, seconds=59)
    assert look.ids() == [] and look.verified == 1
    site.sleep(seconds=1)
    assert look.ids() == [] and look.verified == 2


def test_what_is_remembered_still_ends_to_the_second(site: Site) -> None:
    site.install(a_license(expires_at=START + timedelta(minutes=30), plan=a_plan()))
    look = Look(site)
    look.remember()
    site.sleep(minutes=30)
    assert look.ids() == [f"license-expired:{site.license}"] and look.verified == 1


@pytest.mark.parametrize("change", ["edited", "same size and time", "swapped by a link", "other trust"])
def test_what_was_changed_is_verified_again(site: Site, change: str) -> None:
    """x509-certificate-exporter #123: a link that was swapped, as Kubernetes does, went unnoticed."""
    target = site.install()
    if change == "swapped by a link":
        (site.folder / "a").mkdir()
        target.rename(site.folder / "a/license.dat")
        (site.license / "license.dat").symlink_to("../a/license.dat")
    look = Look(site)
    look.remember()
    found = target.stat()
    if change == "edited":
        target.write_bytes(target.read_bytes()[:-9])
    elif change == "same size and time":
        content = bytearray(target.read_bytes())
        content[40] ^= 1
        target.write_bytes(content)
        os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))
    elif change == "swapped by a link":
        (site.folder / "b").mkdir()
        (site.folder / "b/license.dat").write_bytes(b'{"payload')
        target.unlink()
        target.symlink_to("../b/license.dat")
    else:
        site.public_key.with_name("issuer.pem").unlink()
        next(site.trust.folder.iterdir()).unlink()
    assert look.ids() == [_expected(site, change)]
    assert look.verified == 2


def _expected(site: Site, change: str) -> str:
    kind = "license-changed" if change == "same size and time" else "license-invalid"
    return f"{kind}:{site.license}"


def test_what_an_issuers_word_held_good_is_not_good_once_that_has_ended(site: Site) -> None:
    update = rotate(site.public_key.parent, now=site.now, reason="yearly", valid=timedelta(days=1))
    update_trust(site.trust, [update], as_of=site.now)
    site.install()
    look = Look(site)
    site.sleep(hours=23, minutes=59)
    look.remember()
    assert {look.state().status_of(fact) for fact in look.state().licenses} == {Status.VALID} and look.verified == 1
    site.sleep(minutes=1)
    assert f"license-invalid:{site.license}" in look.ids() and look.verified == 2


@root_only
@pytest.mark.parametrize("closed", ["license", "trust"])
def test_what_one_user_could_read_says_nothing_to_another_who_cannot(closed: str) -> None:
    with reachable_folder() as folder:
        site = Site(folder)
        file = site.install()
        look = Look(site)
        look.remember()
        site.ledger.dispose()
        for path in folder.glob("azlic.db*"):
            path.chmod(0o644)
        assert as_another_user(look.ids) == "[]"
        (file if closed == "license" else next(site.trust.folder.iterdir())).chmod(0o600)
        assert look.ids() == []
        kind = "license-unreadable" if closed == "license" else "license-invalid"
        assert as_another_user(look.ids) == f"['{kind}:{site.license}']"


def test_what_is_remembered_is_what_was_verified(site: Site) -> None:
    site.install(folder=_made(site.folder / "licenses/ours"))
    (_made(site.folder / "licenses/theirs") / "license.dat").write_bytes(b"nobody can read this")
    with writing(site.ledger) as connection:
        stated = OperatorStatement("read", day("2027-01-01"))
        adopt(connection, site.folder / "licenses/theirs", stated, now=site.now, stated_by="operator")
    look = Look(site, site.folder / "licenses")
    fresh = look.state().licenses
    look.remember()
    verified = look.verified
    assert look.state().licenses == tuple(replace(fact, stamp=b"") for fact in fresh if isinstance(fact, DatedLicense))
    assert (len(fresh), look.verified) == (2, verified)


def test_one_license_that_cannot_be_judged_hides_no_other(site: Site) -> None:
    folder = site.folder / "licenses"
    for name in ("one", "two"):
        site.install(folder=_made(folder / name))
    (folder / "one/license.dat").write_bytes(b'{"payload')
    assert Look(site, folder).ids() == [f"license-invalid:{folder / 'one'}"]


def test_an_adopted_license_ends_as_stated_and_is_changed_when_its_bytes_are(site: Site) -> None:
    file = site.license / "license.dat"
    file.write_bytes(b"nobody can read this")
    with writing(site.ledger) as connection:
        adopt(
            connection, site.license, OperatorStatement("read", day("2026-03-02")), now=site.now, stated_by="operator"
        )
    (alert,) = alerts_of(Look(site).state(), Rules())
    assert (alert.kind, alert.stage) == ("license-expiring", "1 day")
    file.write_bytes(b"nobody can read that")
    assert Look(site).ids() == [f"license-changed:{site.license}"]


def test_a_ledger_that_cannot_be_read_is_told_and_licenses_still_are(site: Site) -> None:
    site.install()
    (site.folder / "azlic.db").write_bytes(b"not a database at all, but long enough to be looked at" * 20)
    site.now = day("2027-01-01")
    assert sorted(Look(site).ids()) == ["ledger-unreadable", f"license-expired:{site.license}"]


def test_what_was_kept_apart_or_is_missing_is_counted(mount: Mount) -> None:
    mount.site.install()
    chain = a_chain(4)
    mount.write([b"bad", b"worse", chain[0], chain[3], a_line("a", 1), a_line("a", 2)])
    mount.ingest()
    doubts = {doubt.kind: (doubt.number, doubt.since) for doubt in Look(mount.site).ledger().doubts}
    assert doubts == {"quarantine": (2, START), "conflict": (1, START), "gap": (2, START)}


def test_a_month_is_pending_until_it_is_closed(mount: Mount) -> None:
    mount.site.install()
    mount.write([a_line("a", at=day("2026-01-31")), a_line("b", at=day("2026-02-01")), a_line("c")])
    mount.ingest()
    assert Look(mount.site).ledger().pending_months == (Month(2026, 1), Month(2026, 2))
    with writing(mount.ledger) as connection:
        connection.execute(insert(ClosedMonthRow).values(month=202601, closed_at=START, batch=1, totals=b"", reason=""))
    assert Look(mount.site).ledger().pending_months == (Month(2026, 2),)


def test_usage_waits_for_its_receipt_from_the_first_batch_without_one(mount: Mount) -> None:
    mount.site.install()
    for name in ("a", "b"):
        mount.append([a_line(name)])
        mount.ingest()
        mount.site.sleep(days=1)
    waits = Look(mount.site).ledger().hand_over
    assert waits is not None and (waits.waits_since, waits.receipt_at) == (START, None)
    values = {
        "number": 1,
        "first_batch": 1,
        "last_batch": 1,
        "head": b"",
        "digest": b"",
        "holds": "totals",
        "manifest": b"",
    }
    with writing(mount.ledger) as connection:
        connection.execute(insert(ExportRow).values(**values, made_at=START, acknowledged_at=START))
    waits = Look(mount.site).ledger().hand_over
    assert waits is not None and (waits.waits_since, waits.receipt_at) == (START + timedelta(days=1), START)
    with writing(mount.ledger) as connection:
        connection.execute(update(ExportRow).values(last_batch=2))
        assert connection.execute(BatchRow.__table__.select()).rowcount
    assert Look(mount.site).ledger().hand_over is None


def test_an_audit_is_remembered_until_the_next(site: Site) -> None:
    site.install()
    remember_audit(site.ledger, sound=False, detail="batch 3", now=START)
    assert Look(site).ids() == ["audit-failed"]
    remember_audit(site.ledger, sound=True, detail="", now=START)
    assert Look(site).ids() == []


def test_an_alert_is_dated_by_the_first_look_and_forgotten_once_it_is_gone(site: Site) -> None:
    look = Look(site)
    look.remember()
    (alert,) = alerts_of(look.state(), Rules())
    acknowledge(site.ledger, alert, until=START + timedelta(days=9), now=START, by="me")
    with writing(site.ledger) as connection:
        connection.execute(insert(NoticeRow).values(alert=alert.id, stage="0", channel="c", attempts=1, tried_at=START))
    site.sleep(days=2)
    (alert,) = alerts_of(look.state(), Rules())
    assert alert.kind == "license-missing" and alert.since == START
    site.install()
    look.remember()
    with reading(site.ledger) as connection:
        assert not connection.execute(OpenAlertRow.__table__.select()).all()
        assert not connection.execute(NoticeRow.__table__.select()).all()
        assert len(connection.execute(KnownLicenseRow.__table__.select()).all()) == 1


def test_the_disk_of_the_ledger_is_looked_at(site: Site) -> None:
    assert [disk.path for disk in Look(site).state().disks] == [str(site.folder)]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE open_alert SET since = 9223372036854775807",
        "UPDATE open_alert SET alert = CAST(x'ff41' AS TEXT) WHERE rowid = (SELECT min(rowid) FROM open_alert)",
        "INSERT INTO acknowledged_alert SELECT alert, 9, 'zzz', 4102444800000, 1, 'root' FROM open_alert",
        "INSERT INTO known_license VALUES ('/nowhere', x'00', 1, 'read', 'x', 1, 1, 1, 9223372036854775807)",
    ],
)
def test_a_row_that_no_azlic_wrote_is_passed_over_and_forgotten(mount: Mount, statement: str) -> None:
    look = Look(mount.site, mount.site.folder / "missing")
    look.remember()
    with writing(mount.ledger) as connection:
        assert connection.exec_driver_sql(statement).rowcount
    before = look.ids()
    assert before
    look.remember()
    with reading(mount.ledger) as connection:
        assert first_misfit(connection.exec_driver_sql) is None
    assert look.ids() == before
