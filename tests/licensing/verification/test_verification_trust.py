"""Steps 7 and 8: what the issuer says about its own keys and about licenses that it took back."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from licensing.core.instants import iso
from licensing.db.database import writing
from licensing.history.read import read_memory
from licensing.history.remember import remember_verdict
from licensing.issuer import tables as issuer_tables
from licensing.issuer.rotation import rotate
from licensing.issuer.statements import sign_clock_reset, sign_revocations
from licensing.trust.statement import RefusedStatement
from licensing.trust.updating import update_trust
from licensing.verdict.seen import Seen
from licensing.verdict.verdict import Cause, Status, Verdict
from licensing.verification import verify
from tests.site import LICENSE_ID, START, Site, a_license

DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)


@pytest.fixture
def keys(site: Site) -> Path:
    return site.public_key.parent


@pytest.fixture
def issuer(site: Site) -> str:
    return site.trust.load().keys[0].key_id


def rotated(site: Site, keys: Path, **options: object) -> None:
    """The issuer turns its key, and the operator takes the document."""
    update_trust(site.trust, [rotate(keys, now=site.now, reason="yearly", **options)], as_of=site.now)  # type: ignore[arg-type]


def listed(site: Site, keys: Path, up_to_serial: int | None = None, *, revoke: bool = True) -> None:
    """The issuer takes the site's license back and signs a list, which the operator takes."""
    row = {"license_id": LICENSE_ID, "up_to_serial": up_to_serial, "reason": "stolen", "revoked_at": iso(START)}
    if revoke:
        with writing(site.issuer_store) as connection:
            connection.execute(insert(issuer_tables.RevocationRow), [row])
    _, content = sign_revocations(site.issuer_store, keys, now=site.now, actor="anna")
    carried = site.folder / "list.json"
    carried.write_bytes(content)
    update_trust(site.trust, [carried], as_of=site.now)


def refused(verdict: Verdict, step: int) -> tuple[Status, Cause | None]:
    """How it was refused, which this step must have done."""
    assert [check.passed for check in verdict.checks[: step + 1]] == [True] * (step - 1) + [False, None]
    return verdict.status, verdict.cause


@pytest.mark.parametrize(("issued_at", "good"), [(START, True), (START + DAY - TICK, True), (START + DAY, False)])
def test_a_key_signs_within_its_window_and_what_it_signed_then_stays_good(
    site: Site, keys: Path, issued_at: datetime, good: bool
) -> None:
    rotated(site, keys)
    site.install(a_license(issued_at=issued_at))
    site.sleep(days=100)
    if good:
        assert site.verify().status is Status.VALID
    else:
        assert refused(site.verify(), 7) == (Status.UNTRUSTED, Cause.KEY_NOT_IN_FORCE)
        assert site.verify().license is None


def test_what_a_withdrawn_key_signed_is_not_good_any_more(site: Site, keys: Path) -> None:
    site.install()
    rotated(site, keys, withdraw_old=True)
    assert refused(site.verify(), 5) == (Status.UNTRUSTED, Cause.WITHDRAWN_KEY)


@pytest.mark.parametrize("past", [False, True])
def test_an_issuers_word_about_its_keys_ends(site: Site, keys: Path, past: bool) -> None:
    site.install()
    rotated(site, keys, valid=10 * DAY)
    site.now = START + 10 * DAY - (TICK * (not past))
    if past:
        assert refused(site.verify(), 7) == (Status.UNTRUSTED, Cause.TRUST_EXPIRED)
    else:
        assert site.verify().may_run


def test_a_trust_store_put_back_to_before_a_rotation_is_refused(site: Site, keys: Path, issuer: str) -> None:
    site.install()
    seen = Seen(statements={(issuer, "rotation"): 1})
    assert refused(site.verify(seen=seen), 7) == (Status.UNTRUSTED, Cause.OLDER_TRUST)
    rotated(site, keys)
    assert site.verify(seen=seen).may_run


@pytest.mark.parametrize(("up_to_serial", "revoked"), [(None, True), (1, True), (2, True)])
def test_a_revoked_license_is_refused_with_the_reason(
    site: Site, keys: Path, up_to_serial: int | None, revoked: bool
) -> None:
    site.install()
    listed(site, keys, up_to_serial)
    verdict = site.verify()
    assert refused(verdict, 8) == (Status.REVOKED, None)
    assert verdict.detail == "the issuer revoked the license at 2026-03-01T08:00:00Z: stolen (list 1)"


def test_a_later_serial_than_the_revoked_one_runs(site: Site, keys: Path) -> None:
    site.install(a_license(serial=2))
    listed(site, keys, up_to_serial=1)
    assert site.verify().may_run


def test_a_list_that_was_to_be_replaced_is_a_warning(site: Site, keys: Path) -> None:
    site.install()
    listed(site, keys, revoke=False)
    site.sleep(days=90)
    assert site.verify().warnings == ()
    site.sleep(seconds=1)
    verdict = site.verify()
    assert verdict.may_run
    assert verdict.warnings == ("revocation list 1 was due to be replaced by 2026-05-30T08:00:00Z",)


def test_trust_that_has_grown_old_is_a_warning(site: Site, keys: Path) -> None:
    site.install()
    rotated(site, keys)
    site.sleep(days=180)
    assert site.verify().warnings == ()
    site.sleep(days=1)
    assert site.verify().warnings == (
        "your trust data is 181 days old: the issuer last published at 2026-03-01T08:00:00Z",
    )
    longer = verify(site.license, trust=site.trust, as_of=site.now, trust_days=200)
    assert longer.warnings == ()


def remembered(site: Site, verdict: Verdict) -> Seen:
    with writing(site.ledger) as connection:
        remember_verdict(connection, verdict)
    return read_memory(str(site.folder / "azlic.db"))


def test_a_trust_store_without_the_list_that_was_seen_is_refused(site: Site, keys: Path) -> None:
    site.install()
    listed(site, keys, revoke=False)
    seen = remembered(site, site.verify(seen=Seen()))
    for statement in site.trust.folder.glob("*.json"):
        statement.unlink()
    assert refused(site.verify(seen=seen), 8) == (Status.UNTRUSTED, Cause.OLDER_TRUST)


def test_with_a_new_rotation_a_list_may_count_anew(site: Site, keys: Path, issuer: str) -> None:
    """A thief's list of a high number goes with the key that was stolen."""
    site.install()
    listed(site, keys, revoke=False)
    high = remembered(site, site.verify(seen=Seen()))._replace(statements={(issuer, "revocations"): 1000})
    assert refused(site.verify(seen=high), 8) == (Status.UNTRUSTED, Cause.OLDER_TRUST)
    rotated(site, keys)
    verdict = site.verify(seen=high)
    assert verdict.may_run
    assert remembered(site, verdict).statements == {(issuer, "rotation"): 1, (issuer, "revocations"): 1}


def test_a_clock_reset_of_the_issuer_mends_a_mark_in_the_future(site: Site, keys: Path) -> None:
    from licensing.trust.clock_reset import read_clock_reset, take_clock_reset

    site.install()
    site.sleep(days=200)
    seen = remembered(site, site.verify(seen=Seen()))
    site.sleep(days=-200)
    assert site.verify(seen=seen).status is Status.CLOCK_SUSPECT
    _, content = sign_clock_reset(
        site.issuer_store, keys, instant=START, reason="wrong clock", site="plant-a", now=START, actor="anna"
    )
    carried = site.folder / "reset.json"
    carried.write_bytes(content)
    with pytest.raises(RefusedStatement, match="is for site 'plant-a', this is 'plant-b'"):
        read_clock_reset(carried, trust=site.trust, site="plant-b")
    reset = read_clock_reset(carried, trust=site.trust, site="plant-a")
    take_clock_reset(site.ledger, reset, now=START)
    assert site.verify(seen=read_memory(str(site.folder / "azlic.db"))).may_run
    with pytest.raises(RefusedStatement, match="nothing that was seen here is later"):
        take_clock_reset(site.ledger, reset, now=START)
    remembered(site, site.verify(START + 200 * DAY, seen=Seen()))
    with pytest.raises(RefusedStatement, match="was used before"):
        take_clock_reset(site.ledger, reset, now=START)
