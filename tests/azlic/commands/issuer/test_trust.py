"""`azlic issuer rotate`, `revocations` and `clock-reset`, as an issuer runs them."""

import os
import pwd
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from licensing.db.database import reading, writing
from licensing.issuer import tables as issuer_tables
from licensing.issuer.audit import read_audit_log
from licensing.issuer.keys import issuer_signer, rotation_documents
from licensing.trust.clock_reset import parse_clock_reset
from tests.azlic.conftest import Cli
from tests.site import Site


@pytest.fixture(autouse=True)
def issuer(cli: Cli, site: Site, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The issuer's key folder; its store is the database of every command, in place of the site's ledger."""
    site.add_resource()
    keys = site.public_key.parent
    monkeypatch.setenv("AZLIC_DATABASE", str(site.folder / "issuer.db"))
    monkeypatch.setenv("AZLIC_ISSUER_KEYS", str(keys))
    return keys


def test_a_rotation_reaches_the_operator_and_licenses_of_both_keys_are_good(cli: Cli, site: Site, issuer: Path) -> None:
    answer = cli("issuer", "rotate", "-o", "rotation-1.json")
    assert answer.status == 0, answer
    new = issuer_signer(issuer)
    assert answer.out == f"rotation: rotation-1.json\n  key {new.public_key.keyid}\n"
    assert cli("trust", "update", "rotation-1.json").status == 0
    assert {known.key_id for known in site.trust.load().keys} == {site.signer.public_key.keyid, new.public_key.keyid}


def test_withdrawing_the_old_key_and_giving_it_a_date_exclude_each_other(cli: Cli, issuer: Path) -> None:
    answer = cli("issuer", "rotate", "-o", "x.json", "--withdraw-old", "--old-key-until", "2027-01-01")
    assert (answer.status, rotation_documents(issuer)) == (2, [])


def test_a_rotation_that_cannot_be_handed_over_is_kept_where_the_words_say(cli: Cli, issuer: Path) -> None:
    answer = cli("issuer", "rotate", "-o", "nowhere/rotation.json")
    (kept,) = rotation_documents(issuer)
    assert answer.status == 3
    assert (
        f"the rotation is kept as {kept}" in answer.err and "nowhere/rotation.json could not be written" in answer.err
    )


def test_a_revocation_reaches_the_operator(cli: Cli, site: Site) -> None:
    with writing(site.issuer_store) as connection:
        (license_id,) = connection.execute(select(issuer_tables.ResourceContainerRow.license_id)).scalars()
        row = {"license_id": license_id, "reason": "stolen", "revoked_at": "2026-03-01T08:00:00Z"}
        connection.execute(insert(issuer_tables.RevocationRow).values(row))
    answer = cli("issuer", "revocations", "-o", "list.json", "--valid-days", "30")
    assert (answer.status, answer.out) == (0, "revocation list 1: list.json, 1 revoked\n")
    assert cli("trust", "update", "list.json").status == 0
    (stated,) = site.trust.load().issuers.values()
    assert stated.revocations is not None
    assert stated.revocations.revoking(license_id, 5)
    assert (stated.revocations.next_update - stated.revocations.issued_at).days == 30


def test_a_clock_reset_is_signed_and_noted_by_who_ran_it(cli: Cli, site: Site) -> None:
    words = ("--to", "2026-03-01", "--reason", "wrong clock", "--site", "plant-7", "-o", "reset.json")
    answer = cli("issuer", "clock-reset", *words)
    assert answer.status == 0, answer
    reset = parse_clock_reset((site.folder / "reset.json").read_bytes(), site.trust.load())
    assert answer.out == f"clock reset to 2026-03-01T00:00:00Z: reset.json\n  id {reset.reset_id}\n"
    with reading(site.issuer_store) as connection:
        line = issuer_tables.AuditLineRow
        (actor,) = connection.execute(select(line.actor).where(line.action == "clock-reset")).scalars()
    assert actor == pwd.getpwuid(os.geteuid()).pw_name


@pytest.mark.parametrize(
    "words", [("revocations",), ("clock-reset", "--to", "2026-03-01", "--reason", "x"), ("rotate",)], ids=" ".join
)
def test_without_a_key_folder_it_is_said_so(cli: Cli, words: tuple[str, ...]) -> None:
    answer = cli("issuer", *words, "-o", "x.json", "--keys", "none")
    assert answer.status == 3 and answer.err.startswith("azlic: ")
    assert not Path("x.json").exists()


@pytest.mark.parametrize(
    "words", [("revocations",), ("clock-reset", "--to", "2026-03-01", "--reason", "x"), ("rotate",)], ids=" ".join
)
def test_nothing_is_signed_from_a_database_that_is_no_issuers(cli: Cli, site: Site, words: tuple[str, ...]) -> None:
    assert site.ledger is not None
    answer = cli("issuer", *words, "-o", "x.json", "--database", "azlic.db")
    assert answer.status == 3 and "azlic.db is a site's ledger, not an issuer's store" in answer.err
    assert not Path("x.json").exists()


def test_a_rotation_is_noted_by_who_ran_it(cli: Cli, site: Site) -> None:
    answer = cli("issuer", "rotate", "-o", "rotation-1.json", "--withdraw-old")
    assert answer.status == 0 and "need a new one with it: azlic issuer revocations" in answer.err
    line = read_audit_log(site.issuer_store).entries[-1]
    assert (line.action, line.subject, line.detail["old"]) == ("rotate", "rotation-1", "withdrawn")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("rotate", "--old-key-until", "2026-01-01"),
            "cannot stay valid until 2026-01-01T00:00:00Z: that is in the past",
        ),
        (("clock-reset", "--to", "2999-01-01", "--reason", "x"), "is ahead of this machine's clock"),
    ],
)
def test_an_instant_on_the_wrong_side_of_now_is_refused(cli: Cli, words: tuple[str, ...], said: str) -> None:
    answer = cli("issuer", *words, "-o", "x.json")
    assert answer.status == 2 and said in answer.err
    assert not Path("x.json").exists()
