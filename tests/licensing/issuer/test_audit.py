import hashlib
import os
import pwd
from datetime import timedelta

import pytest

import migrations
from licensing.core.errors import AzlicError
from licensing.db.database import DatabaseBusy, reading, writing
from licensing.issuer.audit import AuditEntry, operator, read_audit_log
from licensing.issuer.book import approve, withdraw
from licensing.issuer.containers import renew_license_id, set_container
from licensing.issuer.plans import set_plan
from licensing.issuer.resources import new_api_key
from licensing.issuer.revocations import revoke
from licensing.issuer.terms import NewContainer
from tests.licensing.issuers import an_issuer, ask, given
from tests.site import OPERATOR, START, Site, a_plan

pytestmark = pytest.mark.databases("sqlite", "postgresql")


def entries(site: Site) -> list[AuditEntry]:
    log = read_audit_log(site.issuer_store)
    assert log.fault is None
    return list(log.entries)


def test_every_change_leaves_a_line_and_what_changes_nothing_leaves_none(site: Site) -> None:
    site.add_resource()
    store, license_id = site.issuer_store, given(site, ask(an_issuer(site), site.api_keys["plant-read"][0])).license_id
    new_api_key(store, "plant-read", 2, now=START, actor="anna")
    for _ in range(2):
        withdraw(store, "plant-read-subscription", now=START, actor="anna")
    for _ in range(2):
        approve(store, "plant-read-subscription", now=START, actor="anna")
    set_plan(store, "plant-read", a_plan(tier="T2"), now=START, actor="anna")
    set_container(store, "plant-read", NewContainer("read", instances=("a",)), now=START, actor="anna")
    for _ in range(2):
        revoke(store, license_id, reason="sold", now=START, actor="anna")
    renew_license_id(store, "plant-read", "read", now=START + timedelta(hours=1), actor="ben")
    assert [(line.number, line.actor, line.action) for line in entries(site)] == [
        (1, OPERATOR, "resource add"),
        (2, OPERATOR, "approve"),
        (3, "plant-read API key 1", "download"),
        (4, "anna", "resource key"),
        (5, "anna", "withdraw"),
        (6, "anna", "approve"),
        (7, "anna", "plan set"),
        (8, "anna", "container set"),
        (9, "anna", "revoke"),
        (10, "ben", "container renew-id"),
    ]
    assert entries(site)[-1].at == "2026-03-01T09:00:00Z"
    assert entries(site)[-1].detail["instead_of"] == license_id


def test_every_download_leaves_a_line_granted_or_denied(site: Site) -> None:
    site.add_resource()
    site.add_resource("other-read", approved=False)
    issuer, key = an_issuer(site), site.api_keys["plant-read"][1]
    license_ = given(site, ask(issuer, key))
    ask(issuer, key, resource="other-read")
    ask(issuer, site.api_keys["other-read"][0], resource="other-read")
    ask(issuer, "nobody's", resource="no\nwhere\0" + "x" * 300)
    told = [(line.actor, line.action, line.subject, line.detail.get("code")) for line in entries(site)[3:]]
    assert told == [
        ("plant-read API key 2", "download", license_.license_id, None),
        ("plant-read API key 2", "denial", "other-read", "Mismatch"),
        ("other-read API key 1", "denial", "other-read", "ContainerUseUnauthorized"),
        ("unknown API key", "denial", "nowhere" + "x" * 193, "Invalid"),
    ]
    assert entries(site)[3].detail == {
        "serial": 1,
        "container": "read",
        "version": "3.2.0",
        "site": "hall 7",
        "until": "2027-01-01T00:00:00Z",
    }


def test_no_key_is_in_the_log_nor_the_digest_of_one(site: Site) -> None:
    site.add_resource()
    stranger = "5" * 64
    key, new = site.api_keys["plant-read"][0], new_api_key(site.issuer_store, "plant-read", 2, now=START, actor="anna")
    for asked in (key, stranger):
        ask(an_issuer(site), asked)
    log = str(read_audit_log(site.issuer_store).entries)
    for secret in (key, new, stranger):
        assert secret not in log and hashlib.sha256(secret.encode()).hexdigest() not in log
    site.close()
    kept = b"".join(path.read_bytes() for path in site.folder.glob("issuer.db*"))
    assert hashlib.sha256(stranger.encode()).digest() not in kept


def test_a_change_that_fails_leaves_no_line(site: Site) -> None:
    site.add_resource()
    before = entries(site)
    with pytest.raises(AzlicError):
        site.add_resource()
    with pytest.raises(AzlicError):
        new_api_key(site.issuer_store, "plant-read", 3, now=START, actor="anna")
    assert entries(site) == before


def test_the_actor_of_a_command_is_the_systems_user(monkeypatch: pytest.MonkeyPatch) -> None:
    assert operator() == pwd.getpwuid(os.geteuid()).pw_name
    monkeypatch.setattr(os, "geteuid", lambda: 4_000_000)
    assert operator() == "uid 4000000"


def a_log(site: Site) -> list[bytes]:
    """A log of five lines, and the heads of each."""
    for name in "abcde":
        site.add_resource(name, approved=False)
    with reading(site.issuer_store) as connection:
        return [row[0] for row in connection.exec_driver_sql("SELECT head FROM issuer_audit ORDER BY number")]


UNGUARD = {
    "sqlite": ("DROP TRIGGER issuer_audit_no_update", "DROP TRIGGER issuer_audit_no_delete"),
    "postgresql": ("DROP TRIGGER issuer_audit_only_grows ON issuer_audit",),
}
GUARDS = {
    "sqlite": ("SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'issuer_audit'", 2),
    "postgresql": (
        "SELECT count(*) FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid"
        " WHERE NOT tgisinternal AND relname = 'issuer_audit'",
        1,
    ),
}


def tamper(site: Site, *statements: str) -> None:
    """Change the log as somebody would who owns the database: its guards are removed first."""
    with writing(site.issuer_store) as connection:
        for statement in (*UNGUARD[connection.dialect.name], *statements):
            connection.exec_driver_sql(statement)


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE issuer_audit SET actor = 'eve' WHERE number = 3", "line 3 is not what was written"),
        ("UPDATE issuer_audit SET at = at || ' ' WHERE number = 1", "line 1 is not what was written"),
        ("UPDATE issuer_audit SET detail = '{' WHERE number = 5", "line 5 is not what was written"),
        (
            "UPDATE issuer_audit SET head = (SELECT head FROM issuer_audit WHERE number = 1) WHERE number = 2",
            "line 2 is not what was written",
        ),
        ("DELETE FROM issuer_audit WHERE number = 4", "line 5 does not follow line 3"),
        ("DELETE FROM issuer_audit WHERE number = 1", "line 2 does not follow line 0"),
    ],
)
def test_the_first_line_that_is_not_what_was_written_is_named(site: Site, statement: str, fault: str) -> None:
    a_log(site)
    tamper(site, statement)
    found = read_audit_log(site.issuer_store).fault
    assert found is not None and found.startswith(fault)


def test_a_lost_tail_shows_against_a_head_that_was_kept_elsewhere(site: Site) -> None:
    heads = a_log(site)
    assert read_audit_log(site.issuer_store).head == heads[-1]
    tamper(site, "DELETE FROM issuer_audit WHERE number > 3")
    shorter = read_audit_log(site.issuer_store)
    assert (shorter.fault, shorter.head) == (None, heads[2])


@pytest.mark.parametrize("change", ["UPDATE issuer_audit SET actor = 'eve'", "DELETE FROM issuer_audit"])
def test_the_database_itself_refuses_to_change_a_line(site: Site, change: str) -> None:
    a_log(site)
    with pytest.raises(AzlicError, match="the audit log only grows"), writing(site.issuer_store) as connection:
        connection.exec_driver_sql(change)
    assert len(entries(site)) == 5


def test_the_guards_come_and_go_with_the_schema(site: Site) -> None:
    store = site.issuer_store
    guards, number = GUARDS[store.dialect.name]
    for walk, count in (
        (lambda _: None, number),
        (lambda connection: migrations.downgrade(connection, "0001"), 0),
        (migrations.upgrade, number),
    ):
        with writing(store) as connection:
            walk(connection)
        with reading(store) as connection:
            assert connection.exec_driver_sql(guards).scalar() == count


def test_who_waits_too_long_for_a_turn_is_told_that_the_issuer_is_busy(site: Site) -> None:
    site.wait_seconds = 0.02
    site.add_resource()
    issuer = an_issuer(site)
    with issuer._in_turn(), pytest.raises(DatabaseBusy, match="too many downloads wait"):
        ask(issuer, site.api_keys["plant-read"][0])
    given(site, ask(issuer, site.api_keys["plant-read"][0]))
