"""`azlic trust`, as an operator runs it."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from licensing.core.instants import iso
from licensing.issuer.rotation import rotate
from licensing.issuer.statements import sign_revocations
from tests.azlic.conftest import Cli
from tests.frozen import clock_at
from tests.site import Site
from tests.usage.forked import as_nonroot, only_root, public_folder


def test_the_trusted_keys_are_listed_by_name_within_a_terminals_width(cli: Cli, site: Site) -> None:
    (trusted,) = site.trust.load().keys
    answer = cli("trust", "list")
    assert (answer.status, answer.out) == (0, f"issuer.pem\n  key {trusted.key_id}\n")
    assert max(map(len, answer.out.splitlines())) <= 80


def test_a_file_that_is_no_key_is_named_beside_the_good_ones(cli: Cli, site: Site) -> None:
    (site.trust.folder / "broken.pem").write_text("hello")
    answer = cli("trust", "list")
    assert answer.status == 1
    assert "issuer.pem" in answer.out and "broken.pem" not in answer.out
    assert "broken.pem is not an Ed25519 public key" in answer.err and "try: remove" in answer.err
    assert len(json.loads(cli("trust", "list", "--json").out)["unusable"]) == 1


def test_a_key_that_is_there_already_is_said_so(cli: Cli, site: Site) -> None:
    assert cli("trust", "add", site.public_key).out.startswith("there already: ")


@only_root
def test_a_key_that_may_not_be_read_keeps_its_place(cli: Cli, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with public_folder() as public:
        monkeypatch.chdir(public)
        monkeypatch.setenv("AZLIC_CONFIG", str(public / "azlic.toml"))
        (public / "azlic.toml").touch()
        trust = shutil.copytree(site.trust.folder, public / "trust.d")
        (trust / "issuer.pem").chmod(0o600)
        answer = as_nonroot(lambda: cli("trust", "list", "--trust", trust))
    assert answer.startswith("Answer(status=1, ") and "chmod a+r " in answer and "remove" not in answer


def test_a_folder_that_is_not_there_is_said_so(cli: Cli) -> None:
    answer = cli("trust", "list", "--trust", "nowhere")
    assert (answer.status, answer.out) == (0, "no trusted keys, there is no folder nowhere\n")


def test_a_private_key_is_not_trusted_and_must_not_travel(cli: Cli, site: Site) -> None:
    answer = cli("trust", "add", site.folder / "issuer-keys" / "issuer-key.pem")
    assert answer.status == 3
    assert "a PRIVATE key, which must never travel" in answer.err
    assert len(site.trust.load().keys) == 1


@pytest.fixture
def rotation(site: Site) -> Iterator[Path]:
    """A rotation document of the issuer, made now; the program's clock is the site's, for it takes none too late."""
    with clock_at(site.now):
        yield rotate(site.public_key.parent, now=site.now, reason="yearly")


def a_list(site: Site, number: int = 1) -> Path:
    """A revocation list of the issuer, the newest of ``number`` that were made now."""
    for _ in range(number):
        _, content = sign_revocations(site.issuer_store, site.public_key.parent, now=site.now, actor="anna")
    path = site.folder / f"list-{number}.json"
    path.write_bytes(content)
    return path


def at(site: Site, **span: float) -> str:
    site.sleep(**span)
    return iso(site.now)


def test_an_update_tells_what_it_took_and_the_list_shows_it(cli: Cli, site: Site, rotation: Path) -> None:
    (anchor,) = site.trust.load().keys
    answer = cli("trust", "update", a_list(site), rotation)
    assert answer.status == 0, answer
    assert answer.out.splitlines()[0] == (
        f"revocation list 1 of issuer {anchor.key_id[:12]}: taken, 0 licenses revoked"
    )
    new = site.trust.load().keys[-1].key_id
    assert answer.out.splitlines()[1:] == [
        f"rotation 1 of issuer {anchor.key_id[:12]}: taken",
        f"  key {anchor.key_id}",
        f"  key {new}",
    ]
    told = cli("trust", "list", "--at", at(site, days=3))
    assert (told.status, told.err) == (0, "")
    assert told.out.splitlines() == [
        f"issuer {anchor.key_id}",
        f"  key {anchor.key_id}",
        "    up to 2026-03-02T08:00:00Z",
        f"  key {new}",
        "    from 2026-03-01T08:00:00Z",
        "  rotation 1 of 2026-03-01T08:00:00Z",
        "    good until 2029-02-28T08:00:00Z",
        "  revocation list 1 of 2026-03-01T08:00:00Z",
        "    0 licenses revoked, next one due 2026-05-30T08:00:00Z",
        "  3 days old",
    ]
    assert max(map(len, answer.out.splitlines() + told.out.splitlines())) <= 80


def test_the_same_update_again_is_there_already(cli: Cli, rotation: Path) -> None:
    cli("trust", "update", rotation)
    answer = cli("trust", "update", rotation)
    assert answer.status == 0 and "there already" in answer.out


def test_an_update_and_a_list_for_scripts(cli: Cli, site: Site, rotation: Path) -> None:
    told = json.loads(cli("trust", "update", rotation, a_list(site), "--json").out)
    assert told["schema"] == "azlic.trust-update/v1"
    assert [(one["type"].split(".")[2], one["new"]) for one in told["statements"]] == [
        ("revocations", True),
        ("rotation", True),
    ]
    listed = json.loads(cli("trust", "list", "--json", "--at", at(site, days=100)).out)
    assert listed["schema"] == "azlic.trust/v1"
    (stated,) = listed["issuers"]
    assert (stated["days_old"], stated["rotation"]["version"], stated["rotation"]["expired"]) == (100, 1, False)
    assert (stated["revocations"]["number"], stated["revocations"]["stale"]) == (1, True)
    assert {key["issuer"] for key in listed["keys"]} == {stated["issuer"]}


def test_an_older_list_is_refused_with_status_1(cli: Cli, site: Site) -> None:
    older, newer = a_list(site), a_list(site, 2)
    assert cli("trust", "update", newer).status == 0
    answer = cli("trust", "update", older)
    assert answer.status == 1
    assert "is revocation list 1, older than 3, which is there" in answer.err and "try: " in answer.err


def test_old_trust_is_warned_about_after_as_many_days_as_are_set(
    cli: Cli, site: Site, rotation: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("trust", "update", rotation)
    quiet, loud = at(site, days=180), at(site, days=1)
    assert cli("trust", "list", "--at", quiet).err == ""
    answer = cli("trust", "list", "--at", loud)
    assert answer.status == 0 and "is 181 days old" in answer.err
    monkeypatch.setenv("AZLIC_TRUST_DAYS", "200")
    assert cli("trust", "list", "--at", loud).err == ""


def test_an_overdue_list_is_warned_about(cli: Cli, site: Site) -> None:
    cli("trust", "update", a_list(site))
    answer = cli("trust", "list", "--at", at(site, days=91))
    assert answer.status == 0
    assert "overdue since 2026-05-30" in answer.out and "more may have been revoked by now" in answer.err


def test_a_rotation_that_ends_soon_is_warned_about(cli: Cli, site: Site, rotation: Path) -> None:
    cli("trust", "update", rotation)
    assert "expires" not in cli("trust", "list", "--at", at(site, days=1034)).err
    answer = cli("trust", "list", "--at", at(site, days=1))
    assert answer.status == 0 and "expires at 2029-02-28T08:00:00Z: then none of its keys" in answer.err


def test_an_expired_rotation_is_status_1(cli: Cli, site: Site, rotation: Path) -> None:
    cli("trust", "update", rotation)
    answer = cli("trust", "list", "--at", at(site, days=1095))
    assert answer.status == 1
    assert "expired 2029-02-28" in answer.out and "none of its keys is trusted now" in answer.err


def test_a_statement_that_is_damaged_is_named_beside_the_issuer_it_takes_trust_from(
    cli: Cli, site: Site, rotation: Path
) -> None:
    (anchor,) = site.trust.load().keys
    cli("trust", "update", rotation)
    path = site.trust.folder / f"{anchor.key_id}.rotation-1.json"
    path.write_text("{}")
    answer = cli("trust", "list")
    assert answer.status == 1 and "does not follow the issuer's first key" in answer.err
    assert answer.out == (
        f"issuer {anchor.key_id}\n  not trusted until {anchor.key_id[:12]}....rotation-1.json is fixed\n"
    )
    (told,) = json.loads(cli("trust", "list", "--json").out)["untrusted"]
    assert told == {"issuer": anchor.key_id, "mend": str(path)}


def test_a_rotation_that_takes_the_list_with_it_asks_for_a_new_one(cli: Cli, site: Site) -> None:
    assert cli("trust", "update", a_list(site)).status == 0
    old = rotate(site.public_key.parent, now=site.now, reason="stolen", withdraw_old=True)
    refused = cli("trust", "update", old)
    assert refused.status == 1
    assert "rotation 1 withdraws the key that signed list 1: give the issuer's new list together with it" in refused.err
    assert cli("trust", "update", old, a_list(site)).status == 0
